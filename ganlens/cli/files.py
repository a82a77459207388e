"""Panels as files: PNG with its recipe, HTML that opens offline, CSV."""

from collections.abc import Sequence
from pathlib import Path

from plotly.offline import get_plotlyjs

from ganlens import images
from ganlens.files import write_bytes
from ganlens.panels import FigurePanel, ImagePanel, Panel, TablePanel, csv_text, file_stem
from ganlens.replay import enlarged

PLOTLY = "plotly.min.js"  # written once beside the figures


def write_panels(folder: Path, panels: Sequence[Panel]) -> list[Path]:
    """Write panels into a folder, numbered in their order.

    Returns:
        The files of the panels, in order.
    """
    if any(isinstance(panel, FigurePanel) for panel in panels):
        write_bytes(folder / PLOTLY, get_plotlyjs().encode())
    return [_write(folder, f"{i:02d}-{file_stem(p.title)}", p) for i, p in enumerate(panels, 1)]


def _write(folder: Path, stem: str, panel: Panel) -> Path:
    if isinstance(panel, ImagePanel):
        scale = max(1, int(panel.scale))
        picture = images.enlarge(panel.image, scale)
        return images.write_png(folder / f"{stem}.png", picture, enlarged(panel.recipe, scale))
    if isinstance(panel, TablePanel):
        path, content = folder / f"{stem}.csv", csv_text(panel)
    else:
        path, content = folder / f"{stem}.html", _html(panel)
    write_bytes(path, content.encode())
    return path


def _html(panel: FigurePanel) -> str:
    figure = type(panel.figure)(panel.figure)
    figure.update_layout(title={"text": panel.title, "subtitle": {"text": panel.caption}})
    figure.update_layout(margin_t=90)
    return figure.to_html(include_plotlyjs="directory", full_html=True)
