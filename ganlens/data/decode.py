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

Then the centre square is cut out and resized. Reducing uses Pillow's Lanczos filter, whose support
widens with the ratio (it averages what it drops: no aliasing; Parmar, Zhang and Zhu 2022, arXiv
2104.11222, compare libraries on this) and which is the sharpest of those that Pillow has.
Enlarging uses the bicubic filter, which rings less. The channel count is changed last.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageOps

from ganlens.data.budget import BYTES_PER_PIXEL, PIXELS
from ganlens.data.encoded import Unusable, reason_of

WHITE = 255
WIDE = 65535
STRIP = 2**20  # pixels converted at a time: wider types are then never held for a whole image
GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True)
class Decoded:
    """What one image came to.

    Attributes:
        pixels: (size, size, channels) uint8, or None if it was left out.
        reason: why it was left out, else "".
        side: shorter side of the source in pixels, 0 if unreadable.
        grey: whether the source stores no colour.
        digest: sha256 of the source's size and pixels as RGB, before cropping and resizing: the
            same at every size asked for and for every lossless format.
        levels: of 16-bit grey, the value that all but 0.1 % of the pixels stay below, and the
            largest; else None.
    """

    pixels: np.ndarray | None
    reason: str = ""
    side: int = 0
    grey: bool = True
    digest: bytes = b""
    levels: tuple[int, int] | None = None


@dataclass(frozen=True)
class Target:
    """What images are brought to: ``size`` px square, ``channels`` 1 or 3, enlarging or not.

    ``white`` is the value of 16-bit grey that becomes 255.
    """

    size: int
    channels: int
    upscale: bool
    white: int = WIDE


def header(read: Callable[[], Image.Image]) -> tuple[int, bool]:
    """Return (shorter side, is grey) of an image, (0, True) if it cannot be opened."""
    try:
        image = read()
        return min(image.size), is_grey(image)
    except MemoryError:
        raise
    except Exception:  # as in decode: whatever is wrong is said there
        return 0, True


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
        upright = canonical(image, target.white)
        levels = _levels(image) if image.mode.startswith("I") else None
    except MemoryError:
        raise
    except Exception as error:
        return Decoded(None, reason_of(error))
    del image  # its pixels are not needed any more
    side = min(upright.size)
    digest = content_digest(upright)
    if side < target.size and not target.upscale:
        width, height = upright.size
        reason = f"{width}x{height} px is smaller than {target.size} px"
        return Decoded(None, reason, side, grey, digest, levels)
    pixels = fit(upright, target.size, target.channels)
    return Decoded(pixels, "", side, grey, digest, levels)


def is_grey(image: Image.Image) -> bool:
    """Whether the image's mode stores no colour; a palette counts as colour."""
    return image.mode in GREY_MODES


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
    if image.getexif().get(0x0112, 1) != 1:  # the orientation tag
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


def fit(image: Image.Image, size: int, channels: int) -> np.ndarray:
    """Cut the centre square out of an "L" or "RGB" image and resize it.

    An odd remainder leaves the extra row or column at the right or bottom.

    Returns:
        (size, size, channels) uint8. One channel is ITU-R 601 luma; three repeat a grey.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    if image.size != (side, side):
        # Cropped first: resize(box=...) would let the filter see pixels outside the square.
        image = image.crop((left, top, left + side, top + side))
    if side != size:
        filter_ = Image.Resampling.LANCZOS if side > size else Image.Resampling.BICUBIC
        image = image.resize((size, size), filter_)
    image = image.convert("L" if channels == 1 else "RGB")
    return np.asarray(image).reshape(size, size, channels)
