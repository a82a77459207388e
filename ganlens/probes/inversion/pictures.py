"""A user's own pictures, decoded as data are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganlens.data import open_data
from ganlens.data.decode import Decoded, Target, decode, originals
from ganlens.data.encoded import open_bytes
from ganlens.data.opening import FILES
from ganlens.data.preparation import Originals, Preparation, joined
from ganlens.errors import GanlensError
from ganlens.files import check_regular
from ganlens.places import expanded


def read_pictures(
    paths: Sequence[Path], shape: tuple[int, int, int]
) -> tuple[np.ndarray, tuple[str, ...], Preparation]:
    """Read image files, folders or archives as pictures of shape (C, H, W).

    They are turned upright, cut to the square centre and resized by the same rules as data;
    smaller ones are enlarged.

    Returns:
        (N, H, W, C) uint8 pixels, the names of their files, and what was done to them.

    Raises:
        GanlensError: a path that is not there or cannot be decoded.
    """
    channels, size, _ = shape
    pixels, names, before = [], list[str](), list[Originals]()
    for path in paths:
        file = expanded(path)
        check_regular(file)
        if not file.is_file() or file.name.lower().endswith(FILES):
            data = open_data(str(path), size=size, channels=channels, strict=True, upscale=True)
            pixels.append(np.array(data.images))
            names += map(str, data.names)
            assert data.originals is not None  # every opening knows them
            before.append(data.originals)
        else:
            found = _read(file, Target(size, channels, upscale=True))
            assert found.pixels is not None  # else it was refused
            pixels.append(found.pixels[None])
            names.append(file.name)
            before.append(originals([found]))
    return np.concatenate(pixels), tuple(names), Preparation.of("crop", size, joined(before))


def _read(file: Path, target: Target) -> Decoded:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise GanlensError(f"image {str(file)!r} cannot be read: {error.strerror}") from error
    found = decode(lambda: open_bytes(content), target)
    if found.pixels is None:
        raise GanlensError(f"image {str(file)!r} cannot be used: {found.reason}; give another one")
    return found
