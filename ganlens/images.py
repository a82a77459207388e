"""The pixel contract: inside ganlens an image batch is float32 NCHW in [-1, 1].

This file alone converts between that and bytes. Bytes are uint8 NHWC arrays, the layout of Pillow,
of the data cache and of every picture and animation that is written.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from ganlens.errors import GanlensError, one_of
from ganlens.files import check_regular, write_bytes
from ganlens.plain import loads

RECIPE_KEY = "ganlens-recipe"  # under which a picture's metadata hold the JSON of what was drawn
DESCRIPTION = 0x010E  # EXIF ImageDescription: where a WebP keeps that JSON
ANIMATIONS = ("webp", "gif")
PACES = (20, 10_000)  # milliseconds that a frame may stay
MOST_PIXELS = 2**29  # of all frames of a picture that is read: 1.5 GiB


def to_uint8(images: Tensor) -> np.ndarray:
    """Round float images to bytes.

    Args:
        images: (N, C, H, W) in [-1, 1]; values outside are clipped.

    Returns:
        (N, H, W, C) uint8, ``round((x + 1) * 127.5)``.
    """
    scaled = (images.detach().float() + 1).mul_(127.5).round_().clamp_(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def from_uint8(images: np.ndarray | Tensor, device: torch.device | str = "cpu") -> Tensor:
    """Turn (N, H, W, C) bytes into (N, C, H, W) float32 in [-1, 1], channels-last in memory."""
    array = (
        images
        if isinstance(images, Tensor)
        else torch.from_numpy(np.require(images, requirements=["C", "W"]))
    )
    return array.to(device).permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)


def grid(
    images: np.ndarray, columns: int | None = None, *, padding: int = 2, background: int = 255
) -> np.ndarray:
    """Tile images row by row.

    Args:
        images: (N, H, W, C) uint8 with C of 1 to 4, N at least 1; see ``as_rgb``.
        columns: tiles per row; by default the grid is as square as N allows.
        padding: pixels between tiles.
        background: grey level of the padding and of empty tiles, 0 to 255.

    Returns:
        (H', W', 3) uint8.

    Raises:
        GanlensError: there are no images.
    """
    if len(images) == 0:
        raise GanlensError("a grid of 0 images cannot be drawn: give at least 1")
    count, height, width, _ = images.shape
    columns = min(columns or int(np.ceil(np.sqrt(count))), count)
    rows = -(-count // columns)
    step_y, step_x = height + padding, width + padding
    sheet = np.full((rows * step_y - padding, columns * step_x - padding, 3), background, np.uint8)
    for index, tile in enumerate(images):
        top, left = index // columns * step_y, index % columns * step_x
        sheet[top : top + height, left : left + width] = as_rgb(tile)
    return sheet


def beside(pictures: Sequence[np.ndarray], gap: int = 24) -> np.ndarray:
    """Put (H, W, 3) uint8 pictures of one height side by side, ``gap`` white pixels between."""
    white = np.full((len(pictures[0]), gap, 3), 255, np.uint8)
    return np.concatenate([part for one in pictures for part in (white, one)][1:], 1)


def enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    """Repeat every pixel of (..., H, W, C) images both ways: no smoothing, pixels stay evidence."""
    return np.repeat(np.repeat(image, scale, axis=-3), scale, axis=-2)


def png_bytes(image: np.ndarray, recipe: Mapping[str, Any] | None = None) -> bytes:
    """Encode an (H, W, 1 to 4) uint8 image as PNG, with the recipe's JSON in a text chunk."""
    info = PngImagePlugin.PngInfo()
    if recipe is not None:
        info.add_itxt(RECIPE_KEY, json.dumps(recipe, sort_keys=True))
    buffer = io.BytesIO()
    pixels = image[..., 0] if image.shape[-1] == 1 else as_rgb(image)
    Image.fromarray(pixels).save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def write_png(path: str | Path, image: np.ndarray, recipe: Mapping[str, Any] | None = None) -> Path:
    """Write a PNG; a failure leaves an older file intact, see ``files.write_bytes``."""
    path = Path(path)
    write_bytes(path, png_bytes(image, recipe))
    return path


