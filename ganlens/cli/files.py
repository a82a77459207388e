"""Panels as files: PNG with its recipe, HTML that opens offline, CSV."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from ganlens import images
from ganlens.cli.terminal import make_folder
from ganlens.files import write_bytes
from ganlens.panels import FigurePanel, ImagePanel, Panel, TablePanel

PLOTLY = "plotly.min.js"  # written once beside the figures


def write_panels(folder: Path, panels: Sequence[Panel]) -> list[Path]:
    """Write panels into a folder, numbered in their order.

    Returns:
        The files of the panels, in order.
    """
    make_folder(folder)
    if any(isinstance(panel, FigurePanel) for panel in panels):
        write_bytes(folder / PLOTLY, get_plotlyjs().encode())
    return [_write(folder, f"{i:02d}-{_slug(p.title)}", p) for i, p in enumerate(panels, 1)]


def write_files(folder: Path, result: Any) -> list[Path]:
    """Write what a result offers as files of its own (``result.files()``), if it offers any."""
    files = result.files() if hasattr(result, "files") else {}
    for name, content in files.items():
        write_bytes(folder / name, content)
    return [folder / name for name in files]


def _write(folder: Path, stem: str, panel: Panel) -> Path:
    if isinstance(panel, ImagePanel):
        scale = max(1, int(panel.scale))
        picture = images.enlarge(panel.image, scale)
        return images.write_png(folder / f"{stem}.png", picture, _enlarged(panel.recipe, scale))
    if isinstance(panel, TablePanel):
        path, content = folder / f"{stem}.csv", _csv(panel)
    else:
        path, content = folder / f"{stem}.html", _html(panel)
    write_bytes(path, content.encode())
    return path


def _enlarged(recipe: dict[str, Any] | None, scale: int) -> dict[str, Any] | None:
    """Return the recipe of the enlarged picture, so that a replay gives the pixels of the file."""
    if recipe is None or "layout" not in recipe:
        return recipe
    layout = recipe["layout"]
    return recipe | {"layout": layout | {"enlargement": layout.get("enlargement", 1) * scale}}


def _csv(panel: TablePanel) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([panel.columns, *panel.rows])
    return text.getvalue()


def _html(panel: FigurePanel) -> str:
    figure = type(panel.figure)(panel.figure)
    figure.update_layout(title={"text": panel.title, "subtitle": {"text": panel.caption}})
    figure.update_layout(margin_t=90)
    return figure.to_html(include_plotlyjs="directory", full_html=True)


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "panel"
