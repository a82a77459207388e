"""One image of any mode to square bytes of one size.

Every conversion is explicit, so that no two files are treated alike by accident:

========================  ======================================================================
in the file               becomes
========================  ======================================================================
EXIF orientation          turned upright
several frames            the first one
1 bit                     0 or 255, grey
palette                   its colours
alpha, transparent colour laid over white: ``round((c a + 255 (255 - a)) / 255)``
CMYK, YCbCr, HSV          RGB by Pillow's formulas (colour profiles are not applied)
16-bit grey               ``round(255 v / white)``: white is 65,535, or less where all images of
                          the data use fewer bits; 16-bit colour: the high byte (Pillow)
float grey (TIFF)         ``round(255 v)``; must lie in [0, 1], within half a grey level
========================  ======================================================================

Then it is made square: the centre is cut out, or the image is padded with black, or squashed
(``preparation``), and resized. Reducing uses Pillow's Lanczos filter, whose support
widens with the ratio (it averages what it drops: no aliasing; Parmar, Zhang and Zhu 2022, arXiv
2104.11222, compare libraries on this) and which is the sharpest of those that Pillow has.
Enlarging uses the bicubic filter, which rings less. The channel count is changed last.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageOps

from ganlens.data.budget import BYTES_PER_PIXEL, PIXELS
from ganlens.data.encoded import Unusable, reason_of
from ganlens.data.preparation import (
    COLOUR_SPACE,
    FRAMES,
    MADE_COLOUR,
    MADE_GREY,
    ROUNDED,
    TRANSPARENT,
    UPRIGHT,
    Fit,
    Originals,
)

WHITE = 255
ORIENTATION = 0x0112  # the EXIF tag
WIDE = 65535
STRIP = 2**20  # pixels converted at a time: wider types are then never held for a whole image
GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True)
class Decoded:
    """What one image came to.

    Attributes:
        pixels: (size, size, channels) uint8, or None if it was left out.
        reason: why it was left out, else "".
        source: width and height of the source in pixels, upright; (0, 0) if unreadable.
        grey: whether the source stores no colour.
        digest: sha256 of the source's size and pixels as RGB, before cropping and resizing: the
            same at every size asked for and for every lossless format.
        conversions: what was done to it beside cropping and resizing, the bits of CONVERSIONS.
        levels: of 16-bit grey, the value that all but 0.1 % of the pixels stay below, and the
            largest; else None.
    """

    pixels: np.ndarray | None
    reason: str = ""
    source: tuple[int, int] = (0, 0)
    grey: bool = True
    digest: bytes = b""
    conversions: int = 0
    levels: tuple[int, int] | None = None


def originals(found: Sequence[Decoded]) -> Originals:
    """Return what images were before they were decoded, a row for each."""
    return Originals(
        np.array([one.source for one in found], np.int32).reshape(-1, 2),
        np.array([one.conversions for one in found], np.uint16),
        np.frombuffer(b"".join(one.digest[:8] for one in found), "<u8"),
    )


@dataclass(frozen=True)
class Target:
    """What images are brought to: ``size`` px square, ``channels`` 1 or 3, enlarging or not.

    ``white`` is the value of 16-bit grey that becomes 255.
    """

    size: int
    channels: int
    upscale: bool
    fit: Fit = "crop"
    white: int = WIDE


def header(read: Callable[[], Image.Image]) -> tuple[tuple[int, int], bool]:
    """Return (width and height, is grey) of an image, ((0, 0), True) if it cannot be opened."""
    try:
        image = read()
        return image.size, is_grey(image)
    except MemoryError:
        raise
    except Exception:  # as in decode: whatever is wrong is said there
        return (0, 0), True


def decode(read: Callable[[], Image.Image], target: Target) -> Decoded:
    """Read one image and bring it to the target; never raises for a bad image.

    Pillow's plugins raise nearly anything on damaged files, so every exception but MemoryError
    means "left out", with its text as the reason.
    """
    try:
        image = read()
    except MemoryError:
        raise
    except Exception as error:
        return Decoded(None, reason_of(error))
    with PIXELS.hold(BYTES_PER_PIXEL * image.width * image.height):
        return _decode(image, target)


def _decode(image: Image.Image, target: Target) -> Decoded:
    try:
        grey = is_grey(image)
        done = conversions(image, target.channels)
        upright = canonical(image, target.white)
        levels = _levels(image) if image.mode.startswith("I") else None
    except MemoryError:
        raise
    except Exception as error:
        return Decoded(None, reason_of(error))
    del image  # its pixels are not needed any more
    size, digest = upright.size, content_digest(upright)
    if square_side(size, target.fit) < target.size and not target.upscale:
        reason = f"{size[0]}x{size[1]} px is smaller than {target.size} px"
        return Decoded(None, reason, size, grey, digest, done, levels)
    return Decoded(fit(upright, target), "", size, grey, digest, done, levels)


def is_grey(image: Image.Image) -> bool:
    """Whether the image's mode stores no colour; a palette counts as colour."""
    return image.mode in GREY_MODES


