"""Preparation: how images became squares of one size, and what that cost.

A SPEC may end in ``,fit=pad`` or ``,fit=squash`` and in ``,upscale=yes``. That is part of what the
data are, so that whoever is told the SPEC (a report, a run, a recipe) opens the same pixels again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from ganlens.errors import GanlensError, one_of

Fit = Literal["crop", "pad", "squash"]
FITS: tuple[Fit, ...] = get_args(Fit)
OPTION = re.compile(r"(?P<spec>.*),\s*(?P<name>fit|upscale)=(?P<value>[^,]*)", re.DOTALL)
LIKE_OPTION = re.compile(r",\s*(fit|upscale)\b", re.IGNORECASE)
VALUES: dict[str, tuple[str, ...]] = {"fit": FITS, "upscale": ("yes", "no")}
UNCHANGED = "used as they are"

# What else happens to single images, in words; image by image it is kept as the bits of a number.
CONVERSIONS = (
    "turned upright (EXIF)",
    "with several frames, of which the first was taken",
    "with transparency, laid over white",
    "rounded from 16 bits or floats to 8 bits",
    "converted from CMYK, YCbCr, Lab or HSV to RGB",
    "in colour, made grey (ITU-R 601 luma)",
    "in grey, repeated in three channels",
)
UPRIGHT, FRAMES, TRANSPARENT, ROUNDED, COLOUR_SPACE, MADE_GREY, MADE_COLOUR = (
    1 << bit for bit in range(len(CONVERSIONS))
)


@dataclass(frozen=True)
class Options:
    """What a SPEC says at its end: how images become square, whether small ones are enlarged."""

    fit: Fit = "crop"
    upscale: bool = False


def split_options(spec: str) -> tuple[str, Options]:
    """Return a SPEC without the options at its end, and these.

    Raises:
        GanlensError: a value that an option does not take, or an option that is given twice.
    """
    bare, found = spec, dict[str, str]()
    while match := OPTION.fullmatch(bare):
        name, value, valid = match["name"], match["value"], VALUES[match["name"]]
        if value not in valid:
            raise one_of(f"{name} of data {spec!r}", value, valid)
        if found.setdefault(name, value) != value:
            raise GanlensError(f"data {spec!r} gives {name} twice: leave out one of them")
        bare = match["spec"]
    fit: Any = found.get("fit", "crop")
    return bare, Options(fit, found.get("upscale") == "yes")


def with_fit(spec: str, fit: Fit | None) -> str:
    """Return a SPEC that says how its images are made square; None leaves it as it is.

    Raises:
        GanlensError: an unknown fit, or another one than the SPEC names already.
    """
    if fit is None:
        return spec
    if fit not in FITS:
        raise one_of("fit", fit, FITS)
    bare, options = split_options(spec)
    if ",fit=" in spec.removeprefix(bare).replace(" ", "") and options.fit != fit:
        raise GanlensError(f"data {spec!r} is to have fit {fit!r} too: leave out one of them")
    end = "" if fit == "crop" else f",fit={fit}"
    return bare + end + (",upscale=yes" if options.upscale else "")


def misplaced(spec: str) -> str:
    """Say how options are written, where what is no path looks as if it had some; else ""."""
    if not LIKE_OPTION.search(spec):
        return ""
    return (
        f" (options are written ,fit={'|'.join(FITS)} and ,upscale=yes, at the end of the whole"
        " SPEC; a file or folder whose own name ends so has to be renamed)"
    )


def share(value: float) -> str:
    """Write a share of 0 to 1 as per cent, never as the 0 % or 100 % that it is not."""
    if 0 < value < 0.01:
        return "less than 1%"
    return "more than 99%" if 0.99 < value < 1 else f"{value:.0%}"


def with_upscale(spec: str) -> str:
    """Return a SPEC whose small images are enlarged."""
    return spec if split_options(spec)[1].upscale else f"{spec},upscale=yes"


@dataclass(frozen=True, eq=False)
class Originals:
    """Images before they were brought to one size, a row for each.

    Attributes:
        sizes: (N, 2) int32 width and height in pixels, upright.
        conversions: (N,) uint16, the bits of ``CONVERSIONS``.
        digests: (N,) uint64 of the pixels at their own size: equal for equal images.
    """

    sizes: np.ndarray
    conversions: np.ndarray
    digests: np.ndarray

    def __getitem__(self, rows: slice | np.ndarray) -> "Originals":
        """Return some rows."""
        return Originals(self.sizes[rows], self.conversions[rows], self.digests[rows])


def joined(parts: Sequence[Originals]) -> Originals:
    """Return the rows of several, in their order."""
    names = ("sizes", "conversions", "digests")
    return Originals(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))


@dataclass(frozen=True)
class Preparation:
    """What was done to a set of images.

    Attributes:
        fit: how images that are not square became so.
        size: height and width of all of them now, in pixels.
        n: images.
        not_square: how many were not square.
        left_out: share of the pixels of these that were cut off, 0 to 1, on average.
        padding: share of their pixels now that is padding, 0 to 1, on average.
        stretch: largest ratio of the longer to the shorter side, where they were squashed; else 1.
        sides: least and largest side in pixels of the squares before they were resized.
        reduced: how many were larger than ``size``.
        enlarged: how many were smaller.
        conversions: what else was done -> to how many.
    """

    fit: Fit
    size: int
    n: int
    not_square: int
    left_out: float
    padding: float
    stretch: float
    sides: tuple[int, int]
    reduced: int
    enlarged: int
    conversions: Mapping[str, int]

    @classmethod
    def of(cls, fit: Fit, size: int, originals: Originals) -> "Preparation":
        """Return what it took to bring these originals (at least one) to squares of a size."""
        low, high = originals.sizes.min(axis=1), originals.sizes.max(axis=1)
        odd = low < high
        off = 1 - low[odd] / high[odd]  # of a crop and of a padding alike
        square = high if fit == "pad" else low
        bits = originals.conversions
        counts = {text: int((bits >> bit & 1).sum()) for bit, text in enumerate(CONVERSIONS)}
        return cls(
            fit=fit,
            size=size,
            n=len(low),
            not_square=int(odd.sum()),
            left_out=float(off.mean()) if fit == "crop" and off.size else 0.0,
            padding=float(off.mean()) if fit == "pad" and off.size else 0.0,
            stretch=float((high / low).max()) if fit == "squash" else 1.0,
            sides=(int(square.min()), int(square.max())),
            reduced=int((square > size).sum()),
            enlarged=int((square < size).sum()),
            conversions={text: count for text, count in counts.items() if count},
        )

    @property
    def changed(self) -> bool:
        """Whether anything was done to any of them."""
        return bool(self.not_square or self.reduced or self.enlarged or self.conversions)

    def to_json(self) -> dict[str, Any]:
        """Return every number as a JSON value."""
        return {**vars(self), "sides": list(self.sides), "conversions": dict(self.conversions)}

    def __str__(self) -> str:
        """Say in one line what was done: "40 of 40 cropped ...; reduced from 48 px to 32 px"."""
        done = [*self._made_square(), *self._resized()]
        done += [f"{count:,} {what}" for what, count in self.conversions.items()]
        return "; ".join(done) or f"{UNCHANGED}, {self.size} x {self.size} px"

    def _made_square(self) -> list[str]:
        if not self.not_square:
            return []
        some = f"{self.not_square:,} of {self.n:,} not square:"
        if self.fit == "pad":
            return [f"{some} padded with black, {share(self.padding)} of each on average"]
        if self.fit == "squash":
            ratio = f"{self.stretch:.2g}" if self.stretch < 10 else f"{self.stretch:,.0f}"
            return [f"{some} squashed to a square, by up to {ratio} : 1"]
        return [f"{some} cropped to the centre, without {share(self.left_out)} of each on average"]

    def _resized(self) -> list[str]:
        low, high = self.sides
        sides = f"{low} px" if low == high else f"{low} to {high} px"
        if self.reduced and self.enlarged:
            return [f"{self.reduced:,} reduced (Lanczos) and {self.enlarged:,} enlarged (bicubic)"
                    f" from {sides} to {self.size} px"]  # fmt: skip
        if self.reduced:
            return [f"{self.reduced:,} reduced from {sides} to {self.size} px (Lanczos)"]
        if self.enlarged:
            return [f"{self.enlarged:,} enlarged from {sides} to {self.size} px (bicubic)"]
        return []
