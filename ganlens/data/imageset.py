"""ImageSet: decoded images with their labels, attributes and split."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from ganlens.data.preparation import Fit, Originals, Preparation
from ganlens.data.select import select
from ganlens.errors import GanlensError
from ganlens.images import from_uint8


@dataclass(frozen=True)
class Skipped:
    """An image that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one size with what is known about them; rows are ordered by split.

    Attributes:
        spec: the data SPEC as given.
        images: (N, H, W, C) uint8 with H = W and C of 1 or 3; memory-mapped and read-only.
        labels: (N,) int64 indices into ``class_names``, -1 where not given; or None.
        class_names: names of the classes, empty without labels.
        attributes: name -> (N,) strings (categorical) or float64 (numeric).
        names: (N,) file names relative to the source, with ``/``; or item names.
        split: "all", or the split that this is a view of.
        bounds: split -> (first, last + 1) row; of "all" every split, of a part only its own.
        split_source: "declared" by the data, or "hash": 90/10 by the content of each image, so
            identical images lie on the same side, at any size and under any name.
        fingerprint: sha256 hex digest of the source pixels, labels, attributes, size and channels
            of these rows. File names do not enter it, except as class names.
        skipped: what was left out of the whole data set, and why.
        notes: what was concluded about the data, a sentence each: splits and classes by folders,
            the range of values, columns taken as categories.
        values: categorical attribute -> every value that it takes in the whole data set.
        fingerprints: split -> fingerprint, "all" included.
        fit: how images that were not square became so.
        originals: what the images were before, row by row; None where that is not known.
        withheld: what ``without`` left out of the images that the fingerprint is of.
    """

    spec: str
    images: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    attributes: dict[str, np.ndarray]
    names: np.ndarray
    split: str
    bounds: dict[str, tuple[int, int]]
    split_source: str
    fingerprint: str
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    fingerprints: Mapping[str, str] = field(default_factory=dict, repr=False)
    fit: Fit = "crop"
    originals: Originals | None = field(default=None, repr=False)
    withheld: str = ""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the batches."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    @property
    def preparation(self) -> Preparation | None:
        """What was done to these images to bring them to one size; None where not known."""
        if self.originals is None or not len(self):
            return None
        return Preparation.of(self.fit, self.image_shape[1], self.originals)

    @property
    def classes(self) -> np.ndarray:
        """(N,) names of the class of each image, "" where a label is -1 (not given).

        Raises:
            GanlensError: the data has no labels.
        """
        if self.labels is None:
            raise GanlensError(f"data {self.spec!r} has no classes: give data that have")
        return np.array([*self.class_names, ""])[self.labels]

    def part(self, split: str) -> "ImageSet":
        """Return a split as a view: no pixel is copied.

        A part holds nothing but itself: ``data.part("train").part("train")`` is the same part, and
        any other split of it is an error, as ``open_data(spec, "train").part("test")`` is.

        Raises:
            GanlensError: the split is unknown, empty, or not in this part.
        """
        if split == self.split:
            return self
        if self.split != "all":
            raise GanlensError(
                f"data {self.spec!r} was opened as its {self.split} split and holds no {split!r}: "
                "open it with split 'all'"
            )
        if split not in self.bounds:
            raise GanlensError(
                f"split {split!r} is not known: choose from {', '.join(('all', *self.bounds))}"
            )
        first, last = self.bounds[split]
        if first == last:
            raise GanlensError(
                f"data {self.spec!r} has no {split} images{self._lost()}: open it with split "
                "'all', add "
                "images, or join two sources as train=SPEC,test=SPEC"
            )
        return self._rows(split, slice(first, last))

    def _lost(self) -> str:
        if not self.skipped:
            return ""
        one = self.skipped[0]
        return f" ({len(self.skipped):,} were left out of the whole, {one.name}: {one.reason})"

    def without(self, expression: str) -> "ImageSet":
        """Return this split without the images that satisfy an expression; see ``select``.

        What they are is kept in ``withheld``; the fingerprint stays that of the whole split.

        Raises:
            GanlensError: as ``select``; no image satisfies it, or every one does.
        """
        chosen = self.select(expression)
        if not 0 < len(chosen) < len(self):
            every = "every" if len(chosen) else "no"
            raise GanlensError(
                f"{every} {self.split} image of {self.spec} is {expression!r}: name what some"
                " images are"
            )
        return self._rows(self.split, np.setdiff1d(np.arange(len(self)), chosen), expression)

    def pick(self, rows: np.ndarray) -> "ImageSet":
        """Return some rows in this order; the fingerprint stays that of the whole split."""
        return self._rows(self.split, rows, self.withheld)

    def _rows(self, split: str, rows: slice | np.ndarray, withheld: str = "") -> "ImageSet":
        images = self.images[rows]
        return replace(
            self,
            images=images,
            labels=None if self.labels is None else self.labels[rows],
            attributes={name: column[rows] for name, column in self.attributes.items()},
            names=self.names[rows],
            split=split,
            bounds={split: (0, len(images))},
            fingerprint=self.fingerprints[split],
            fingerprints={split: self.fingerprints[split]},
            originals=None if self.originals is None else self.originals[rows],
            withheld=withheld,
        )

    def batch(self, indices: np.ndarray | Sequence[int] | slice | int) -> Tensor:
        """Return rows as float32 (n, C, H, W) in [-1, 1]; a single index gives n = 1."""
        rows = indices if isinstance(indices, slice) else np.atleast_1d(np.asarray(indices))
        if not isinstance(rows, slice) and rows.size == 0:
            rows = slice(0, 0)  # an empty list is a float array to numpy
        return from_uint8(np.array(self.images[rows]))  # a copy: the memory map is read-only

    def batches(self, size: int) -> Iterator[Tensor]:
        """Yield all rows in order, ``size`` at a time, the last batch smaller; see ``batch``.

        Raises:
            GanlensError: a size below 1.
        """
        if size < 1:
            raise GanlensError(f"batch size {size} is too small: give at least 1")
        for start in range(0, len(self), size):
            yield self.batch(slice(start, start + size))

    def select(self, expression: str) -> np.ndarray:
        """Return the rows that satisfy an expression such as ``mouth=smile & tilt>10``.

        ``& | !``, parentheses and ``= != < <= > >=`` are understood; ``class`` is the label.

        Returns:
            (n,) int64 ascending row indices of this part; may be empty.

        Raises:
            GanlensError: a syntax error, or an unknown attribute or value, with the valid ones.
        """
        columns, values = dict(self.attributes), dict(self.values)
        if self.labels is not None:
            columns["class"] = self.classes
            values["class"] = self.class_names
        return np.flatnonzero(select(expression, columns, values))


def prepared(data: ImageSet) -> dict[str, str]:
    """Return what was done to images, in a line under "prepared"; nothing where it is not known."""
    done = data.preparation
    return {} if done is None else {"prepared": str(done)}