def conversions(image: Image.Image, channels: int) -> int:
    """Return the bits of CONVERSIONS: what opening an image of this mode leaves out or changes."""
    several = False
    with suppress(Exception):  # a damaged second frame does not spoil the first
        several = bool(getattr(image, "is_animated", False))
    grey = is_grey(image)
    return (
        UPRIGHT * (image.getexif().get(ORIENTATION, 1) != 1)
        | FRAMES * several
        | TRANSPARENT * image.has_transparency_data
        | ROUNDED * image.mode.startswith(("I", "F"))
        | COLOUR_SPACE * (image.mode in ("CMYK", "YCbCr", "LAB", "HSV"))
        | MADE_GREY * (channels == 1 and not grey)
        | MADE_COLOUR * (channels == 3 and grey)
    )


def canonical(image: Image.Image, white: int = WIDE) -> Image.Image:
    """Bring an image of any mode upright to mode "L" or "RGB", as the table above says.

    Args:
        image: opened, not yet loaded.
        white: the value of 16-bit grey that becomes 255.

    Raises:
        Unusable: values outside the range of their mode.
    """
    if min(image.size) == 0:
        raise Unusable("0 pixels wide or high")
    image.load()
    if image.getexif().get(ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):
        return _by_strips(image, "L", partial(_sixteen_bit, white=white))
    if image.has_transparency_data:
        return _by_strips(image, "L" if is_grey(image) else "RGB", _over_white)
    if image.mode == "F":
        return _by_strips(image, "L", _unit_float)
    return image.convert("L" if is_grey(image) else "RGB")


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield (first row, that strip of the image) from top to bottom."""
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _by_strips(
    image: Image.Image, mode: str, convert: Callable[[Image.Image], np.ndarray]
) -> Image.Image:
    found = Image.new(mode, image.size)
    for top, strip in _strips(image):
        found.paste(Image.fromarray(convert(strip)), (0, top))
    return found


def _levels(image: Image.Image) -> tuple[int, int]:
    """Return (the value that all but 0.1 % of the pixels stay below, the largest value)."""
    counts = np.zeros(WIDE + 1, np.int64)
    for _, strip in _strips(image):
        counts += np.bincount(np.asarray(strip, np.int64).reshape(-1), minlength=WIDE + 1)
    usual = np.searchsorted(np.cumsum(counts), 0.999 * counts.sum())
    return int(usual), int(np.flatnonzero(counts)[-1])


def _over_white(image: Image.Image) -> np.ndarray:
    rgba = np.asarray(image.convert("RGBA"), np.uint16)
    colour, alpha = rgba[..., :3], rgba[..., 3:]
    flat = ((colour * alpha + WHITE * (WHITE - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(flat[..., 0]) if is_grey(image) else flat


def _sixteen_bit(image: Image.Image, white: int) -> np.ndarray:
    wide = np.asarray(image).astype(np.int64)
    if wide.min() < 0 or wide.max() > WIDE:
        raise Unusable(f"grey values from {wide.min()} to {wide.max()} do not fit 16 bits")
    wide[wide == image.info.get("transparency")] = white
    return ((510 * np.minimum(wide, white) + white) // (2 * white)).astype(np.uint8)


def _unit_float(image: Image.Image) -> np.ndarray:
    values, slack = np.asarray(image), 0.5 / WHITE
    if not (np.isfinite(values).all() and values.min() >= -slack and values.max() <= 1 + slack):
        raise Unusable("floating-point values outside [0, 1]")
    return np.clip(np.rint(values * WHITE), 0, WHITE).astype(np.uint8)


def content_digest(image: Image.Image) -> bytes:
    """Return the sha256 of an "L" or "RGB" image's size and RGB pixels."""
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    for _, strip in _strips(image):
        digest.update(strip.convert("RGB").tobytes())
    return digest.digest()


def square_side(size: tuple[int, int], fit: Fit) -> int:
    """Return the side in pixels of the square that an image becomes before it is resized."""
    return max(size) if fit == "pad" else min(size)


def fit(image: Image.Image, target: Target) -> np.ndarray:
    """Make an "L" or "RGB" image square and resize it.

    An odd remainder leaves the extra row or column at the right or bottom.

    Returns:
        (size, size, channels) uint8. One channel is ITU-R 601 luma; three repeat a grey.
    """
    size, side = target.size, square_side(image.size, target.fit)
    if image.size != (side, side) and target.fit != "squash":
        # Cropped first: resize(box=...) would let the filter see pixels outside the square.
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))  # beyond the image it is black
    if image.size != (size, size):
        larger = max(image.size) > size
        filter_ = Image.Resampling.LANCZOS if larger else Image.Resampling.BICUBIC
        image = image.resize((size, size), filter_)
    image = image.convert("L" if target.channels == 1 else "RGB")
    return np.asarray(image).reshape(size, size, target.channels)
