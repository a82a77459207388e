"""Encoded images: opened by their content, whatever their names; why one cannot be used."""

import io

from PIL import (  # noqa: F401 they register formats
    AvifImagePlugin,
    IcoImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    PcxImagePlugin,
    QoiImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

# What files are tried as. Not Pillow's whole list: some of its formats run other programs (EPS).
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "QOI")
# Tried by name only: their first bytes are those of many other files.
BY_NAME = {".tga": "TGA", ".pcx": "PCX", ".ico": "ICO", ".dib": "DIB"}


class Unusable(Exception):
    """An image that is left out; its text is the reason."""


def open_bytes(content: bytes, name: str = "") -> Image.Image:
    """Open an encoded image and read its header only.

    Args:
        content: of the file. What it is tells its content, whatever its name.
        name: of the file, for formats that no content tells (TGA).

    Raises:
        Unusable: not an image, or more pixels than ``PIL.Image.MAX_IMAGE_PIXELS``.
    """
    if not content:
        raise Unusable("empty file")
    named = next((form for end, form in BY_NAME.items() if name.lower().endswith(end)), None)
    formats = FORMATS if named is None else (*FORMATS, named)
    try:
        image = Image.open(io.BytesIO(content), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unusable(_too_many_pixels()) from None
    except UnidentifiedImageError:
        raise Unusable("not an image that Pillow can read") from None
    limit = Image.MAX_IMAGE_PIXELS
    if limit and image.width * image.height > limit:
        raise Unusable(_too_many_pixels())
    return image


def _too_many_pixels() -> str:
    return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels (PIL.Image.MAX_IMAGE_PIXELS)"


def reason_of(error: Exception) -> str:
    """Say in a line why an image cannot be used, whatever Pillow raised."""
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return _too_many_pixels()
    text = " ".join(str(error).split())
    return (
        text
        if text and "object at 0x" not in text
        else f"cannot be decoded ({type(error).__name__})"
    )
