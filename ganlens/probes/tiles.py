"""Tiles in labelled rows and columns."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganlens.images import as_rgb, enlarge
from ganlens.probes.latent import picture_scale

LETTERS = 12  # px
ROW = 18  # px of a line of text
GAP = 8


def labelled(names: Sequence[str], rows: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Draw one row per kind of image and one column per name, wrapped to fit a page.

    Args:
        names: U of the columns.
        rows: (what the row shows, (U, H, W, C) uint8 images).

    Returns:
        (height, width, 3) uint8, the images enlarged to about 96 pixels without smoothing.
    """
    font = ImageFont.load_default(LETTERS)
    side = max(x.shape[1] * max(1, round(1.5 * picture_scale(x))) for _, x in rows)
    widest = max(int(font.getlength(name)) for name in names)
    column = max(side, widest) + GAP
    blocks = max(1, 800 // column)
    sheets = [
        _block(names[i : i + blocks], [(what, x[i : i + blocks]) for what, x in rows], side,
               column, min(blocks, len(names)))
        for i in range(0, len(names), blocks)
    ]  # fmt: skip
    return np.concatenate(sheets)


def _block(
    names: Sequence[str],
    rows: Sequence[tuple[str, np.ndarray]],
    side: int,
    column: int,
    columns: int,
) -> np.ndarray:
    font = ImageFont.load_default(LETTERS)
    margin = max(int(font.getlength(what)) for what, _ in rows) + 2 * GAP
    size = (margin + columns * column, ROW + len(rows) * (side + GAP))
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for j, name in enumerate(names):
        pen.text((margin + j * column, 2), name, "black", font)
    for i, (what, x) in enumerate(rows):
        top = ROW + i * (side + GAP)
        pen.text((GAP, top + side // 2 - LETTERS // 2), what, "black", font)
        for j, picture in enumerate(as_rgb(x)):
            large = Image.fromarray(enlarge(picture, side // len(picture)))
            sheet.paste(large, (margin + j * column, top))
    return np.asarray(sheet)
