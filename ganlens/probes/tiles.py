"""Tiles in labelled rows and columns."""

import textwrap
from collections.abc import Sequence
from math import ceil

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganlens.images import as_rgb, enlarge
from ganlens.panels import ROOM, picture_scale

LETTERS = 12  # px
ROW = 18  # px of a line of text
GAP = 8
WORDS = 11  # letters of a line beside a row


def labelled(names: Sequence[str], rows: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Draw one row per kind of image and one column per name, wrapped to fit a page.

    Args:
        names: U of the columns.
        rows: (what the row shows, (U, H, W, C) uint8 images).

    Returns:
        (height, width, 3) uint8, the images enlarged to about 96 pixels without smoothing; at most
        ``ROOM`` wide, unless a single column is wider.
    """
    font = ImageFont.load_default(LETTERS)
    side = max(x.shape[1] * max(1, round(1.5 * picture_scale(x))) for _, x in rows)
    column = max(side, *(ceil(font.getlength(name)) for name in names)) + GAP
    rows = [("\n".join(textwrap.wrap(what, WORDS)), x) for what, x in rows]
    lines = [line for what, _ in rows for line in what.split("\n")]
    margin = max(ceil(font.getlength(line)) for line in lines) + GAP
    most = max(1, (ROOM - margin + GAP) // column)
    blocks = ceil(len(names) / ceil(len(names) / most))  # as many in each, where they are wrapped
    sheets = [
        _block(names[i : i + blocks], [(what, x[i : i + blocks]) for what, x in rows], side,
               (margin, column, blocks))
        for i in range(0, len(names), blocks)
    ]  # fmt: skip
    return np.concatenate(sheets)


def _block(
    names: Sequence[str],
    rows: Sequence[tuple[str, np.ndarray]],
    side: int,
    widths: tuple[int, int, int],
) -> np.ndarray:
    font = ImageFont.load_default(LETTERS)
    margin, column, columns = widths
    size = (margin + columns * column - GAP, ROW + len(rows) * (side + GAP))
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for j, name in enumerate(names):
        pen.text((margin + j * column, 2), name, "black", font)
    for i, (what, x) in enumerate(rows):
        top = ROW + i * (side + GAP)
        pen.text((0, top + side // 2), what, "black", font, anchor="lm")
        for j, picture in enumerate(as_rgb(x)):
            large = Image.fromarray(enlarge(picture, side // len(picture)))
            sheet.paste(large, (margin + j * column, top))
    return np.asarray(sheet)
