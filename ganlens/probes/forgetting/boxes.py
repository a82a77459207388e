"""Boxes and masks that somebody drew on samples: where a concept is seen.

Boxes are a JSON file in pixels, left and top inclusive, right and bottom exclusive::

    {"size": [32, 32], "seeds": [0, 1, 2, ...], "boxes": [{"seed": 17, "box": [8, 11, 24, 17]}]}

``size`` is width and height of the pictures on which they were drawn, ``seeds`` lists every sample
that was looked at: those without a box show nothing. Masks are an ``.npz`` with ``seeds`` (N,) and
``masks`` (N, H, W) bool.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganlens.arrays import read_arrays
from ganlens.errors import GanlensError, one_of
from ganlens.files import check_regular
from ganlens.plain import loads

LEAST = 10  # marked samples, so that some are left to be judged on
MOST = 100_000  # samples of one file


@dataclass(frozen=True)
class Marks:
    """Where a concept was marked.

    Attributes:
        seeds: the N samples that were looked at, ascending.
        masks: (N, H, W) bool, at the pictures' size; all False where nothing was marked.
    """

    seeds: tuple[int, ...]
    masks: np.ndarray

    def cells(self, height: int, width: int) -> np.ndarray:
        """Return (N, height, width) bool: the cells of a map whose centre is marked."""
        rows = ((np.arange(height) + 0.5) * self.masks.shape[1] / height).astype(int)
        columns = ((np.arange(width) + 0.5) * self.masks.shape[2] / width).astype(int)
        return self.masks[:, rows][:, :, columns]


def read_marks(path: str | Path, size: tuple[int, int]) -> Marks:
    """Read a file of boxes (.json) or of masks (.npz) on pictures of a size: height and width.

    Raises:
        GanlensError: a file that cannot be read, that does not fit, or with fewer than 10 marked
            samples.
    """
    read = {".json": _boxes, ".npz": _masks}
    suffix = Path(path).suffix.lower()
    if suffix not in read:
        raise one_of("ending of the file of boxes", suffix, read)
    check_regular(path)
    marks = read[suffix](Path(path), size)
    marked = int(marks.masks.any((1, 2)).sum())
    if marked < LEAST:
        raise GanlensError(
            f"{path} marks {marked} samples: mark at least {LEAST}; the paper has 52 boxes on 150"
        )
    return marks


def _boxes(path: Path, size: tuple[int, int]) -> Marks:
    try:
        found = loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise GanlensError(f"boxes {str(path)!r} cannot be read: {error}") from error
    given = _object(found, ("size", "seeds", "boxes"), "the file of boxes")
    height, width = size
    if given["size"] != [width, height]:
        raise GanlensError(
            f"the boxes are on pictures of size {given['size']!r:.40}: this generator draws "
            f"[{width}, {height}], give boxes on those"
        )
    boxes = [_object(one, ("seed", "box"), "a box") for one in _list(given["boxes"], "boxes")]
    looked = _list(given["seeds"], "seeds") + [one["seed"] for one in boxes]
    seeds = tuple(sorted({_seed(seed) for seed in looked}))
    masks = np.zeros((len(seeds), height, width), dtype=bool)
    for one in boxes:
        left, top, right, bottom = _inside(one["box"], width, height)
        masks[seeds.index(one["seed"]), top:bottom, left:right] = True
    return Marks(seeds, masks)


def _masks(path: Path, size: tuple[int, int]) -> Marks:
    given = read_arrays(path, "give an .npz of seeds and masks")
    if missing := [name for name in ("seeds", "masks") if name not in given]:
        raise GanlensError(f"masks {str(path)!r} lack the array {missing[0]}: give seeds and masks")
    seeds, masks = [_seed(one) for one in given["seeds"].ravel().tolist()], given["masks"]
    if masks.shape != (len(seeds), *size) or masks.dtype != bool:
        raise GanlensError(
            f"masks of shape {masks.shape} and type {masks.dtype} do not fit: give bool "
            f"({len(seeds)}, {size[0]}, {size[1]}), one for each of the seeds"
        )
    if len(set(seeds)) != len(seeds):
        raise GanlensError("a seed has two masks: give one for each")
    order = np.argsort(seeds)
    return Marks(tuple(sorted(seeds)), masks[order])


def _object(value: Any, keys: tuple[str, ...], what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise GanlensError(f"{what} must be an object with {', '.join(keys)}, not {value!r:.40}")
    if unknown := [key for key in value if key not in keys]:
        raise one_of(f"in {what}, key", unknown[0], keys)
    if missing := [key for key in keys if key not in value]:
        raise GanlensError(f"{what} lacks {missing[0]!r}: it needs {', '.join(keys)}")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST:
        raise GanlensError(f"{what} must be a list of at most {MOST:,} entries, not {value!r:.40}")
    return value


def _seed(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise GanlensError(f"seed {value!r:.40} must be a whole number from 0 to {2**31 - 1}")
    return value


def _inside(box: Any, width: int, height: int) -> tuple[int, int, int, int]:
    whole = isinstance(box, list) and all(type(one) is int for one in box) and len(box) == 4
    if not whole or not (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height):
        raise GanlensError(
            f"box {box!r:.60} must be [left, top, right, bottom] in whole pixels inside "
            f"{width} x {height}, with left < right and top < bottom"
        )
    return box[0], box[1], box[2], box[3]
