"""The training curve: ``metrics.jsonl`` of a run or a shipped checkpoint as panels."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from ganlens.checkpoints import METRICS_FILE, MODEL_FILE, read_model_file
from ganlens.errors import GanlensError
from ganlens.files import read_json_lines
from ganlens.models import MODELS
from ganlens.models.family import Curve
from ganlens.panels import PALETTE, FigurePanel, figure
from ganlens.plain import loads
from ganlens.runs.folder import SETTINGS_FILE

# Scores of samples, whatever the family. A value is found under its own name or under one that ends
# with it ("val_fd"), so that a record may name what it was measured on.
SCORES: tuple[Curve, ...] = (
    Curve(
        "Distance from held-out images",
        {"fd": "fd"},
        "Fréchet distance",
        "How far generated images are, as a whole, from held-out real ones. Lower is better; it "
        "may rise again, so the best step is kept and not the last.",
    ),
    Curve(
        "Quality and variety",
        {name: name for name in ("precision", "recall", "density", "coverage")},
        "share",
        "Precision and density say how many generated images look real, recall and coverage how "
        "much of the real variety is generated. Higher is better.",
    ),
)
# What records hold besides the numbers of a family's phases.
BESIDE = {
    "step", "epoch", "seconds", "images_per_second", "n", "k", "k_density", "first_seed",
    *(name for curve in SCORES for name in curve.numbers),
}  # fmt: skip


def read_metrics(folder: str | Path | None) -> list[dict[str, Any]]:
    """Return the records of a training curve in order; empty where there is none.

    The curve of a run's best checkpoint lies in the folder or in the run's own, one above.
    A line that is not a JSON object (a run that is being written, or was cut off) is passed over.
    """
    if folder is None:
        return []
    places = [Path(folder) / METRICS_FILE]
    if Path(folder).name in ("best", "last"):
        places.append(Path(folder).parent / METRICS_FILE)
    path = next((place for place in places if place.is_file()), places[0])
    return read_json_lines(path)


def family_of(folder: str | Path) -> str | None:
    """Return the family of a run's folder, or of a checkpoint's; None where neither says it."""
    for place in (Path(folder), Path(folder).parent):
        try:
            if (place / MODEL_FILE).is_file():
                return read_model_file(place / MODEL_FILE, tensors=False)[0].family
            if (place / SETTINGS_FILE).is_file():
                return str(loads((place / SETTINGS_FILE).read_bytes())["family"])
        except (GanlensError, ValueError, LookupError, TypeError):
            return None  # damaged: whoever opens it hears of it
    return None


def curve_panels(
    records: list[dict[str, Any]], best_step: int | None = None, *, family: str | None = None
) -> list[FigurePanel]:
    """Draw the scores and the family's numbers that the records hold, over training steps.

    Args:
        records: as ``read_metrics`` returns them; numbers under "step" and under metric names.
        best_step: the step that the checkpoint holds, marked by a vertical line.
        family: knows how its numbers are drawn; of one that does not, each is drawn by its name.
    """
    own: Sequence[Curve] = getattr(MODELS.get(family or ""), "curves", ())
    judged = _judged(records)
    return [
        *_panels(records, SCORES, best_step, judged),
        *_panels(records, own or _by_name(records), best_step),
    ]


def _by_name(records: list[dict[str, Any]]) -> list[Curve]:
    """Return a chart for each number, in the order in which the records name them."""
    names = dict.fromkeys(name for record in records for name in record if name not in BESIDE)
    return [
        Curve(name, {name: name}, name, f"`{name}`, as the run wrote it: its family says no more.")
        for name in names
        if not any(name.endswith(f"_{score}") for score in BESIDE)
    ]


def _panels(
    records: list[dict[str, Any]], curves: Sequence[Curve], best_step: int | None, judged: str = ""
) -> list[FigurePanel]:
    panels = []
    mark = " The dotted line marks this checkpoint." if best_step is not None else ""
    for curve in curves:
        found = {name: _points(records, key) for key, name in curve.numbers.items()}
        series = {name: points for name, points in found.items() if len(points[0]) > 1}
        if series:
            text = f"{curve.caption}{judged}{mark}"
            panels.append(FigurePanel(curve.title, text, _chart(series, curve.unit, best_step)))
    return panels


def _judged(records: list[dict[str, Any]]) -> str:
    """Say what the scores of a run were made with, as far as its records do."""
    last: dict[str, Any] = next((r for r in reversed(records) if "extractor" in r), {})
    if not last:
        return ""
    digest = str(last.get("extractor_hash") or "")[:8]
    network = f"{last['extractor']} {digest}".strip()
    return (
        f" Measured in features of {network}, N = {last.get('n', 0):,} on either side (k ="
        f" {last.get('k')} for precision and recall, {last.get('k_density')} for density and"
        " coverage): not comparable with numbers in other features."
    )


def _points(records: list[dict[str, Any]], key: str) -> tuple[list[float], list[float]]:
    pairs = [(_number(r.get("step")), _find(r, key)) for r in records]
    kept = [(x, y) for x, y in pairs if x is not None and y is not None]
    return [x for x, _ in kept], [y for _, y in kept]


def _find(record: dict[str, Any], key: str) -> float | None:
    if key in record:
        return _number(record[key])
    named = [name for name in record if name.endswith(f"_{key}") or name.startswith(f"{key}_")]
    return _number(record[named[0]]) if named else None


def _number(value: Any) -> float | None:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if real and math.isfinite(value) else None


def _chart(
    series: dict[str, tuple[list[float], list[float]]], unit: str, best_step: int | None
) -> go.Figure:
    chart = figure(
        xaxis_title="training step",
        yaxis_title=unit,
        yaxis_rangemode="tozero",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        showlegend=len(series) > 1,
        height=300,
        margin={"l": 50, "r": 20, "t": 34 if len(series) > 1 else 12, "b": 45},
    )
    marks = ("circle", "diamond", "square", "cross")
    dashes = ("solid", "dash", "dot", "dashdot")
    for index, (name, (steps, values)) in enumerate(series.items()):
        few = len(steps) <= 80
        chart.add_scatter(
            x=steps,
            y=values,
            name=name,
            mode="lines+markers" if few else "lines",
            line={"color": PALETTE[index % len(PALETTE)], "dash": dashes[index % len(dashes)]},
            marker={"symbol": marks[index % len(marks)], "size": 5},
        )
    if best_step is not None:
        chart.add_vline(
            x=best_step,
            line={"color": "#808a93", "width": 1.5, "dash": "dot"},
        )
    return chart
