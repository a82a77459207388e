"""A result states each number once: summary, table and reasons derive from there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from ganlens.panels import Panel
from ganlens.probes.result import Number, Result, arrays


@dataclass(frozen=True)
class Measured(Result):
    """Some numbers of every kind."""

    values: np.ndarray

    def numbers(self) -> Sequence[Number]:
        return (
            Number("mean", self.values.mean(), "mean"),
            Number("share", np.float32(0.25), "share above 1", "%"),
            Number("each", {"a": 0.5, "b": np.nan}, "  of {}", "%"),
            Number("none", None, "undefined", reason="there was nothing to measure"),
            Number("hidden", self.values),
            *Number.each({"x": 1, "y": None}, {"y": "left out", "x": "is not said"}),
        )


def panels(result: Measured) -> list[Panel]:
    return [result.table("t", "c", [("more", 1)])]


def found() -> Measured:
    return Measured(np.array([1.0, 2.0]), about={"n": 2}, draw=panels)


def test_the_summary_is_strict_json_with_a_reason_for_all_that_is_undefined() -> None:
    summary = json.loads(json.dumps(found().summary(), allow_nan=False))
    assert summary == {
        "n": 2,
        "mean": 1.5,
        "share": 0.25,
        "each": {"a": 0.5, "b": None},
        "none": None,
        "hidden": [1.0, 2.0],
        "x": 1,
        "y": None,
        "reasons": {
            "each.b": "not defined for this input",
            "none": "there was nothing to measure",
            "y": "left out",
        },
    }
    assert found()["mean"] == 1.5


def test_the_table_has_the_numbers_with_a_label_in_their_units() -> None:
    (table,) = found().panels()
    assert table.columns == ("quantity", "value")  # type: ignore[union-attr]
    assert table.rows == [  # type: ignore[union-attr]
        ("mean", 1.5),
        ("share above 1 (%)", 25.0),
        ("  of a (%)", 50.0),
        ("  of b (%)", None),
        ("undefined", None),
        ("more", 1),
    ]


def test_its_arrays_are_those_of_its_fields_and_it_draws_nothing_by_itself() -> None:
    assert list(arrays(found())) == ["values"]
    assert Measured(np.ones(1), about={}).panels() == []


def test_a_number_that_another_would_hide_is_refused() -> None:
    doubled = Measured(np.array([1.0]), about={"mean": 1})
    with pytest.raises(ValueError, match="Measured states 'mean' twice"):
        doubled.summary()
