"""Packed images: those of one shape in one compressed array, which reads as a tree of files."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from ganlens.data.boundary import readable
from ganlens.data.kinds import HEAD, SIDECARS
from ganlens.data.trees import Remember, file_digest
from ganlens.errors import GanlensError

IMAGES, NAMES = "images.npy", "names.txt"
MOST_BYTES = 2**28  # of one file, unpacked: many times what the embedded data take


class PackedTree:
    """A zip of ``images.npy``, ``names.txt`` (one name a line) and sidecars, all LZMA-compressed.

    ``images.npy`` is (N, H, W) or (N, H, W, 3) uint8. Compressed together, small images share what
    they have in common and no file needs a header: half to two thirds of the bytes of lossless
    files of their own. Read, each is a PGM or PPM file under its name.

    Args:
        path: the zip. Its content is ganlens's own; it is unpacked in memory, and only when its
            files are asked for.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise GanlensError(f"{path} is missing: install ganlens anew")
        self.path = path
        self.unsafe: list[str] = []
        self.others: list[str] = []

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        """Open the zip, within a limit of memory; whatever is wrong with it is one line."""
        broken = readable(f"{self.path} is damaged", "install ganlens anew")
        with broken, zipfile.ZipFile(self.path) as archive:
            large = max(archive.infolist(), key=lambda one: one.file_size, default=None)
            if large is not None and large.file_size > MOST_BYTES:
                raise ValueError(f"{large.filename} unpacks to {large.file_size:,} bytes")
            yield archive

    @cached_property
    def _sidecars(self) -> dict[str, bytes]:
        with self._archive() as archive:
            return {name: archive.read(name) for name in SIDECARS if name in archive.namelist()}

    @cached_property
    def _images(self) -> dict[str, np.ndarray]:
        with self._archive() as archive, archive.open(IMAGES) as file:
            images = np.lib.format.read_array(file, allow_pickle=False)
            names = archive.read(NAMES).decode().splitlines()
            return dict(sorted(zip(names, images, strict=True)))

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Name -> bytes; see Tree."""
        files = {name: image.nbytes for name, image in self._images.items()}
        return files | {name: len(content) for name, content in self._sidecars.items()}

    def read(self, name: str) -> bytes:
        """Return the content of a file; see Tree."""
        if name in self._sidecars:
            return self._sidecars[name]
        image = self._images[name]
        height, width = image.shape[:2]
        kind = "P5" if image.ndim == 2 else "P6"
        return f"{kind} {width} {height} 255\n".encode() + image.tobytes()

    def head(self, name: str) -> bytes:
        """Return a file's first bytes; see Tree."""
        return self.read(name)[:HEAD]

    def content(self, remember: Remember) -> str:
        """Return a digest of every name and content; see Tree."""
        return file_digest(self.path)

    def close(self) -> None:
        """Release what is open: nothing."""
