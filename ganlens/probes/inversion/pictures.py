"""A user's own pictures, decoded as data are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganlens.data import open_data
from ganlens.data.decode import Target, decode, open_bytes
from ganlens.errors import GanlensError
from ganlens.files import check_regular
from ganlens.places import expanded


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
    channels, size, _ = shape
    pixels, names = [], list[str]()
    for path in paths:
        file = expanded(path)
        check_regular(file)
        if not file.is_file() or file.suffix.lower() in (".zip", ".npz"):
            data = open_data(str(path), size=size, channels=channels, strict=True, upscale=True)
            pixels.append(np.array(data.images))
            names += map(str, data.names)
        else:
            pixels.append(_read(file, Target(size, channels, upscale=True))[None])
            names.append(file.name)
    return np.concatenate(pixels), names


def _read(file: Path, target: Target) -> np.ndarray:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise GanlensError(f"image {str(file)!r} cannot be read: {error.strerror}") from error
    found = decode(lambda: open_bytes(content), target)
    if found.pixels is None:
        raise GanlensError(f"image {str(file)!r} cannot be used: {found.reason}; give another one")
    return found.pixels
