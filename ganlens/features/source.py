"""The image source: rows of images, real, sampled or translated, the same each time they are read.

Whatever reads images (features, metrics, scans, probes) takes a source: ``DataImages``,
``ArrayImages``, or the ``Samples`` of a Subject.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from torch import Tensor

Rows = slice | np.ndarray  # which of N images: a stretch, or (n,) integer indices


@runtime_checkable
class ImageSource(Protocol):
    """N images that can be asked for again, and are the same every time.

    Rows that are asked for at once are made at once: ask for as many as fit into memory.
    """

    @property
    def name(self) -> str:
        """What these images are, for listings and captions; no part of their identity."""
        ...

    @property
    def count(self) -> int:
        """How many images there are: N."""
        ...

    @property
    def classes(self) -> np.ndarray | None:
        """(N,) class names, or None where they have none."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the pixels, JSON-able: equal identities, equal images."""
        ...

    def images(self, rows: Rows) -> np.ndarray:
        """Return (n, H, W, C) uint8; generated ones are rounded, as a PNG of them would be."""
        ...

    def tensors(self, rows: Rows) -> Tensor:
        """Return (n, C, H, W) float32 in [-1, 1] on the CPU; generated ones are not rounded."""
        ...

    def numbers(self, rows: Rows) -> np.ndarray:
        """Return (n,) int64, what finds an image again: rows of its data split, or seeds."""
        ...

    def titles(self, rows: Rows) -> list[str]:
        """Return the same for people: file names, or seeds."""
        ...


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

    @property
    def classes(self) -> np.ndarray | None:
        """Their class names, where the whole source has some."""
        return None if self.of.classes is None else self.of.classes[self.first : self.stop]

    def identity(self) -> dict[str, Any]:
        """Return the whole source's identity and the stretch."""
        return {"of": self.of.identity(), "stretch": [self.first, self.stop]}

    def images(self, rows: Rows) -> np.ndarray:
        """Return some as (n, H, W, C) uint8."""
        return self.of.images(self._within(rows))

    def tensors(self, rows: Rows) -> Tensor:
        """Return some as (n, C, H, W) float32 in [-1, 1]."""
        return self.of.tensors(self._within(rows))

    def numbers(self, rows: Rows) -> np.ndarray:
        """Return (n,) rows of the data, or seeds."""
        return self.of.numbers(self._within(rows))

    def titles(self, rows: Rows) -> list[str]:
        """Return file names, or seeds."""
        return self.of.titles(self._within(rows))

    def _within(self, rows: Rows) -> np.ndarray:
        return self.first + indices(rows, self.count)


def indices(rows: Rows, count: int) -> np.ndarray:
    """Return the (n,) int64 indices that ``rows`` means among ``count`` images.

    Raises:
        IndexError: an index beyond the last image.
    """
    return np.arange(count)[rows]


def all_images(source: ImageSource, batch_size: int = 64) -> np.ndarray:
    """Return all (N, H, W, C) uint8 images of a source, ``batch_size`` of them made at a time."""
    starts = range(0, source.count, batch_size)
    return np.concatenate([source.images(slice(start, start + batch_size)) for start in starts])
