"""Trees of files: a folder and an archive look alike, and neither is trusted."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from ganlens.data.encoded import Unusable
from ganlens.data.kinds import HEAD, is_litter, is_other
from ganlens.errors import GanlensError

MAX_FILE = 256 * 2**20  # bytes of one file: an uncompressed image of MAX_IMAGE_PIXELS is about this
ALWAYS_HASHED = (64 * 2**20, 2000)  # bytes and files up to which stamps are not trusted instead

Stamp = tuple[str, int, int, int]  # name, size, mtime_ns, ctime_ns
Remember = Callable[[Path, list[Stamp], Callable[[], str]], str]


class Tree(Protocol):
    """Files by name; names are relative, with ``/``, and sorted."""

    @property
    def sizes(self) -> dict[str, int]:
        """Name -> bytes, of all files but litter and others."""
        ...

    @property
    def unsafe(self) -> list[str]:
        """Names that lead out of the tree."""
        ...

    @property
    def others(self) -> list[str]:
        """Names of files that are no pictures by their extensions."""
        ...

    def read(self, name: str) -> bytes:
        """Return a file's content; safe to call from several threads."""
        ...

    def head(self, name: str) -> bytes:
        """Return a file's first HEAD bytes."""
        ...

    def content(self, remember: Remember) -> str:
        """Return a digest of every file's name and content."""
        ...

    def close(self) -> None:
        """Release what is open."""
        ...


def check_size(size: int) -> None:
    """Raise Unusable for a file of more than MAX_FILE bytes."""
    if size > MAX_FILE:
        raise Unusable(f"{size:,} bytes: more than the limit of {MAX_FILE:,}")


def file_digest(path: Path) -> str:
    """Return the sha256 hex digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FolderTree:
    """A folder, with its sub-folders; linked folders are followed, loops are not."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            found = sorted(_scan(root, "", frozenset()))
        except OSError as error:
            raise GanlensError(
                f"{error.filename} cannot be listed ({error.strerror}): change its permissions"
            ) from error
        self._stamps = [stamp for stamp in found if not is_other(stamp[0])]
        self.sizes = {name: size for name, size, _, _ in self._stamps}
        self.others = [name for name, _, _, _ in found if is_other(name)]
        self.unsafe: list[str] = []

    def read(self, name: str) -> bytes:
        """Return the content of a file; see Tree."""
        check_size(self.sizes[name])
        if not _openable(self.root / name):
            raise Unusable("neither a file nor a link to one")
        return (self.root / name).read_bytes()

    def head(self, name: str) -> bytes:
        """Return a file's first bytes; see Tree."""
        if not _openable(self.root / name):
            raise Unusable("neither a file nor a link to one")
        with open(self.root / name, "rb") as file:
            return file.read(HEAD)

    def content(self, remember: Remember) -> str:
        """Return a digest of every name and content; see Tree."""
        size, files = ALWAYS_HASHED
        if sum(self.sizes.values()) <= size and len(self.sizes) <= files:
            return self._hash_all()
        return remember(self.root, self._stamps, self._hash_all)

    def _hash_all(self) -> str:
        digest = hashlib.sha256()
        with ThreadPoolExecutor() as pool:
            for name, line in zip(self.sizes, pool.map(self._hash, self.sizes), strict=True):
                digest.update(f"{name}\0{line}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def _hash(self, name: str) -> str:
        if self.sizes[name] > MAX_FILE:  # never read either, so its size is all that matters
            return f"too large: {self.sizes[name]}"
        if not _openable(self.root / name):
            return "unreadable: no file"
        try:
            return file_digest(self.root / name)
        except OSError as error:  # unreadable: it will be skipped with this reason
            return f"unreadable: {error.strerror}"

    def close(self) -> None:
        """Release what is open: nothing."""


def _openable(path: Path) -> bool:
    """Whether opening a path cannot wait for ever, as it does on a pipe that nobody writes to."""
    return path.is_file() or not path.exists()


def _scan(folder: Path, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[Stamp]:
    here = os.stat(folder)
    if (here.st_dev, here.st_ino) in above:  # a link to a folder that holds it
        return
    above |= {(here.st_dev, here.st_ino)}
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if is_litter(entry.name):
                continue
            if _is_folder(entry):
                yield from _scan(Path(entry.path), name + "/", above)
            else:
                yield stamp(name, Path(entry.path))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to where nobody may look: read as a file, and listed
        return False


def stamp(name: str, path: Path) -> Stamp:
    """Return what tells that a file was written to; ctime changes even where mtime is put back."""
    try:
        stat = path.stat()
    except OSError:  # a broken link
        return name, 0, 0, 0
    return name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
