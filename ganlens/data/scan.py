"""All values of many images looked at once: extremes, and how many lie beyond given limits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

BLOCK = 2**22  # values looked at together


@dataclass
class Scan:
    """What all finite values of N images came to.

    Attributes:
        low: the smallest.
        high: the largest.
        count: how many there are.
        images: how many images.
        below: limit -> [values, images] with values below it.
        above: limit -> [values, images] with values above it.
    """

    low: float = np.inf
    high: float = -np.inf
    count: int = 0
    images: int = 0
    below: dict[float, np.ndarray] = field(default_factory=dict)
    above: dict[float, np.ndarray] = field(default_factory=dict)

    def share_above(self, limit: float) -> float:
        """Return the share of values above a limit."""
        return float(self.above[limit][0]) / max(1, self.count)

    def share_below(self, limit: float) -> float:
        """Return the share of values below a limit."""
        return float(self.below[limit][0]) / max(1, self.count)

    def most_images(self, counts: np.ndarray) -> bool:
        """Whether more than half of the images have such values."""
        return 2 * int(counts[1]) > self.images


def scan(parts: Sequence[np.ndarray], below: Sequence[float], above: Sequence[float]) -> Scan:
    """Look at all values of some (N, H, ...) arrays, a block at a time.

    Args:
        parts: arrays of any numbers; at least one image in each.
        below: limits that values are counted below.
        above: limits that values are counted above.
    """
    found = Scan(images=sum(map(len, parts)))
    found.below = {limit: np.zeros(2, np.int64) for limit in below}
    found.above = {limit: np.zeros(2, np.int64) for limit in above}
    for images in parts:
        step = max(1, BLOCK // max(1, images[0].size))
        for start in range(0, len(images), step):
            _add(found, images[start : start + step])
    return found


def _add(found: Scan, block: np.ndarray) -> None:
    """Count a block of images, in pieces where one image is larger than a block."""
    rows = max(1, BLOCK // max(1, block[0, 0].size * len(block)))
    hits = {sign: {limit: np.zeros(len(block), np.int64) for limit in limits}
            for sign, limits in (("below", found.below), ("above", found.above))}  # fmt: skip
    for start in range(0, block.shape[1], rows):
        piece = block[:, start : start + rows].reshape(len(block), -1)
        finite = np.isfinite(piece)
        known = piece[finite]
        found.count += known.size
        if not known.size:
            continue
        found.low = min(found.low, float(known.min()))
        found.high = max(found.high, float(known.max()))
        for limit, counts in hits["below"].items():
            counts += ((piece < limit) & finite).sum(1)
        for limit, counts in hits["above"].items():
            counts += ((piece > limit) & finite).sum(1)
    for limit, counts in hits["below"].items():
        found.below[limit] += [counts.sum(), np.count_nonzero(counts)]
    for limit, counts in hits["above"].items():
        found.above[limit] += [counts.sum(), np.count_nonzero(counts)]
