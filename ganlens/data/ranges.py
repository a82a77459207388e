"""What stored values mean: which is black and which is white.

Bytes are taken as they are. Everything else is concluded from all values together, never from one
extreme, and what was concluded is said:

==========================  ====================================================================
values                      taken as
==========================  ====================================================================
booleans; integers 0 and 1  black and white
integers in 0 to 255        bytes
uint16                      b bits, of b = 8, 10, 12, 14 and 16 the least that holds them
floats                      [0, 1], [-1, 1] or [0, 255]: the one that holds them and is needed
==========================  ====================================================================

A float range *holds* values if at most STRAY of them lie outside, or if they are what resampling
leaves: at most RINGING of them, less than a quarter of it beyond. [-1, 1] is *needed* if many
values are below 0, or dark ones are in most images; [0, 255] if bright ones are. What none holds,
or two hold, is refused: an array ``range`` of two numbers, (black, white), beside the images says
it. An array on [-1, 1] without one negative value cannot be told from [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganlens.data.scan import Scan, scan
from ganlens.errors import GanlensError

HALF_LEVEL = 0.5 / 255  # of the range: what no byte can show
STRAY = 1e-3  # share of values that decides nothing
RINGING = 0.05  # share of values that resampling may push out of the range
FEW, MANY = 0.05, 0.25  # shares below 0 from which [-1, 1] is needed, with and without dark values
DIM = 63  # integers up to here would be all but black as bytes
BLACK = 16 / 255  # floats up to here would be all but black in [0, 1]: divided twice, mostly
DEPTHS = (10, 12, 14, 16)  # bits of cameras and scanners
CHOICE = "save an array 'range' of two numbers, (black, white), beside the images"


@dataclass(frozen=True)
class Range:
    """Which stored values are black and white, and what is to be said of it ("" for bytes)."""

    black: float
    white: float
    said: str = ""


FLOATS = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
DARK, BRIGHT = -0.5, 1.5  # beyond what ringing reaches from [0, 1]
MIDDLE = 127.0  # of bytes: who has none above counts in something else, such as percent
LEVELS = (1, DIM, 255, *(2**bits - 1 for bits in DEPTHS))  # largest values of integers


def _limits(kind: str) -> tuple[list[float], list[float]]:
    """Return the limits that values are compared with: below, and above."""
    if kind != "f":
        return [], [float(level) for level in LEVELS]
    below = {black - HALF_LEVEL * (white - black) for black, white in FLOATS}
    above = {white + HALF_LEVEL * (white - black) for black, white in FLOATS}
    return sorted(below | {DARK}), sorted(above | {-DARK, BRIGHT, MIDDLE})


def declared(values: np.ndarray) -> Range:
    """Return the range that an array of two numbers declares.

    Raises:
        GanlensError: it is not two finite, ascending numbers.
    """
    flat = np.asarray(values).reshape(-1)
    if flat.dtype.kind not in "fiu" or flat.size != 2 or not np.isfinite(flat.astype(float)).all():
        raise GanlensError("the array 'range' must be two numbers, (black, white)")
    black, white = (float(value) for value in flat)
    if not black < white:
        raise GanlensError(
            f"the array 'range' is ({black:g}, {white:g}): give (black, white), ascending"
        )
    return Range(black, white, f"the file declares {black:g} as black and {white:g} as white")


def concluded(parts: Sequence[np.ndarray]) -> Range:
    """Conclude the range of (N, H, W, C) arrays of one type from all their values together.

    Raises:
        GanlensError: the values fit no range, or more than one; the message names the choice.
    """
    dtype = parts[0].dtype
    if dtype.kind == "b":
        return Range(0, 1)
    found = scan(parts, *_limits(dtype.kind))
    if found.count == 0:
        return Range(0, 1)  # every image will be left out, each with its reason
    return (_of_floats if dtype.kind == "f" else _of_integers)(found, dtype)


def _of_integers(found: Scan, dtype: np.dtype) -> Range:
    low, high = int(found.low), int(found.high)
    if low < 0 or (high > 255 and dtype != np.uint16):
        raise _refused(found, dtype, "which are no bytes")
    if high <= 1:
        said = "its values are 0 and 1: taken as black and white"
        return Range(0, 1, said) if high else Range(0, 255)
    if high <= DIM:
        raise _refused(found, dtype, "which would be all but black as bytes of 0 to 255")
    level = _usual_level(found)
    if dtype == np.uint8 or high <= 255:
        dark = f"; all but {found.share_above(DIM):.2g} of them lie below {DIM}: nearly black"
        said = f"{dtype} from {low} to {high}: taken as bytes" + dark * (level <= DIM)
        return Range(0, 255, said if dtype != np.uint8 or level <= DIM else "")
    bits = max(8, next(b for b in (8, *DEPTHS) if level < 2**b))
    white = 2**bits - 1
    share = found.share_above(white)
    clipped = f"; {share:.2g} of the values lie above and are clipped" if share else ""
    said = f"uint16 up to {high:,}: taken as {bits} bits, white at {white:,}{clipped}"
    return Range(0, white, said)


def _usual_level(found: Scan) -> int:
    """Return the least of LEVELS that no more than stray values exceed."""
    return next(
        level
        for level in LEVELS
        if found.share_above(level) <= STRAY and not found.most_images(found.above[level])
    )


def _of_floats(found: Scan, dtype: np.dtype) -> Range:
    fits = [span for span in FLOATS if _holds(found, *span) and _needed(found, *span)]
    if len(fits) != 1:
        why = "which fit none of [0, 1], [-1, 1] and [0, 255]"
        if fits:
            why = f"which fit {' and '.join(_span(*span) for span in fits)}"
        raise _refused(found, dtype, why)
    black, white = fits[0]
    share = _outside(found, black, white)
    clipped = f"; {share:.2g} of the values lie outside and are clipped" if share else ""
    values = f"its values run from {found.low + 0.0:.6g} to {found.high + 0.0:.6g}"  # no "-0"
    return Range(black, white, f"{values}: taken as {_span(black, white)}{clipped}")


def _outside(found: Scan, black: float, white: float) -> float:
    """Return the share of values more than half a grey level outside of a range."""
    slack = HALF_LEVEL * (white - black)
    return found.share_below(black - slack) + found.share_above(white + slack)


def _span(black: float, white: float) -> str:
    return f"[{black:g}, {white:g}]"


def _holds(found: Scan, black: float, white: float) -> bool:
    share = _outside(found, black, white)
    if share <= STRAY:
        return True
    beyond = max(black - found.low, found.high - white)
    return share <= RINGING and beyond < (white - black) / 4


def _needed(found: Scan, black: float, white: float) -> bool:
    """Whether values are there that a narrower range would lose."""
    if black < 0:
        dark = found.most_images(found.below[DARK])
        negative = found.share_below(-HALF_LEVEL)
        far = found.share_below(DARK) + found.share_above(-DARK) > STRAY  # else it is [-0.5, 0.5]
        return (
            dark
            or (negative > MANY and far)
            or (negative > FEW and found.share_below(DARK) > STRAY)
        )
    if white > 1:
        return found.share_above(MIDDLE) > STRAY and found.most_images(found.above[BRIGHT])
    return found.high <= 0 or found.high > BLACK


def _refused(found: Scan, dtype: np.dtype, why: str) -> GanlensError:
    return GanlensError(
        f"images of type {dtype} from {found.low:g} to {found.high:g}, {why}: give uint8, floats "
        f"in [0, 1] or [-1, 1], or {CHOICE}"
    )


def to_bytes(pixels: np.ndarray, span: Range) -> np.ndarray:
    """Round (H, W, C) finite values to uint8: ``round(255 (v - black) / (white - black))``.

    What lies outside of the range is clipped.
    """
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * 255
    black, white = span.black, span.white
    if pixels.dtype.kind in "iu" and black == 0 and white == 255:
        return np.clip(pixels, 0, 255).astype(np.uint8)
    if pixels.dtype.kind in "iu" and black == 0 and white == int(white) and white < 2**24:
        wide, top = pixels.astype(np.int64), int(white)
        return ((510 * np.clip(wide, 0, top) + top) // (2 * top)).astype(np.uint8)
    if (black, white) == (-1.0, 1.0):
        scaled = (pixels.astype(np.float32) + np.float32(1)) * np.float32(127.5)
    elif (black, white) == (0.0, 1.0):
        scaled = ((pixels * 2 - 1).astype(np.float32) + np.float32(1)) * np.float32(127.5)
    else:
        scaled = (pixels.astype(np.float64) - black) * (255 / (white - black))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
