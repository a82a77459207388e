"""A user's own pictures, decoded as data are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganlens.data import open_data
from ganlens.data.decode import Target, decode, open_bytes
from ganlens.errors import GanlensError


def read_pictures(
    paths: Sequence[Path], shape: tuple[int, int, int]
) -> tuple[np.ndarray, list[str]]:
    """Read files, or whole folders and zips, as (N, H, W, C) uint8 and their names.

    They are turned upright, cut to the square centre and resized by the same rules as data;
    smaller ones are enlarged.

    Args:
        paths: image files, or anything that a data SPEC may be.
        shape: (C, H, W) to bring them to.

    Raises:
        GanlensError: a path that is not there or cannot be decoded.
    """
    pixels, names = [], []
    for path in paths:
        found, called = _read(path, shape)
        pixels.append(found)
        names += called
    return np.concatenate(pixels), names


def _read(path: Path, shape: tuple[int, int, int]) -> tuple[np.ndarray, list[str]]:
    channels, size, _ = shape
    file = path.expanduser()
    if not file.is_file() or file.suffix.lower() in (".zip", ".npz"):
        data = open_data(str(path), size=size, channels=channels, strict=True, upscale=True)
        return np.array(data.images), [str(name) for name in data.names]
    try:
        content = file.read_bytes()
    except OSError as error:
        raise GanlensError(f"image {str(path)!r} cannot be read: {error.strerror}") from error
    found = decode(lambda: open_bytes(content), Target(size, channels, upscale=True))
    if found.pixels is None:
        raise GanlensError(f"image {str(path)!r} cannot be used: {found.reason}; give another one")
    return found.pixels[None], [file.name]
