"""Board: picture tiles that answer to clicks and to drawn boxes.

``st.image`` is not clickable, and charts lose their selection when they are drawn again, hence this
component. Its script and style are files beside this one; pictures reach the browser as one PNG.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st

from ganlens.images import as_rgb, grid, png_bytes
from ganlens.panels import ROOM

HERE = Path(__file__).parent
GAP = 4
MOST_BOXES = 1000  # that are read of what a browser sends
Mode = Literal["pick", "mark", "boxes"]
Box = tuple[int, int, int, int]
Drawn = Sequence[tuple[int, Box]]


@dataclass(frozen=True)
class Tiles:
    """What a board shows.

    Attributes:
        pictures: (N, H, W, C) uint8.
        labels: N texts: what each picture is, for those who cannot see it.
        columns: tiles per row.
        scale: enlargement of a pixel, a whole number; None for as large as there is room.
    """

    pictures: np.ndarray
    labels: Sequence[str]
    columns: int = 8
    scale: int | None = None

    def data(
        self,
        key: str,
        mode: Mode,
        cycle: Sequence[str] = (),
        marks: Sequence[str] = (),
        boxes: Drawn = (),
    ) -> dict[str, Any]:
        """Return what the script is given.

        The token names the board by all but its marks and boxes: those the browser knows best, as
        the server may not have heard yet of the latest clicks.
        """
        height, width = self.pictures.shape[1:3]
        sheet = png_bytes(grid(as_rgb(self.pictures), self.columns, padding=0))
        fit = max(1, (ROOM // self.columns - GAP) // width)
        content = {
            "sheet": f"data:image/png;base64,{base64.b64encode(sheet).decode('ascii')}",
            "sheet_columns": min(self.columns, len(self.pictures)),
            "columns": self.columns,
            "width": width,
            "height": height,
            "scale": self.scale or min(fit, 4),
            "labels": list(self.labels),
            "mode": mode,
            "cycle": list(cycle),
        }
        token = hashlib.sha256(repr((key, content)).encode()).hexdigest()
        begun = [{"tile": tile, "box": list(box)} for tile, box in boxes]
        return {**content, "marks": list(marks), "boxes": begun, "token": token}


def pick(tiles: Tiles, key: str, on_pick: Callable[[int], None]) -> None:
    """Draw tiles of which one can be picked; the callback gets its index."""

    def picked() -> None:
        index = _whole(getattr(st.session_state.get(key), "picked", None), len(tiles.labels))
        if index is not None:
            on_pick(index)

    _component()(data=tiles.data(key, "pick"), key=key, on_picked_change=picked)


def mark(tiles: Tiles, key: str, cycle: Sequence[str], marks: Sequence[str] = ()) -> list[str]:
    """Draw tiles that take the next mark of a cycle at each click.

    Args:
        tiles: what to show.
        key: names the board; another key is a board without marks.
        cycle: the marks in order, "" first.
        marks: N marks to begin with.

    Returns:
        N marks.
    """
    start = list(marks) or [""] * len(tiles.labels)
    result = _component()(
        data=tiles.data(key, "mark", cycle, start),
        key=key,
        default={"marks": start},
        on_marks_change=_nothing,
    )
    given = result.marks
    if not isinstance(given, list) or len(given) != len(start):
        return start  # of another board, or from no board of ours
    return [one if one in cycle else "" for one in given]


def boxes(tiles: Tiles, key: str, start: Drawn = ()) -> list[tuple[int, Box]]:
    """Draw tiles on which boxes can be drawn with the pointer; a click takes a tile's away.

    Args:
        tiles: what to show.
        key: names the board; another key is a board without boxes of its own.
        start: boxes to begin with.

    Returns:
        (tile, (x0, y0, x1, y1)) in pixels of the picture, the last two not included.
    """
    content = tiles.data(key, "boxes", boxes=start)
    begun = {"boxes": content["boxes"]}
    result = _component()(data=content, key=key, default=begun, on_boxes_change=_nothing)
    given = result.boxes if isinstance(result.boxes, list) else []
    height, width = tiles.pictures.shape[1:3]
    found = [_box(one, len(tiles.labels), width, height) for one in given[:MOST_BOXES]]
    return [one for one in found if one is not None]


def _box(given: Any, count: int, width: int, height: int) -> tuple[int, Box] | None:
    """Return a box that a browser sent, or None where it makes no sense."""
    if not isinstance(given, dict) or not isinstance(given.get("box"), list):
        return None
    tile = _whole(given.get("tile"), count)
    corners = [_whole(value, max(width, height) + 1) for value in given["box"]]
    if tile is None or len(corners) != 4 or None in corners:
        return None
    x0, y0, x1, y1 = (int(value) for value in corners if value is not None)
    inside = 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    return (tile, (x0, y0, x1, y1)) if inside else None


def _whole(value: Any, below: int) -> int | None:
    """Return a whole number in [0, below) that a browser sent, or None."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < below else None


def _nothing() -> None:
    """Streamlit reports the state of a component only where somebody listens."""


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component(
        "ganlens.board",
        html='<div class="board" role="group"></div>',
        css=(HERE / "board.css").read_text("utf-8"),
        js=(HERE / "board.js").read_text("utf-8"),
    )
