"""Checks of the plain values that edits are made of; recipes come from anywhere."""

import math
from collections.abc import Sequence
from typing import Any

from ganlens.errors import GanlensError


def at_column(amounts: tuple[float, ...], column: int) -> float:
    """Return the amount for one column of a picture; a single amount serves all."""
    return amounts[column % len(amounts)]


def numbers(values: Any, what: str) -> tuple[float, ...]:
    """Return finite floats, at least one, or raise a GanlensError."""
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise GanlensError(f"{what} must be a list of at least one number")
    return tuple(finite(value, what) for value in values)


def finite(value: Any, what: str) -> float:
    """Return a finite float, or raise a GanlensError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise GanlensError(f"{what} holds {value!r}: only finite numbers are allowed")
    return float(value)


def text(value: Any, what: str) -> None:
    """Raise a GanlensError unless a value is text."""
    if not isinstance(value, str):
        raise GanlensError(f"{what} {value!r} must be text")


def channel_indices(values: Sequence[Any]) -> tuple[int, ...]:
    """Return indices of feature maps, whole numbers from 0, or raise a GanlensError."""
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise GanlensError(f"channel {value!r} must be a whole number from 0")
    return tuple(values)
