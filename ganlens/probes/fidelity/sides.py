"""The two sides of a comparison: what each of its images is, whoever made them."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ganlens.features import data_source, module_hash
from ganlens.images import grid, to_uint8
from ganlens.latents import Seeds
from ganlens.recipe import Recipe, render

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject


class Side(Protocol):
    """Images of one side, as a ``features.ImageSource`` that can also be shown.

    Attributes:
        name: what these images are, for a caption.
        count: how many.
        classes: (count,) class names, or None where they have none.
    """

    name: str
    count: int
    classes: np.ndarray | None

    def identity(self) -> dict[str, Any]:
        """Return JSON-able values that decide every pixel."""
        ...

    def images(self, rows: slice) -> np.ndarray:
        """Return some of them: (n, H, W, C) uint8."""
        ...

    def titles(self, rows: np.ndarray) -> list[str]:
        """Return what to find single images by: seeds or file names."""
        ...

    def picture(self, rows: np.ndarray, columns: int) -> tuple[np.ndarray, dict[str, Any] | None]:
        """Return a sheet of some of them, (H, W, C) uint8, and the recipe that draws it again."""
        ...


class Samples:
    """What a GAN draws from consecutive seeds, rounded to 8 bits as in a PNG.

    Args:
        subject: the GAN.
        first: the first seed.
        count: number of images; image i has seed ``first + i``.
    """

    classes: np.ndarray | None = None

    def __init__(self, subject: "Subject", first: int, count: int) -> None:
        self.subject, self.first, self.count = subject, first, count
        self.name = f"generated images of {subject.name}"

    def identity(self) -> dict[str, Any]:
        """Return hashes of the file and of the weights as they are now, and the seeds."""
        known = self.subject.provenance
        return {
            "checkpoint": known.get("hash"),
            "weights": module_hash(self.subject.generator),  # they may have been edited since
            "generator": known.get("weights"),
            "seeds": [self.first, self.first + self.count],
            "device": self.subject.device.type,  # kernels of another kind round differently
        }

    def images(self, rows: slice) -> np.ndarray:
        """Draw (n, H, W, C) uint8 images."""
        seeds = range(self.first + rows.start, self.first + rows.stop)
        return to_uint8(self.subject.generate(self.subject.latents(seeds)))

    def titles(self, rows: np.ndarray) -> list[str]:
        """Return seeds."""
        return [str(self.first + int(row)) for row in rows]

    def picture(self, rows: np.ndarray, columns: int) -> tuple[np.ndarray, dict[str, Any] | None]:
        """Draw a sheet with its recipe."""
        seeds = tuple(self.first + int(row) for row in rows)
        recipe = Recipe.of(self.subject, Seeds(seeds), columns=columns)
        return render(self.subject, recipe), recipe.to_json()


class Given:
    """Rows of an ImageSet: real images, or the samples of somebody else's GAN.

    Args:
        part: the images.
        rows: (N,) which of them, ascending.
    """

    def __init__(self, part: "ImageSet", rows: np.ndarray) -> None:
        self.part, self.rows, self.count = part, rows, len(rows)
        self._source = data_source(part, rows)
        self.name = f"images of {part.spec}" + ("" if part.split == "all" else f" ({part.split})")
        self.classes = (
            None if part.labels is None else np.array(part.class_names)[part.labels[rows]]
        )

    def identity(self) -> dict[str, Any]:
        """Return the fingerprint of the images and a digest of the rows."""
        return self._source.identity()

    def images(self, rows: slice) -> np.ndarray:
        """Read (n, H, W, C) uint8 images."""
        return self._source.images(rows)

    def titles(self, rows: np.ndarray) -> list[str]:
        """Return file names."""
        return [str(self.part.names[self.rows[row]]) for row in rows]

    def picture(self, rows: np.ndarray, columns: int) -> tuple[np.ndarray, dict[str, Any] | None]:
        """Return a sheet; it has no recipe of its own."""
        return grid(np.asarray(self.part.images[self.rows[rows]]), columns), None
