"""Pictures that visitors drop: bounded, decoded defensively, brought to the network's shape."""

import io
from typing import Any

from PIL import Image
from torch import Tensor

from ganlens.data import Preparation
from ganlens.data.decode import Target, decode, originals
from ganlens.data.encoded import open_bytes, reason_of
from ganlens.errors import GanlensError
from ganlens.images import from_uint8

KINDS = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tiff"]
MOST_BYTES = 10 * 2**20
MOST_PIXELS = 16_000_000  # over all frames; decoded, 64 MB


def checked(upload: Any) -> Image.Image:
    """Open an upload, reading no more than its header.

    Raises:
        GanlensError: too large, or no picture.
    """
    if upload.size > MOST_BYTES:
        raise GanlensError(
            f"{upload.name} has {upload.size:,} bytes and at most {MOST_BYTES:,} are read here: "
            "drop a smaller picture"
        )
    try:
        image = open_bytes(upload.getvalue())
        frames = getattr(image, "n_frames", 1)  # counted by looking for them
    except MemoryError:
        raise
    except Exception as error:  # as in decode: of a damaged file Pillow raises nearly anything
        raise GanlensError(
            f"{upload.name} cannot be used: {reason_of(error)}; drop another picture"
        ) from None
    area = image.width * image.height * frames
    if area > MOST_PIXELS:
        raise GanlensError(
            f"{upload.name} has {area:,} pixels and at most {MOST_PIXELS:,} are read here: drop a "
            "smaller picture"
        )
    return image


def as_input(upload: Any, image_shape: tuple[int, int, int]) -> tuple[Tensor, Preparation]:
    """Decode an upload as training images are decoded.

    Returns:
        (1, C, H, W) float32 in [-1, 1], and what was done to it.

    Raises:
        GanlensError: as ``checked``; or it cannot be decoded.
    """
    image = checked(upload)
    channels, size, _ = image_shape
    found = decode(lambda: image, Target(size, channels, upscale=True))
    if found.pixels is None:
        raise GanlensError(f"{upload.name} cannot be used: {found.reason}; drop another picture")
    return from_uint8(found.pixels[None]), Preparation.of("crop", size, originals([found]))


def content(upload: Any) -> io.BytesIO:
    """Return a checked upload's bytes as a file of its own, from the start."""
    checked(upload)
    return io.BytesIO(upload.getvalue())
