"""What size and how many channels the images of a source get, and what sizes they can give."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ganlens.data.annotations import Listing
from ganlens.data.cache import Asked, Settings
from ganlens.data.decode import header, square_side
from ganlens.data.imageset import Skipped
from ganlens.data.preparation import Fit
from ganlens.data.sources import Source
from ganlens.errors import GanlensError

GUESS = 64  # headers from which size and channels are guessed, to spare a second pass
USUAL_SIZES = (256, 128, 64, 32, 16)
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners use of 16
COUNTS = ("usual", "depths")
ENOUGH = 0.9  # share of images that must give a usual size


@dataclass
class Facts:
    """What is known about all decodable images of a source.

    Attributes:
        sizes: width and height in pixels -> number of images.
        grey: whether no image stores colour.
        usual: bits -> images of 16-bit grey of which all but 0.1 % of the pixels fit into these.
        depths: bits -> images of 16-bit grey that fit into these.
    """

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    grey: bool = True
    usual: Counter[int] = field(default_factory=Counter)
    depths: Counter[int] = field(default_factory=Counter)

    def add(self, size: tuple[int, int], grey: bool, levels: tuple[int, int] | None = None) -> None:
        """Count one image; a size of 0 is one that could not be opened. See Decoded.levels."""
        if min(size):
            self.sizes[size] += 1
            self.grey &= grey
        if levels is not None:
            usual, highest = (next(b for b in DEPTHS if level < 2**b) for level in levels)
            self.usual[usual] += 1
            self.depths[highest] += 1

    def white(self) -> int:
        """Return the value of 16-bit grey that is white: of the depth that the data use.

        Stray pixels do not decide it, unless most images have some.
        """
        total = self.depths.total()
        bits = max(self.usual, default=16)
        while 2 * sum(n for b, n in self.depths.items() if b > bits) > total:
            bits = DEPTHS[DEPTHS.index(bits) + 1]
        return int(2**bits - 1)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values; see ``from_json``."""
        counts = {name: list(getattr(self, name).items()) for name in COUNTS}
        sizes = [[list(size), count] for size, count in self.sizes.items()]
        return {**counts, "sizes": sizes, "grey": self.grey}

    @classmethod
    def from_json(cls, known: Mapping[str, Any]) -> "Facts":
        """Return what ``to_json`` gave."""
        counts = {name: Counter(dict(map(tuple, known[name]))) for name in COUNTS}
        sizes = Counter({tuple(size): count for size, count in known["sizes"]})
        return cls(sizes=sizes, grey=known["grey"], **counts)

    def sides(self, fit: Fit) -> Counter[int]:
        """Return side in pixels of the squares that the images become -> number of images."""
        found = Counter[int]()
        for size, count in self.sizes.items():
            found[square_side(size, fit)] += count
        return found

    def settings(self, asked: Asked) -> Settings:
        """Resolve what was not asked for: the native size, and 3 channels unless all are grey."""
        size = asked.size or native_size(self.sides(asked.fit))
        channels = asked.channels or (1 if self.grey else 3)
        return Settings(size, channels, asked.upscale, asked.fit, self.white())


def native_size(sides: Counter[int]) -> int:
    """Return the size that squares of these sides get if none is asked for.

    The side that at least half of the images share (of two, the smaller), whatever it is. Without
    such a side, the largest of 256, 128, 64, 32 and 16 that 90 % of the images can give; else the
    smallest side.
    """
    total = sides.total()
    if not total:
        return USUAL_SIZES[-1]
    side, count = max(sides.items(), key=lambda item: (item[1], -item[0]))
    if 2 * count >= total:
        return side
    for size in USUAL_SIZES:
        if sum(n for s, n in sides.items() if s >= size) >= ENOUGH * total:
            return size
    return min(sides)


def guess(source: Source, listing: Listing) -> Facts:
    """Return the facts of a few images, evenly spread, from their headers."""
    facts, count = Facts(), len(listing.names)
    for index in sorted(set(np.linspace(0, count - 1, min(count, GUESS)).astype(int).tolist())):
        facts.add(*header(partial(source.read, index)))
    return facts


def nothing_left(
    spec: str, settings: Settings, facts: Facts, skipped: list[Skipped]
) -> GanlensError:
    """Return the error for data of which no image can be used, with the sizes that it can give."""
    sides, size = facts.sides(settings.fit), settings.size
    if not sides:
        examples = "; ".join(f"{skip.name}: {skip.reason}" for skip in skipped[:3])
        return GanlensError(
            f"found 0 images in {spec!r}: none of {len(skipped)} image files can be used "
            f"({examples}); give others"
        )
    low, high = min(sides), max(sides)
    have = f"{high}" if low == high else f"{low} to {high}"
    valid = f"16 to {high}" if high > 16 else f"{high} or less"
    return GanlensError(
        f"size {size} cannot be given by {spec!r}, whose images are {have} px: valid {valid}, or "
        f"enlarge them: {spec},upscale=yes"
    )
