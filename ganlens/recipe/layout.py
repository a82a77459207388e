"""Layout: how the pictures of a recipe are put on one sheet."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.errors import GanlensError

MOST_PIXELS = 89_478_485  # of a sheet; Pillow warns of larger pictures and then refuses them


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


@dataclass(frozen=True)
class Layout:
    """How pictures are laid out on the sheet.

    Attributes:
        columns: drawn pictures per row, or None for a sheet as square as their number allows.
        padding: white pixels between them, 0 to 64.
        enlargement: every pixel is repeated this often both ways, 1 to 32.
        sources: each source picture stands left of what was drawn of it, and is not counted in
            ``columns``.
    """

    columns: int | None = None
    padding: int = 2
    enlargement: int = 1
    sources: bool = False

    def __post_init__(self) -> None:
        limits = {"columns": (1, 10_000), "padding": (0, 64), "enlargement": (1, 32)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not _whole(value, low, high) and not (name == "columns" and value is None):
                raise GanlensError(f"{name} {value!r} must be a whole number from {low} to {high}")
        if not isinstance(self.sources, bool):
            raise GanlensError(f"sources {self.sources!r} must be true or false")

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values; what releases without sources do not know is left out."""
        return {k: v for k, v in asdict(self).items() if k != "sources" or v}

    def across(self, count: int, amounts: int = 1) -> int:
        """Return the tiles of a row.

        Args:
            count: number of latents or source pictures.
            amounts: pictures drawn of each, side by side.
        """
        if not self.sources:
            total = count * amounts
            return min(self.columns or math.ceil(math.sqrt(total)), total)
        beside = max(1, self.columns // amounts) if self.columns else math.ceil(math.sqrt(count))
        return min(beside, count) * (amounts + 1)

    def check_area(self, count: int, amounts: int, height: int, width: int) -> None:
        """Refuse, before anything is drawn, a sheet that would fill the memory and open nowhere.

        Args:
            count: number of latents or source pictures.
            amounts: pictures drawn of each.
            height: pixels of a tile.
            width: pixels of a tile.
        """
        columns = self.across(count, amounts)
        tiles = count * (amounts + self.sources)
        across, down = (
            self.enlargement * (n * (side + self.padding) - self.padding)
            for n, side in ((columns, width), (-(-tiles // columns), height))
        )
        if across * down > MOST_PIXELS:
            raise GanlensError(
                f"a sheet of {across:,} x {down:,} pixels is too large: draw fewer than {tiles:,}"
                f" pictures, or enlarge them less; {MOST_PIXELS:,} pixels are the most"
            )

    def sheet(self, tiles: np.ndarray, count: int, amounts: int = 1) -> np.ndarray:
        """Lay (M, H, W, C) uint8 tiles out, as ``arranged`` gives them: (H', W', 3) uint8."""
        laid = images.grid(tiles, self.across(count, amounts), padding=self.padding)
        return images.enlarge(laid, self.enlargement)


def arranged(given: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Put each source picture before the pictures that were drawn of it.

    Args:
        given: (N, H, W, C) uint8 source pictures.
        drawn: (N * k, H', W', C') uint8, k of each. Smaller ones of the two are enlarged by a whole
            number as far as that goes, and stand in white.

    Returns:
        (N * (k + 1), H'', W'', 3) uint8.
    """
    height, width = (max(given.shape[axis], drawn.shape[axis]) for axis in (1, 2))
    left, right = (_fitted(images.as_rgb(one), height, width) for one in (given, drawn))
    groups = right.reshape(len(given), -1, height, width, 3)
    return np.concatenate([left[:, None], groups], 1).reshape(-1, height, width, 3)


def _fitted(tiles: np.ndarray, height: int, width: int) -> np.ndarray:
    scale = min(height // tiles.shape[1], width // tiles.shape[2])
    large = tiles.repeat(scale, 1).repeat(scale, 2)
    room = (height - large.shape[1], width - large.shape[2])
    edges = [(space // 2, space - space // 2) for space in room]
    return np.pad(large, ((0, 0), *edges, (0, 0)), constant_values=255)