def animation_bytes(
    frames: np.ndarray,
    format: str = "webp",
    milliseconds: int = 80,
    *,
    enlargement: int = 1,
    recipe: Mapping[str, Any] | None = None,
) -> bytes:
    """Encode frames as an animation that runs for ever.

    A WebP is lossless: its pixels are evidence. A GIF has 256 colours a frame, and time in
    hundredths of a second; take it where a WebP is not understood.

    Args:
        frames: (T, H, W, 1 or 3) uint8, T at least 1.
        format: "webp" or "gif".
        milliseconds: how long a frame stays, 20 to 10,000; a GIF rounds it to tens.
        enlargement: every pixel is repeated this often both ways, at least 1.
        recipe: what draws the frames one below another; goes into the metadata as JSON.

    Returns:
        The bytes of the file.

    Raises:
        GanlensError: no frames, another format, or a time out of range.
    """
    if format not in ANIMATIONS:
        raise one_of("animation format", format, ANIMATIONS)
    if len(frames) == 0 or not PACES[0] <= milliseconds <= PACES[1]:
        raise GanlensError(
            f"an animation of {len(frames)} frames of {milliseconds} ms cannot be written: give at "
            "least 1 frame, of 20 to 10,000 ms"
        )
    pace = milliseconds if format == "webp" else round(milliseconds, -1)
    note = json.dumps({RECIPE_KEY: recipe, "milliseconds": pace}, sort_keys=True)
    first, *rest = [Image.fromarray(enlarge(frame, enlargement)) for frame in as_rgb(frames)]
    options: dict[str, Any] = {"comment": note.encode(), "disposal": 1}
    if format == "webp":
        exif = Image.Exif()
        exif[DESCRIPTION] = note
        options = {"lossless": True, "exif": exif, "method": 4}
    buffer = io.BytesIO()
    first.save(buffer, format, save_all=True, append_images=rest, duration=pace, loop=0, **options)
    return buffer.getvalue()


def write_animation(path: str | Path, frames: np.ndarray, **options: Any) -> Path:
    """Write an animation in the format of the path's suffix, .webp or .gif.

    Args:
        path: of the file; a failure leaves an older one intact, see ``files.write_bytes``.
        frames: (T, H, W, 1 or 3) uint8.
        options: ``milliseconds``, ``enlargement`` and ``recipe`` of ``animation_bytes``.
    """
    path = Path(path)
    write_bytes(path, animation_bytes(frames, path.suffix.lower().lstrip("."), **options))
    return path


def read_frames(path: str | Path | BinaryIO, most: int = MOST_PIXELS) -> np.ndarray:
    """Read a picture, or every frame of an animation: (T, H, W, 3) uint8, T = 1 for a picture.

    Encoders join equal frames into one that stays longer; where the file says how long a frame of
    its own was to stay, they are taken apart again.

    Args:
        path: of the file, or the file.
        most: pixels of all frames together, counted after that.

    Raises:
        GanlensError: not a readable picture, no regular file, or one of more pixels.
    """
    frames: list[np.ndarray] = []
    with _opened(path) as image:
        pace = _pace(_note(image).get("milliseconds"))
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            pixels = np.asarray(image.convert("RGB"))
            stays = image.info.get("duration", 0) if pace else 0
            frames += [pixels] * max(1, round(stays / pace) if pace else 1)
            if len(frames) * pixels[..., 0].size > most:
                raise GanlensError(
                    f"{_name(path)} has frames of more than {most:,} pixels together: give a"
                    " smaller picture"
                )
        return np.stack(frames)


def read_recipe(path: str | Path | BinaryIO) -> dict[str, Any]:
    """Return the recipe that a PNG, a WebP or a GIF carries.

    Raises:
        GanlensError: not a picture, no recipe in it, or a damaged one.
    """
    with _opened(path) as image:
        recipe = _note(image).get(RECIPE_KEY)
    if recipe is None:
        raise GanlensError(
            f"{_name(path)} carries no recipe: only pictures written by ganlens can be replayed"
        )
    return recipe


@contextmanager
def _opened(path: str | Path | BinaryIO) -> Iterator[Image.Image]:
    """Open a picture; whatever stops reading it, in the body too, is a GanlensError."""
    if isinstance(path, str | Path):
        check_regular(path)
    try:
        with Image.open(path) as image:
            yield image
    except (GanlensError, MemoryError):
        raise
    except Exception as error:  # of a damaged file Pillow raises nearly anything
        why = str(error) or type(error).__name__
        raise GanlensError(f"{_name(path)} is not a readable picture: {why}") from error


def _pace(milliseconds: Any) -> int | None:
    """Return how long a frame stays, as ``animation_bytes`` writes it; None for anything else."""
    written = isinstance(milliseconds, int) and PACES[0] <= milliseconds <= PACES[1]
    return milliseconds if written else None


def _name(path: str | Path | BinaryIO) -> str:
    return str(getattr(path, "name", path)) if not isinstance(path, Path) else str(path)


def _note(image: Image.Image) -> dict[str, Any]:
    """Return what ganlens wrote into a picture's metadata; an empty dict where there is nothing."""
    text = getattr(image, "text", {}).get(RECIPE_KEY)
    if text is not None:  # PNG
        try:
            return {RECIPE_KEY: loads(text)}
        except ValueError as error:
            raise ValueError(f"its recipe is damaged ({error})") from error
    written = image.info.get("comment") or image.getexif().get(DESCRIPTION) or ""
    try:
        found = loads(written)
    except (ValueError, TypeError):  # a comment of somebody else
        return {}
    return found if isinstance(found, dict) else {}


def as_rgb(images: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """Show (..., 1 to 4) channels as (..., 3): what can be seen of them.

    One channel is grey; two are red and green; of four the last, mostly an alpha, is left out.
    """
    array = np.asarray(images)
    if array.shape[-1] == 1:
        return np.repeat(array, 3, axis=-1)
    if array.shape[-1] == 2:
        return np.concatenate([array, np.zeros_like(array[..., :1])], axis=-1)
    return array[..., :3]
