"""Data images: rows of a data set, or of an array in memory, as an image source."""

import hashlib
import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features.source import Rows, indices
from ganlens.images import from_uint8

PIECE = 2**24  # bytes hashed at a time: an array may be larger than memory


@dataclass(frozen=True, eq=False)
class DataImages:
    """Some rows of a data set; see ``ImageSource``.

    Attributes:
        data: the data set, or a split of it.
        rows: (N,) int64 rows of ``data``, in the order of the source.
    """

    data: ImageSet
    rows: np.ndarray

    @classmethod
    def whole(cls, data: ImageSet) -> "DataImages":
        """Return all images of a data set."""
        return cls(data, np.arange(len(data)))

    @classmethod
    def draw(cls, data: ImageSet, count: int, seed: int) -> "DataImages":
        """Draw at most ``count`` images without replacement, by a seed; they stay in their order.

        Drawn, not the first ones: a folder is in the order of its classes.
        """
        order = np.random.default_rng(seed).permutation(len(data))[:count]
        return cls(data, np.sort(order))

    @property
    def name(self) -> str:
        """What these images are, for a caption."""
        split = "" if self.data.split == "all" else f" ({self.data.split})"
        return f"images of {self.data.spec}{split}"

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self.rows)

    @property
    def classes(self) -> np.ndarray | None:
        """(N,) class names, or None where the data have no labels."""
        if self.data.labels is None:
            return None
        return self.data.classes[self.rows]

    def identity(self) -> dict[str, Any]:
        """Return the data's fingerprint, the shape of an image, and a digest of the rows."""
        whole = np.array_equal(self.rows, np.arange(len(self.data)))
        return {
            "source": "data",
            "fingerprint": self.data.fingerprint,
            "split": self.data.split,
            "image": list(self.data.images.shape[1:]),
            "rows": "all" if whole else _digest(self.rows.astype("<i8")),
        }

    def images(self, rows: Rows) -> np.ndarray:
        """Return (n, H, W, C) uint8 copies."""
        found = np.array(self.data.images[self.numbers(rows)])
        # Pages of a mapped file stay in the process until somebody wants the room; a pass reads
        # each one once and gives it back.
        mapped: Any = getattr(self.data.images, "_mmap", None)
        unchanged = not self.data.images.flags.writeable  # no page holds what the file lacks
        if unchanged and hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_DONTNEED)
        return found

    def tensors(self, rows: Rows) -> Tensor:
        """Return (n, C, H, W) float32 in [-1, 1]."""
        return from_uint8(self.images(rows))

    def numbers(self, rows: Rows) -> np.ndarray:
        """Return (n,) rows of the data set."""
        return self.rows[rows]

    def titles(self, rows: Rows) -> list[str]:
        """Return file names."""
        return [str(name) for name in self.data.names[self.numbers(rows)]]


@dataclass(frozen=True, eq=False)
class ArrayImages:
    """Images of an array; see ``ImageSource``.

    Attributes:
        pixels: (N, H, W, 1 or 3) uint8; a memory map is read as it is needed.
        known: what identifies ``pixels``.
        name: what listings call them.
    """

    pixels: np.ndarray = field(repr=False)
    known: Mapping[str, Any]
    name: str = "an array"

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4:
            raise GanlensError(
                f"images of type {self.pixels.dtype} and shape {self.pixels.shape} are no source:"
                " give (N, H, W, C) uint8, as ganlens.images.to_uint8 makes them"
            )

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self.pixels)

    @property
    def classes(self) -> np.ndarray | None:
        """None: an array has no classes."""
        return None

    def identity(self) -> dict[str, Any]:
        """Return ``known`` and the shape of an image."""
        return {**self.known, "image": list(self.pixels.shape[1:]), "rows": "all"}

    def images(self, rows: Rows) -> np.ndarray:
        """Return (n, H, W, C) uint8 copies."""
        return np.array(self.pixels[rows])

    def tensors(self, rows: Rows) -> Tensor:
        """Return (n, C, H, W) float32 in [-1, 1]."""
        return from_uint8(self.images(rows))

    def numbers(self, rows: Rows) -> np.ndarray:
        """Return (n,) places in the array."""
        return indices(rows, self.count)

    def titles(self, rows: Rows) -> list[str]:
        """Return places in the array."""
        return [str(number) for number in self.numbers(rows)]


def array_source(images: np.ndarray) -> ArrayImages:
    """Return (N, H, W, C) uint8 images as a source; every pixel is read to identify them."""
    return ArrayImages(images, {"source": "array", "digest": _digest(images)})


def _digest(array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{array.dtype}:{array.shape};".encode())
    for part in np.array_split(array, -(-array.nbytes // PIECE) or 1):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
