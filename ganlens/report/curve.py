"""The training curve: ``metrics.jsonl`` of a run or a shipped checkpoint as panels."""

import math
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from ganlens.checkpoints import METRICS_FILE
from ganlens.files import read_json_lines
from ganlens.panels import PALETTE, FigurePanel, figure

# What is drawn together, and how to read it. A value is found under its own name or under one that
# ends with it ("val_fd"), so that a record may name what it was measured on.
GROUPS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    (
        "Distance from held-out images",
        ("fd",),
        "Fréchet distance",
        "How far generated images are, as a whole, from held-out real ones. Lower is better; it "
        "may rise again, so the best step is kept and not the last.",
    ),
    (
        "Quality and variety",
        ("precision", "recall", "density", "coverage"),
        "share",
        "Precision and density say how many generated images look real, recall and coverage how "
        "much of the real variety is generated. Higher is better.",
    ),
    (
        "Losses",
        ("d_loss", "g_loss"),
        "loss (nats)",
        "The discriminator's and the generator's loss. They measure a contest, not quality: "
        "neither has to fall for the pictures to improve.",
    ),
    (
        "How often the discriminator is right",
        ("d_real", "d_fake"),
        "share",
        "The share of real images it calls real and of generated ones it calls generated. Both "
        "pinned at 1 while the generator's gradient vanishes is a failed run.",
    ),
    (
        "How often the discriminator tells how far a real image was turned",
        ("d_turned",),
        "share",
        "The task without labels that holds its features of what is in the images. A guess is "
        "right in a quarter of the cases.",
    ),
)
JUDGED = ("fd", "precision")  # groups that depend on an extractor
NAMES = {
    "d_loss": "discriminator",
    "g_loss": "generator",
    "d_real": "on real",
    "d_fake": "on generated",
}


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


def curve_panels(records: list[dict[str, Any]], best_step: int | None = None) -> list[FigurePanel]:
    """Draw the groups that the records hold, over training steps.

    Args:
        records: as ``read_metrics`` returns them; numbers under "step" and under metric names.
        best_step: the step that the checkpoint holds, marked by a vertical line.
    """
    panels = []
    for title, keys, unit, caption in GROUPS:
        series = {key: points for key in keys if len((points := _points(records, key))[0]) > 1}
        if series:
            mark = " The dotted line marks this checkpoint." if best_step is not None else ""
            judged = _judged(records) if keys[0] in JUDGED else ""
            text = f"{caption}{judged}{mark}"
            panels.append(FigurePanel(title, text, _chart(series, unit, best_step)))
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
    for index, (key, (steps, values)) in enumerate(series.items()):
        few = len(steps) <= 80
        chart.add_scatter(
            x=steps,
            y=values,
            name=NAMES.get(key, key),
            mode="lines+markers" if few else "lines",
            line={"color": PALETTE[index], "dash": ("solid", "dash", "dot", "dashdot")[index]},
            marker={"symbol": marks[index], "size": 5},
        )
    if best_step is not None:
        chart.add_vline(
            x=best_step,
            line={"color": "#808a93", "width": 1.5, "dash": "dot"},
        )
    return chart
