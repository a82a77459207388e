"""Limits of settings: every kind of value is refused or taken, in words that say what is valid."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from ganlens.errors import GanlensError
from ganlens.limits import MAX_SEED, Amount, Count, Decay, Limits, Seed, check_limits, limits_of


@dataclass(frozen=True)
class Settings:
    """One field of every kind."""

    n: Count = 1
    seed: Seed = 0
    share: Annotated[float, Limits(above=0, high=0.5)] = 0.1
    frames: Annotated[int, Limits(low=2, or_zero=True)] = 0
    beta: Decay = 0.9
    weight: Amount | None = None
    grid: Annotated[tuple[float, ...], Limits(0.1, 10, length=(1, 3))] = (1.0,)
    kind: Literal["a", "b"] = "a"
    kinds: tuple[Literal["a", "b"], ...] = ()
    flag: bool = False
    text: str | None = None
    either: int | str = 1


@pytest.mark.parametrize(
    "values",
    [
        {"n": np.int64(3)},
        {"seed": MAX_SEED},
        {"share": 0.5},
        {"frames": 2},
        {"beta": 0},
        {"weight": None},
        {"weight": 0},
        {"grid": [0.1, 10]},
        {"kinds": ("a", "b", "a")},
        {"text": "anything"},
        {"either": "x"},
    ],
)
def test_what_fits_passes(values: dict[str, Any]) -> None:
    check_limits(Settings(**values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": 0}, "n 0 is too small: give at least 1"),
        ({"n": 1.0}, "n 1.0 must be a whole number"),
        ({"n": True}, "n True must be a whole number"),
        ({"n": "3"}, "n '3' must be a whole number"),
        ({"seed": -1}, "seed -1 is out of range: give 0 to 9,223,372,036,854,775,807"),
        ({"share": 0}, "share 0 is out of range: give a number above 0 and at most 0.5"),
        ({"share": float("nan")}, "share nan is out of range: give a number above 0"),
        ({"frames": 1}, "frames 1 is too small: give at least 2, or 0"),
        ({"beta": 1}, "beta 1 is out of range: give at least 0 and below 1"),
        ({"weight": float("inf")}, "weight inf is out of range: give at least 0"),
        ({"grid": ()}, "grid has 0 values: give at least 1"),
        ({"grid": (1, 1, 1, 1)}, "grid has 4 values: give at most 3"),
        ({"grid": (1.0, 11.0)}, "grid 11.0 is out of range: give 0.1 to 10"),
        ({"grid": 1.0}, "grid 1.0 must be several values: give a tuple"),
        ({"kind": "c"}, "kind 'c' is not known: choose from a, b"),
        ({"kinds": ("a", "c")}, "kinds 'c' is not known: choose from a, b"),
        ({"flag": 1}, "flag 1 must be yes or no"),
        ({"text": 3}, "text 3 must be text"),
    ],
)
def test_what_does_not_fit_is_one_line_that_says_what_would(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(GanlensError) as caught:
        check_limits(Settings(**values))
    assert str(caught.value).startswith(message)


def test_a_widget_can_ask_for_the_limits_of_a_setting() -> None:
    assert limits_of(Settings, "n").low == 1
    assert limits_of(Settings, "weight") == Limits(low=0)
    assert limits_of(Settings, "kind") == Limits()
