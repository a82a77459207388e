"""Figures in the house style: lines, points, bars and heat maps, each a captioned panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ganlens.panels import PALETTE, FigurePanel, figure

GREY = "#999999"  # of controls, where what they control is in colour
DASHES = ("solid", "dot", "dash", "dashdot")
PATTERNS = ("", "/", ".", "x", "-", "+")  # of bars: colour alone tells nothing
ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}  # clear of the curves


@dataclass(frozen=True)
class Line:
    """One line of a figure, or one kind of points where ``mode`` says so.

    Attributes:
        name: in the legend; empty: it is not listed there.
        y: (P,) values.
        x: (P,) places; None: those of the figure.
        colour: a CSS colour; None: the next of the palette.
        dash: one of DASHES.
        mode: "lines", "markers" or "lines+markers".
        symbol: of the markers, in plotly's words.
        width: of the line in pixels.
        opacity: 0 to 1.
        steps: hold each value up to the next place: a distribution function.
        error: (P,) half the length of an error bar, or (P,) below and (P,) above; None: none.
        text: (P,) what a pointer over each point shows; None: nothing.
        band: (P,) half the height of a shaded band around the line; None: none.
    """

    name: str
    y: Any
    x: Any = None
    colour: str | None = None
    dash: str = "solid"
    mode: str = "lines"
    symbol: str = "circle"
    width: float = 2
    opacity: float = 1
    steps: bool = False
    error: Any = None
    text: Sequence[str] | None = None
    band: Any = None


def lines(
    title: str,
    caption: str,
    x: Any,
    series: Sequence[Line] | Mapping[str, Any],
    *,
    xaxis: str | Mapping[str, Any],
    yaxis: str | Mapping[str, Any],
    levels: Mapping[str, float] | None = None,
    places: Mapping[str, float] | None = None,
    **layout: Any,
) -> FigurePanel:
    """Draw lines, or points, over common axes.

    Args:
        title: of the panel.
        caption: of the panel.
        x: (P,) places of every line that has none of its own; None if all have.
        series: the lines; a mapping of names to (P,) values gives each the next colour, and
            another dash where colours come round again.
        xaxis: its title, or plotly's settings of it.
        yaxis: likewise.
        levels: horizontal dashed lines, by name: a baseline, or where nothing is known.
        places: vertical dotted lines, by name.
        layout: more of plotly's layout.
    """
    if isinstance(series, Mapping):
        turns = [DASHES[i // len(PALETTE) % len(DASHES)] for i in range(len(series))]
        series = [Line(*one, dash=dash) for one, dash in zip(series.items(), turns, strict=True)]
    plot = _plot(
        xaxis, yaxis, {"legend": ABOVE, "margin": {"l": 50, "r": 20, "t": 50, "b": 45}} | layout
    )
    colours = iter(PALETTE * 4)
    for line in series:
        _add(plot, line, line.colour or next(colours), x)
    for name, value in (levels or {}).items():
        _add_level(plot, name, value)
    for name, value in (places or {}).items():
        plot.add_vline(
            value, line={"color": GREY, "dash": "dot", "width": 1},
            annotation_text=name, annotation_position="bottom right",
        )  # fmt: skip
    return FigurePanel(title, caption, plot)


def bars(
    title: str,
    caption: str,
    names: Sequence[str],
    series: Mapping[str, Any],
    *,
    yaxis: str | Mapping[str, Any],
    xaxis: str | Mapping[str, Any] = "",
    colours: Sequence[str] | None = None,
    text: Sequence[str] | None = None,
    levels: Mapping[str, float] | None = None,
    over: Sequence[Line] = (),
    errors: Mapping[str, Any] | None = None,
    **layout: Any,
) -> FigurePanel:
    """Draw bars side by side, one group to a name.

    Args:
        title: of the panel.
        caption: of the panel.
        names: of the G groups.
        series: (G,) heights by what they are; a single one is not listed in the legend.
        yaxis: its title, or plotly's settings of it.
        xaxis: likewise.
        colours: of the G bars, where there is a single series.
        text: written into the G bars, where there is a single series.
        levels: horizontal dashed lines, by name.
        over: lines or points drawn over the bars.
        errors: (G,) half the length of error bars, by series.
        layout: more of plotly's layout.
    """
    plot = _plot(xaxis, yaxis, {"showlegend": len(series) > 1, "legend": ABOVE} | layout)
    for i, (name, heights) in enumerate(series.items()):
        plot.add_bar(
            x=list(names), y=heights, name=name,
            marker={"color": colours or PALETTE[i % len(PALETTE)],
                    "pattern": {"shape": PATTERNS[i % len(PATTERNS)]}},
            error_y={"array": errors[name], "thickness": 1} if errors else None,
            text=text, textposition="inside" if text else None, insidetextanchor="start",
        )  # fmt: skip
    for name, value in (levels or {}).items():
        _add_level(plot, name, value)
    for line in over:
        _add(plot, line, line.colour or PALETTE[0], list(names))
    return FigurePanel(title, caption, plot)


def heatmap(
    title: str,
    caption: str,
    values: Any,
    *,
    x: Sequence[Any] | None = None,
    y: Sequence[Any] | None = None,
    xaxis: str | Mapping[str, Any] = "",
    yaxis: str | Mapping[str, Any] = "",
    span: tuple[float, float] | None = None,
    text: Any = None,
    unit: str | None = None,
    hover: str | None = None,
    colours: str = "Blues",
    **layout: Any,
) -> FigurePanel:
    """Draw a matrix as coloured cells, its first row on top.

    Args:
        title: of the panel.
        caption: of the panel.
        values: (R, C).
        x: (C,) names of the columns.
        y: (R,) names of the rows.
        xaxis: title of the columns, or plotly's settings of that axis.
        yaxis: likewise of the rows.
        span: the values of the lightest and of the darkest colour; None: the least and the most.
        text: (R, C) written into the cells; None: nothing.
        unit: title of the colour bar; None leaves the bar out.
        hover: plotly's template of what a pointer over a cell shows.
        colours: name of plotly's colour scale.
        layout: more of plotly's layout.
    """
    plot = _plot(xaxis, yaxis, layout)
    low, high = span or (None, None)
    plot.add_heatmap(
        z=values, x=x, y=y, zmin=low, zmax=high, colorscale=colours, text=text,
        texttemplate=None if text is None else "%{text}", hovertemplate=hover,
        showscale=unit is not None, colorbar={"title": unit},
    )  # fmt: skip
    plot.update_yaxes(autorange="reversed", showgrid=False)
    plot.update_xaxes(showgrid=False)
    return FigurePanel(title, caption, plot)


def _plot(xaxis: Any, yaxis: Any, layout: Mapping[str, Any]) -> go.Figure:
    axes = {"xaxis": xaxis, "yaxis": yaxis}
    named = {k: {"title": v} if isinstance(v, str) else dict(v) for k, v in axes.items()}
    return figure(**named, **layout)


def _add(plot: go.Figure, line: Line, colour: str, x: Any) -> None:
    places = x if line.x is None else line.x
    if len(places) != len(line.y):
        raise ValueError(f"line {line.name!r} has {len(line.y)} values at {len(places)} places")
    error: dict[str, Any] | None = None
    if line.error is not None:
        below, above = line.error if isinstance(line.error, tuple) else (line.error,) * 2
        error = {"type": "data", "array": np.nan_to_num(above),
                 "arrayminus": np.nan_to_num(below), "thickness": 1}  # fmt: skip
    if line.band is not None:
        x, y, half = (np.asarray(one) for one in (places, line.y, line.band))
        plot.add_scatter(
            x=np.concatenate([x, x[::-1]]), y=np.concatenate([y + half, (y - half)[::-1]]),
            mode="lines", line={"width": 0}, fill="toself", fillcolor=colour, opacity=0.15,
            showlegend=False, hoverinfo="skip",
        )  # fmt: skip
    plot.add_scatter(
        x=places, y=line.y, mode=line.mode, name=line.name,
        showlegend=bool(line.name), opacity=line.opacity, error_y=error, text=line.text,
        hoverinfo=None if line.name or line.text else "skip",
        line={"color": colour, "dash": line.dash, "width": line.width,
              "shape": "hv" if line.steps else "linear"},
        marker={"color": colour, "symbol": line.symbol, "size": 6},
    )  # fmt: skip


def _add_level(plot: go.Figure, name: str, value: float) -> None:
    plot.add_hline(
        value, line={"color": PALETTE[3], "dash": "dash", "width": 1}, annotation_text=name,
        annotation_position="top left", annotation_bgcolor="white",
        annotation_font_color="#333333",  # on that ground, in a dark theme too
    )  # fmt: skip
