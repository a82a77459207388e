"""Sheets of patches: one row for each unit, its number before it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganlens.images import as_rgb, enlarge, grid

GREY = 127  # what lies outside the picture
INK = (213, 94, 0)  # of the windows' outlines: vermillion of the palette
LABEL = 44  # pixels that a unit's number takes
SHOWN = 66  # pixels that a tile is enlarged to, about


@dataclass(frozen=True)
class Gallery:
    """The strongest activations of some units, and the pictures that they are in.

    Attributes:
        units: (n,) their indices in the layer.
        scores: (n, k) activations, highest first.
        numbers: (n, k) rows of the data split, or seeds of the samples.
        boxes: (n, k, 4) windows: first row, row after the last, first column, column after the
            last; they may reach over the edge.
        pictures: (n, k, H, W, C) uint8.
    """

    units: np.ndarray
    scores: np.ndarray
    numbers: np.ndarray
    boxes: np.ndarray
    pictures: np.ndarray

    def patches(self) -> np.ndarray:
        """Return (n, k, s, s, C) uint8: the windows, grey where they reach over the edge."""
        side = int((self.boxes[..., 1] - self.boxes[..., 0]).max())
        return self._each(partial(cut, side=side, outside=GREY))

    def framed(self) -> np.ndarray:
        """Return (n, k, H', W', 3) uint8: enlarged pictures with the windows drawn on them."""
        return self._each(partial(frame, scale=scale_of(self.pictures.shape[2])))

    def _each(self, made: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        """Return what is made of each picture and its window, in the same order."""
        rows = zip(self.pictures, self.boxes, strict=True)
        return np.array([list(map(made, *row)) for row in rows])


def scale_of(side: int) -> int:
    """Return the enlargement that brings a tile of some pixels near to ``SHOWN``."""
    return max(1, round(SHOWN / side))


def cut(picture: np.ndarray, box: np.ndarray, side: int, outside: float) -> np.ndarray:
    """Cut a window out of (H, W, C) as (side, side, C); what lies outside gets one value."""
    top, bottom, left, right = box
    found = np.full((side, side, picture.shape[2]), outside, picture.dtype)
    y, x = max(top, 0), max(left, 0)
    part = picture[y : max(bottom, 0), x : max(right, 0)]
    found[y - top : y - top + part.shape[0], x - left : x - left + part.shape[1]] = part
    return found


def frame(picture: np.ndarray, box: np.ndarray, scale: int) -> np.ndarray:
    """Enlarge (H, W, C) and outline a window, as far as it lies inside."""
    height, width = picture.shape[:2]
    image = Image.fromarray(enlarge(as_rgb(picture), scale))
    top, bottom, left, right = (int(edge) * scale for edge in box)
    corners = (max(left, 0), max(top, 0), min(right, width * scale) - 1,
               min(bottom, height * scale) - 1)  # fmt: skip
    ImageDraw.Draw(image).rectangle(corners, outline=INK, width=2)
    return np.asarray(image)


def sheet(units: Sequence[int], tiles: np.ndarray, scale: int = 1, padding: int = 2) -> np.ndarray:
    """Lay out (n, k, h, w, C) tiles, enlarged, one row per unit, with its number before it."""
    flat = enlarge(tiles.reshape(-1, *tiles.shape[2:]), scale)
    numbers = np.stack([_number(unit, flat.shape[1]) for unit in units])
    sheets = grid(numbers, 1, padding=padding), grid(flat, tiles.shape[1], padding=padding)
    return np.concatenate(sheets, 1)


def _number(unit: int, height: int) -> np.ndarray:
    image = Image.new("RGB", (LABEL, height), "white")
    font = ImageFont.load_default(min(16, height))
    place = (LABEL - 8, height // 2)
    ImageDraw.Draw(image).text(place, str(unit), fill="black", font=font, anchor="rm")
    return np.asarray(image)
