"""Tar archives of images, plain or compressed (gzip, bzip2, xz), read in place.

A compressed one cannot be read from the middle: it is unpacked once, as one nameless temporary file
that is gone when it is closed, however that comes about. Links in an archive are not followed, but
for hard links to files that it holds.
"""

import bz2
import gzip
import lzma
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, NamedTuple

from ganlens.data.archives import Archive, posix
from ganlens.data.boundary import readable
from ganlens.data.encoded import Unusable
from ganlens.data.kinds import HEAD
from ganlens.data.trees import check_size
from ganlens.errors import GanlensError

ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
PIECE = 2**20  # bytes that are unpacked at once
HEADER = 2**20  # bytes of one header, which tarfile reads whole: long names and attributes
SMALL, RATIO = 2**28, 100  # bytes that anything may unpack to; else, how many times its size
XZ_MEMORY = 2**28  # bytes: `xz -9` asks for 65 MiB
BLOCK = tarfile.BLOCKSIZE


class Entry(NamedTuple):
    """Where the content of a file lies, or why it is not read."""

    start: int
    size: int
    problem: str = ""


class TarTree(Archive):
    """A tar file.

    Args:
        path: of the archive; its content tells how it is compressed, whatever its name.
        scratch: folder for the temporary file of a compressed one.
    """

    def __init__(self, path: Path, scratch: Path) -> None:
        super().__init__(path)
        self.scratch = scratch
        self._lock = Lock()

    @cached_property
    def _file(self) -> BinaryIO:
        with readable(f"{self.path} cannot be unpacked", "unpack it yourself, and give the folder"):
            return plain(self.path, self.scratch)

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        file = self._file
        with readable(f"{self.path} is not a readable tar file", "copy it again, or give a folder"):
            return index(file)

    def _list(self) -> dict[str, int]:
        return {name: entry.size for name, entry in self._entries.items()}

    def read(self, name: str) -> bytes:
        """Return the content of a file; see Tree."""
        check_size(self.sizes[name])
        return self._at(self._entries[name], self.sizes[name])

    def head(self, name: str) -> bytes:
        """Return a file's first bytes; see Tree."""
        return self._at(self._entries[name], HEAD)

    def _at(self, entry: Entry, count: int) -> bytes:
        if entry.problem:
            raise Unusable(entry.problem)
        with self._lock:
            self._file.seek(entry.start)
            return self._file.read(min(count, entry.size))

    def close(self) -> None:
        """Release what is open."""
        if "_file" in self.__dict__:  # opened at all
            self._file.close()


def is_tar(path: Path) -> bool:
    """Whether a file is a tar archive by its name and its first bytes."""
    if not path.name.lower().endswith(ENDINGS) or not path.is_file():
        return False
    with open(path, "rb") as file:
        start = file.read(BLOCK)
    return start[257:262] == b"ustar" or start.startswith(tuple(UNPACKERS))


def plain(path: Path, scratch: Path) -> BinaryIO:
    """Open a tar, unpacked where it is compressed.

    Raises:
        GanlensError: it unpacks to more than RATIO times its size (and more than SMALL bytes).
    """
    file = open(path, "rb")  # noqa: SIM115 the caller closes it
    start = file.read(HEAD)
    file.seek(0)
    unpacker = next((one for magic, one in UNPACKERS.items() if start.startswith(magic)), None)
    if unpacker is None:
        return file
    most = max(SMALL, RATIO * os.fstat(file.fileno()).st_size)
    scratch.mkdir(parents=True, exist_ok=True)
    with file:
        spool = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115
        try:
            for piece in unpacker(file):
                if spool.tell() + len(piece) > most:
                    raise GanlensError(
                        f"{path} unpacks to more than {most:,} bytes, {RATIO} times what images do:"
                        " unpack it yourself if you trust it, and give the folder"
                    )
                spool.write(piece)
        except BaseException:
            spool.close()
            raise
    spool.seek(0)
    return spool


def _gunzip(file: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as unpacked:
        while piece := unpacked.read(PIECE):
            yield piece


def _streams(file: BinaryIO, new: Callable[[], Any]) -> Iterator[bytes]:
    """Yield what one stream after another holds, of bzip2 or xz."""
    data = file.read(PIECE)
    while data:
        engine = new()
        while not engine.eof:
            if engine.needs_input and not data:
                data = file.read(PIECE)
                if not data:
                    raise EOFError("it ends in the middle")
            yield engine.decompress(data, PIECE)
            data = b""
        data = engine.unused_data.lstrip(b"\0") or file.read(PIECE).lstrip(b"\0")


UNPACKERS: dict[bytes, Callable[[BinaryIO], Iterator[bytes]]] = {
    b"\x1f\x8b": _gunzip,
    b"BZh": lambda file: _streams(file, bz2.BZ2Decompressor),
    b"\xfd7zXZ\0": lambda file: _streams(file, lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY)),
}


class _Headers:
    """The file as tarfile sees it: no header may have it read more than HEADER bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell, self._file = file.seek, file.tell, file

    def read(self, count: int) -> bytes:
        if not 0 <= count <= HEADER:
            raise ValueError(f"a header that declares {count:,} bytes")
        return self._file.read(count)


def index(file: BinaryIO) -> dict[str, Entry]:
    """Return name -> where it lies, of every file of a plain tar; of two with one name the last.

    Raises:
        ValueError: a damaged header; and whatever tarfile raises.
    """
    found: dict[str, Entry] = {}
    with tarfile.TarFile(fileobj=_Headers(file), mode="r", encoding="utf-8") as archive:  # type: ignore[arg-type]
        before = 0
        while (info := archive.next()) is not None:
            if archive.offset <= before or info.size < 0:
                raise ValueError(f"a damaged header at byte {info.offset:,}")
            before = archive.offset
            # Else all headers of a million files stay in memory; typeshed does not know the list.
            archive.members.clear()  # type: ignore[attr-defined]
            if not info.isdir():
                found[posix(info.name)] = _entry(info, found)
        _check_end(file, archive.offset)
    return found


def _entry(info: tarfile.TarInfo, found: dict[str, Entry]) -> Entry:
    if info.islnk():
        gone = f"a hard link to {info.linkname!r:.80}, which does not stand before it"
        return found.get(posix(info.linkname), Entry(0, 0, gone))
    if info.issym():
        return Entry(0, 0, f"a link to {info.linkname!r:.80}: links in archives are not followed")
    if info.issparse():
        return Entry(0, 0, "stored without its zeros (sparse): unpack the tar and give the folder")
    if not info.isreg():
        return Entry(0, 0, "neither a file nor a link to one")
    return Entry(info.offset_data, info.size)


def _check_end(file: BinaryIO, end: int) -> None:
    """Refuse a tar with anything behind its end: tarfile takes a damaged header for an end."""
    file.seek(end)
    while piece := file.read(PIECE):
        if piece.strip(b"\0"):
            raise ValueError(
                f"from byte {end:,} on it is damaged, or a second archive that was appended"
            )
