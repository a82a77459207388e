"""Archives of images as trees: what all of them share, and the zip.

Nothing is ever extracted from an archive, so no entry can be written outside (zip slip); entries
with such names are left out all the same. What an entry declares as its size bounds what is read of
it.
"""

import zipfile
from functools import cached_property
from pathlib import Path

from ganlens.data.boundary import readable
from ganlens.data.encoded import Unusable
from ganlens.data.kinds import HEAD, is_litter, is_other, is_wanted
from ganlens.data.trees import ALWAYS_HASHED, Remember, check_size, file_digest, stamp

ENCRYPTED = 1  # bit of a zip entry's flags
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class Archive:
    """A file that holds files; they are listed only when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _list(self) -> dict[str, int]:
        """Return name -> declared bytes of every file; of two with one name the last."""
        raise NotImplementedError

    @cached_property
    def _files(self) -> dict[str, int]:
        return dict(sorted(self._list().items()))

    @cached_property
    def others(self) -> list[str]:
        """Names of files that are no pictures; see Tree."""
        return [n for n in self._files if is_other(n) and not any(map(is_litter, n.split("/")))]

    @cached_property
    def unsafe(self) -> list[str]:
        """Names that lead out of the archive."""
        return [name for name in self._files if is_wanted(name) and leads_outside(name)]

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Name -> declared bytes; see Tree."""
        wanted = [name for name in self._files if is_wanted(name) and not leads_outside(name)]
        return {name: self._files[name] for name in wanted}

    def content(self, remember: Remember) -> str:
        """Return a digest of every name and content; see Tree."""
        line = stamp("", self.path)
        if line[1] <= ALWAYS_HASHED[0]:
            return file_digest(self.path)
        return remember(self.path, [line], lambda: file_digest(self.path))


class ZipTree(Archive):
    """A zip file, read in place; its directory is parsed only when its files are asked for."""

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        with readable(f"{self.path} is not a readable zip file", "copy it again, or give a folder"):
            return zipfile.ZipFile(self.path)

    @cached_property
    def _infos(self) -> dict[str, zipfile.ZipInfo]:
        return {posix(i.filename): i for i in self._zip.infolist() if not i.is_dir()}

    def _list(self) -> dict[str, int]:
        return {name: info.file_size for name, info in self._infos.items()}

    def read(self, name: str) -> bytes:
        """Return the content of a file; see Tree."""
        check_size(self.sizes[name])
        return self._zip.read(self._entry(name))

    def _entry(self, name: str) -> zipfile.ZipInfo:
        info = self._infos[name]
        if info.flag_bits & ENCRYPTED:
            raise Unusable("encrypted: unpack the zip with its password and give the folder")
        if info.compress_type not in COMPRESSIONS:
            raise Unusable(
                f"packed by method {info.compress_type} (9 is Deflate64), which is not read here: "
                "unpack the zip and give the folder"
            )
        return info

    def head(self, name: str) -> bytes:
        """Return a file's first bytes; see Tree."""
        with self._zip.open(self._entry(name)) as file:
            return file.read(HEAD)

    def close(self) -> None:
        """Release what is open."""
        if "_zip" in self.__dict__:  # opened at all
            self._zip.close()


def posix(name: str) -> str:
    """Return an entry's name with ``/`` between folders and without ``./`` before."""
    return name.replace("\\", "/").removeprefix("./")


def leads_outside(name: str) -> bool:
    """Whether a name, after ``posix``, stands for a place outside of the archive."""
    first, *_ = parts = name.split("/")
    return first == "" or ":" in first or ".." in parts
