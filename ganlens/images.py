"""The pixel contract: inside ganlens an image batch is float32 NCHW in [-1, 1].

This file alone converts between that and bytes. Bytes are uint8 NHWC arrays, the layout of Pillow,
of the data cache and of every picture that is written.
"""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.files import write_bytes

RECIPE_KEY = "ganlens-recipe"  # the PNG text chunk that holds the JSON of what was drawn


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
        images: (N, H, W, C) uint8 with C of 1 or 3, N at least 1.
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
        sheet[top : top + height, left : left + width] = tile  # one channel broadcasts to three
    return sheet


def enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    """Repeat every pixel of an (H, W, C) image both ways: no smoothing, pixels stay evidence."""
    return np.repeat(np.repeat(image, scale, axis=0), scale, axis=1)


def png_bytes(image: np.ndarray, recipe: Mapping[str, Any] | None = None) -> bytes:
    """Encode an (H, W, 1 or 3) uint8 image as PNG, with the recipe's JSON in a text chunk."""
    info = PngImagePlugin.PngInfo()
    if recipe is not None:
        info.add_itxt(RECIPE_KEY, json.dumps(recipe, sort_keys=True))
    buffer = io.BytesIO()
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    Image.fromarray(pixels).save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def write_png(path: str | Path, image: np.ndarray, recipe: Mapping[str, Any] | None = None) -> Path:
    """Write a PNG; a failure leaves an older file intact, see ``files.write_bytes``."""
    path = Path(path)
    write_bytes(path, png_bytes(image, recipe))
    return path


def read_recipe(path: str | Path) -> dict[str, Any]:
    """Return the recipe that a PNG carries.

    Raises:
        GanlensError: not a PNG, no recipe in it, or a damaged one.
    """
    try:
        with Image.open(path) as image:
            text = getattr(image, "text", {}).get(RECIPE_KEY)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise GanlensError(f"{path} is not a readable PNG: {error}") from error
    if text is None:
        raise GanlensError(
            f"{path} carries no recipe: only pictures written by ganlens can be replayed"
        )
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GanlensError(f"{path} carries a damaged recipe ({error}): draw it anew") from error


def as_rgb(images: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """Repeat a single channel three times: (N, H, W, 1 or 3) to (N, H, W, 3)."""
    array = np.asarray(images)
    return np.repeat(array, 3, axis=-1) if array.shape[-1] == 1 else array
