"""Panels as files: PNG and WebP with their recipe, HTML that opens offline, CSV."""

from collections.abc import Sequence
from pathlib import Path

from plotly.offline import get_plotlyjs

from ganlens import images
from ganlens.files import write_bytes
from ganlens.panels import (
    AnimationPanel,
    FigurePanel,
    ImagePanel,
    Panel,
    TablePanel,
    csv_text,
    enlarged,
    file_stem,
)
from ganlens.probes.result import Result
from ganlens.report.draw import prose, text

PLOTLY = "plotly.min.js"  # written once beside the figures
STYLE = (
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; "
    "padding: 0 1rem } h1 { font-size: 1.3rem } p { max-width: 42rem; color: #59626d }"
)


def write_panels(folder: Path, panels: Sequence[Panel]) -> list[Path]:
    """Write panels into a folder, numbered in their order.

    Returns:
        The files of the panels, in order.
    """
    if any(isinstance(panel, FigurePanel) for panel in panels):
        write_bytes(folder / PLOTLY, get_plotlyjs().encode())
    return [_write(folder, f"{i:02d}-{file_stem(p.title)}", p) for i, p in enumerate(panels, 1)]


def write_files(folder: Path, result: Result) -> list[Path]:
    """Write what a result offers as files of its own (``result.files()``), if it offers any."""
    files = result.files() if hasattr(result, "files") else {}
    for name, content in files.items():
        write_bytes(folder / name, content)
    return [folder / name for name in files]


def _write(folder: Path, stem: str, panel: Panel) -> Path:
    if isinstance(panel, ImagePanel):
        scale = max(1, int(panel.scale))
        picture = images.enlarge(panel.image, scale)
        return images.write_png(folder / f"{stem}.png", picture, enlarged(panel.recipe, scale))
    if isinstance(panel, AnimationPanel):
        scale = max(1, int(panel.scale))
        return images.write_animation(
            folder / f"{stem}.webp",
            panel.frames,
            milliseconds=panel.milliseconds,
            enlargement=scale,
            recipe=enlarged(panel.recipe, scale),
        )
    if isinstance(panel, TablePanel):
        path, content = folder / f"{stem}.csv", csv_text(panel)
    else:
        path, content = folder / f"{stem}.html", _html(panel)
    write_bytes(path, content.encode())
    return path


def _html(panel: FigurePanel) -> str:
    chart = panel.figure.to_html(include_plotlyjs="directory", full_html=False)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{text(panel.title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{text(panel.title)}</h1>{chart}<p>{prose(panel.caption)}</p></body></html>"
    )
