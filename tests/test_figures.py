"""Figures in the house style: what is drawn is what was given, with its units and its levels."""

import numpy as np
import pytest

from ganlens.figures import DASHES, Line, bars, heatmap, lines
from ganlens.panels import PALETTE


def test_lines_take_the_next_colour_and_another_dash_when_colours_come_round() -> None:
    series = {f"line {i}": np.arange(3.0) + i for i in range(len(PALETTE) + 1)}
    drawn = lines("t", "c", [0, 1, 2], series, xaxis="time (s)", yaxis="share (%)").figure.data
    looks = [(one.line.color, one.line.dash) for one in drawn]
    assert len(set(looks)) == len(series)
    assert looks[0] == (PALETTE[0], DASHES[0])
    assert looks[-1] == (PALETTE[0], DASHES[1])
    assert [list(one.y) for one in drawn] == [list(values) for values in series.values()]


def test_axes_levels_and_error_bars_are_those_that_were_given() -> None:
    line = Line("a", [1.0, 2.0], error=(np.array([0.1, np.nan]), np.array([0.2, 0.3])), steps=True)
    panel = lines("t", "c", [5, 6], [line, Line("", [0, 0])], xaxis={"title": "N", "type": "log"},
                  yaxis="dB", levels={"baseline": 1.5})  # fmt: skip
    first, second = panel.figure.data
    assert list(first.error_y.arrayminus) == [0.1, 0.0]
    assert list(first.error_y.array) == [0.2, 0.3]
    assert first.line.shape == "hv"
    assert not second.showlegend
    assert panel.figure.layout.xaxis.type == "log"
    assert panel.figure.layout.yaxis.title.text == "dB"
    assert panel.figure.layout.shapes[0].y0 == 1.5
    assert panel.figure.layout.annotations[0].text == "baseline"


def test_bars_are_told_apart_without_colours_and_carry_points() -> None:
    dots = Line("dots", [3, 4], mode="markers")
    panel = bars("t", "c", ["a", "b"], {"x": [1, 2], "y": [2, None]}, yaxis="n", over=[dots])
    one, two, points = panel.figure.data
    assert one.marker.pattern.shape != two.marker.pattern.shape
    assert list(two.y) == [2, None]
    assert points.mode == "markers"
    assert list(points.x) == ["a", "b"]
    assert panel.figure.layout.showlegend


@pytest.mark.parametrize("unit", [None, "AUC"])
def test_a_heatmap_has_its_first_row_on_top_and_a_bar_where_it_has_a_unit(unit: str | None) -> None:
    panel = heatmap("t", "c", np.eye(2), x=["p", "q"], y=["r", "s"], span=(0, 1), unit=unit)
    (cells,) = panel.figure.data
    assert panel.figure.layout.yaxis.autorange == "reversed"
    assert (cells.zmin, cells.zmax) == (0, 1)
    assert cells.showscale is (unit is not None)


def test_values_without_places_are_refused() -> None:
    with pytest.raises(ValueError, match="line 'a' has 3 values at 2 places"):
        lines("t", "c", [0, 1], {"a": [1, 2, 3]}, xaxis="x", yaxis="y")


def test_bands_places_and_error_bars_stand_where_they_were_given() -> None:
    line = Line("a", np.array([1.0, 2.0]), band=np.array([0.5, 0.25]))
    drawn = lines("t", "c", [3, 4], [line], xaxis="x", yaxis="y", places={"here": 3.5}).figure
    band, curve = drawn.data
    assert list(band.x) == [3, 4, 4, 3]
    assert list(band.y) == [1.5, 2.25, 1.75, 0.5]
    assert (list(curve.y), band.showlegend, curve.showlegend) == ([1.0, 2.0], False, True)
    assert (drawn.layout.shapes[0].x0, drawn.layout.annotations[0].text) == (3.5, "here")
    panel = bars(
        "t",
        "c",
        ["p", "q"],
        {"a": [1, 2], "b": [3, 4]},
        yaxis="y",
        errors={"a": [0, 1], "b": [1, 2]},
    )
    assert [list(one.error_y.array) for one in panel.figure.data] == [[0, 1], [1, 2]]
