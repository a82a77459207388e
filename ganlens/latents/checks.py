"""What every description of latents checks: seeds, how many pictures there are, frozen fields."""

from collections.abc import Sequence
from typing import Any

from ganlens.errors import GanlensError
from ganlens.limits import MAX_SEED
from ganlens.models.prior import check_seed

MAX_ROWS = 10_000  # pictures on one sheet; a recipe from elsewhere must not fill the memory

__all__ = [
    "MAX_ROWS",
    "MAX_SEED",
    "check_at_least",
    "check_count",
    "check_seed",
    "check_seeds",
    "put",
]


def put(instance: object, name: str, value: Any) -> None:
    """Set a field of a frozen dataclass: how ``__post_init__`` normalises what it was given."""
    object.__setattr__(instance, name, value)


def check_seeds(values: Sequence[Any]) -> tuple[int, ...]:
    """Return seeds as a tuple of int, each checked."""
    return tuple(check_seed(value) for value in values)


def check_count(count: int) -> None:
    """Raise a GanlensError if a sheet cannot hold so many pictures: 1 to ``MAX_ROWS``."""
    if not 1 <= count <= MAX_ROWS:
        raise GanlensError(f"a picture of {count} samples cannot be drawn: give 1 to {MAX_ROWS:,}")


def check_at_least(value: Any, low: int, what: str) -> None:
    """Raise a GanlensError if a setting is no whole number of at least ``low``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise GanlensError(f"{what} {value!r} must be a whole number of at least {low}")
