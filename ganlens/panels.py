"""Panels: what a Result shows. The report and the explorer draw the same ones.

A panel has a title, a caption that a newcomer can follow, and one of four contents: an image, an
animation, a plotly figure, or a table.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

# Okabe and Ito's palette, told apart under the common colour-vision deficiencies.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
ROOM = 800  # CSS pixels that a page has across; a wider picture would be shrunk by an uneven factor
PANEL = "panel"  # the kind of a recipe that names a panel of a probe; others are of samples


@dataclass(frozen=True)
class ImagePanel:
    """A picture, shown at whole-number enlargement without smoothing.

    Attributes:
        title: a few words.
        caption: what is shown and how to read it, one to three sentences.
        image: (H, W, 3) uint8.
        alt: a text for who cannot see it.
        scale: suggested enlargement, at least 1.
        recipe: JSON-able description from which the picture can be drawn again; goes into its PNG.
    """

    title: str
    caption: str
    image: np.ndarray
    alt: str = ""
    scale: int = 2
    recipe: dict[str, Any] | None = None


@dataclass(frozen=True)
class AnimationPanel:
    """Pictures that follow each other in one place, for ever; a viewer can be asked to hold still.

    Attributes:
        title: a few words.
        caption: what is shown and how to read it, one to three sentences.
        frames: (T, H, W, 3) uint8, T at least 1.
        milliseconds: how long each frame stays.
        alt: a text for who cannot see it.
        scale: suggested enlargement, at least 1.
        recipe: JSON-able description from which the frames can be drawn again, one below another.
    """

    title: str
    caption: str
    frames: np.ndarray
    milliseconds: int = 80
    alt: str = ""
    scale: int = 2
    recipe: dict[str, Any] | None = None


@dataclass(frozen=True)
class FigurePanel:
    """An interactive plotly figure with its title and caption."""

    title: str
    caption: str
    figure: go.Figure


@dataclass(frozen=True)
class TablePanel:
    """Rows of plain values under column names; numbers are formatted when drawn, never before."""

    title: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        title: str,
        caption: str,
        content: Mapping[str, Iterable[Any]] | Sequence[Mapping[str, Any]],
    ) -> "TablePanel":
        """Return a table whose column names stand beside the values.

        Args:
            title: of the panel.
            caption: of the panel.
            content: columns of equal length by name, or rows that all have the same names.
        """
        if isinstance(content, Mapping):
            return cls(title, caption, tuple(content), list(zip(*content.values(), strict=True)))
        names = tuple(content[0]) if content else ()
        return cls(title, caption, names, [[row[name] for name in names] for row in content])


Panel = ImagePanel | AnimationPanel | FigurePanel | TablePanel


def enlarged(recipe: dict[str, Any] | None, scale: int) -> dict[str, Any] | None:
    """Return the recipe of the picture enlarged ``scale`` times: a replay gives the same pixels."""
    if recipe is None:
        return None
    if recipe.get("kind") == PANEL:
        return {**recipe, "scale": recipe.get("scale", 1) * scale}
    layout = recipe.get("layout", {})
    return {**recipe, "layout": {**layout, "enlargement": layout.get("enlargement", 1) * scale}}


def enlargement(width: int, room: int = 640) -> int:
    """Return the whole number by which a picture ``width`` pixels wide fills ``room``, 1 to 8."""
    return max(1, min(8, room // max(1, width)))


def picture_scale(pictures: np.ndarray) -> int:
    """Return the enlargement that shows (N, H, W, C) pictures at about 64 pixels a side."""
    return max(1, round(64 / pictures.shape[1]))


def percent(share: float | None) -> float | None:
    """Return a share, 0 to 1, in percent; None stays None."""
    return None if share is None else 100 * share


def csv_text(panel: TablePanel) -> str:
    """Return a table as CSV, column names first, with the values as they are."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([panel.columns, *panel.rows])
    return text.getvalue()


def file_stem(title: str) -> str:
    """Turn a title into a file name without its ending: lower case, hyphens, 60 letters at most."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "panel"


def cell(value: Any) -> str:
    """Format one table value: four significant digits, thousands apart, a dash where undefined."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return "–"  # noqa: RUF001 an en dash is what a table shows
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}" if abs(float(value)) < 1e6 else f"{value:.3e}"
    return str(value)


def figure(**layout: Any) -> go.Figure:
    """Return an empty figure in the house style: palette, transparent ground, tight margins."""
    return go.Figure(
        layout={
            "template": "plotly_white",
            "colorway": PALETTE,
            "margin": {"l": 50, "r": 20, "t": 30, "b": 45},
            "height": 340,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            **layout,
        }
    )
