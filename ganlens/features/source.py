"""Images as a source of features: how many, which ones exactly, and any stretch of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ganlens.data import ImageSet
from ganlens.errors import GanlensError

PIECE = 2**24  # bytes hashed at a time: an array may be larger than memory


@runtime_checkable
class ImageSource(Protocol):
    """Images that can be asked for again, and are the same every time.

    Generated images come as 8 bits too: what a PNG of them would hold, as a folder of samples.

    Attributes:
        count: how many.
        name: what listings call them; no part of their identity.
    """

    @property
    def name(self) -> str:
        """What listings call them, such as a SPEC or a checkpoint's folder."""
        ...

    @property
    def count(self) -> int:
        """How many images there are."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the pixels, JSON-able: equal identities, equal images."""
        ...

    def images(self, rows: slice) -> np.ndarray:
        """Return images ``rows.start`` to ``rows.stop - 1`` as (n, H, W, 1 or 3) uint8."""
        ...


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Images that are there already: an array, a memory map, or rows of an ImageSet.

    Attributes:
        pixels: (M, H, W, 1 or 3) uint8; a memory map is read as it is needed.
        known: what identifies ``pixels``.
        rows: (N,) indices of the images that are meant, None for all.
        name: what listings call them; no part of their identity.
    """

    pixels: np.ndarray = field(repr=False)
    known: Mapping[str, Any]
    rows: np.ndarray | None = field(default=None, repr=False)
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
        return len(self.pixels) if self.rows is None else len(self.rows)

    def identity(self) -> dict[str, Any]:
        """Return ``known``, the shape of an image, and a digest of the rows."""
        rows = "all" if self.rows is None else _digest(self.rows.astype("<i8"))
        return {**self.known, "image": list(self.pixels.shape[1:]), "rows": rows}

    def images(self, rows: slice) -> np.ndarray:
        """Return a stretch of the images as (n, H, W, C) uint8."""
        return np.array(self.pixels[rows if self.rows is None else self.rows[rows]])


def data_source(data: ImageSet, rows: Sequence[int] | np.ndarray | None = None) -> ArraySource:
    """Return a data set, or some rows of it, as a source; its fingerprint identifies the pixels."""
    known = {"source": "data", "fingerprint": data.fingerprint, "split": data.split}
    chosen = None if rows is None else np.asarray(rows, np.int64)
    return ArraySource(data.images, known, chosen, f"{data.spec} ({data.split})")


def array_source(images: np.ndarray) -> ArraySource:
    """Return (N, H, W, C) uint8 images as a source; every pixel is read to identify them."""
    return ArraySource(images, {"source": "array", "digest": _digest(images)})


@dataclass(frozen=True, eq=False)
class Stretch:
    """Images ``first`` to ``stop - 1`` of another source, as a source."""

    of: ImageSource
    first: int
    stop: int

    @property
    def name(self) -> str:
        """What listings call them."""
        return f"{self.of.name}, {self.first:,} to {self.stop - 1:,}"

    @property
    def count(self) -> int:
        """How many images there are."""
        return self.stop - self.first

    def identity(self) -> dict[str, Any]:
        """Return the whole source's identity and the stretch."""
        return {"of": self.of.identity(), "stretch": [self.first, self.stop]}

    def images(self, rows: slice) -> np.ndarray:
        """Return a stretch of the stretch."""
        return self.of.images(slice(self.first + rows.start, self.first + rows.stop))


def _digest(array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{array.dtype}:{array.shape};".encode())
    for part in np.array_split(array, -(-array.nbytes // PIECE) or 1):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
