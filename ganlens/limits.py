"""Limits of settings: said in the annotations of a dataclass's fields, checked in one place.

As scikit-learn's ``_parameter_constraints``: a limit stands beside the setting that it is for, and
commands, widgets and recipes are all refused by the same check, in the same words.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from numbers import Integral, Real
from pathlib import Path, PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ganlens.errors import GanlensError, one_of

MAX_SEED = 2**63 - 1  # torch's generators take no more
KINDS: dict[Any, tuple[Any, str]] = {
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    bool: (bool, "yes or no"),
    str: (str, "text"),
}


@dataclass(frozen=True)
class Limits:
    """What a number may be; of a tuple, each of its numbers.

    Attributes:
        low: the smallest; None: any.
        high: the largest; None: any.
        above: a number that it must exceed.
        below: a number that it must stay under.
        or_zero: 0 is allowed too, and leaves something out.
        length: the fewest and the most values of a tuple; None: any number.
    """

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    or_zero: bool = False
    length: tuple[int, int | None] | None = None

    def allow(self, value: float) -> bool:
        """Tell whether a number is within the limits; one that is not finite never is."""
        if self.or_zero and value == 0:
            return True
        return (
            math.isfinite(value)
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        """Return the limits in words: "at least 2, or 0"."""
        low = f"at least {self.low:,}" if self.low is not None else ""
        low = f"a number above {self.above:,}" if self.above is not None else low
        high = f"at most {self.high:,}" if self.high is not None else ""
        high = f"below {self.below:,}" if self.below is not None else high
        both = " and ".join(filter(None, (low, high))) or "a finite number"
        if self.low is not None and self.high is not None:
            both = f"{self.low:,} to {self.high:,}"
        return f"{both}, or 0" if self.or_zero else both


ANY = Limits()
Count = Annotated[int, Limits(low=1)]
Seed = Annotated[int, Limits(low=0, high=MAX_SEED)]
Share = Annotated[float, Limits(low=0, high=1)]
Amount = Annotated[float, Limits(low=0)]
Decay = Annotated[float, Limits(low=0, below=1)]


def check_limits(settings: Any) -> None:
    """Check every field of a dataclass against its annotation.

    Settings come from JSON and widgets too: a list becomes a tuple, and text a Path, where the
    annotation says so. Checked are types (int, float, bool, str, Path and tuples of them), the
    choices of a Literal, the ``Limits`` of an Annotated number, and that numbers are finite; None
    passes where it is allowed.

    Args:
        settings: an instance of a dataclass.

    Raises:
        GanlensError: the first value that does not fit, with those that would.
    """
    kind: Any = type(settings)
    for name, hint in _hints(kind).items():
        value = _as_declared(getattr(settings, name), hint)
        object.__setattr__(settings, name, value)  # the dataclass may be frozen
        _check(name, value, hint)


def limits_of(cls: Any, name: str) -> Limits:
    """Return the limits of a field, for a widget or a help text; those of any number if none."""
    return _unwrapped(_hints(cls)[name])[1]


@cache
def _hints(cls: Any) -> Mapping[str, Any]:
    known = get_type_hints(cls, include_extras=True)
    return {one.name: known[one.name] for one in fields(cls)}


def _unwrapped(hint: Any, limits: Limits = ANY) -> tuple[tuple[Any, ...], Limits]:
    """Return the alternatives of a type without Annotated, and the limits that it gives."""
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        return _unwrapped(inner, next((n for n in notes if isinstance(n, Limits)), limits))
    if get_origin(hint) not in (Union, UnionType):
        return (hint,), limits
    found: tuple[Any, ...] = ()
    for one in get_args(hint):
        alternatives, limits = _unwrapped(one, limits)
        found += alternatives
    return found, limits


def _as_declared(value: Any, hint: Any) -> Any:
    kinds, _ = _unwrapped(hint)
    if isinstance(value, str) and Path in kinds and str not in kinds:
        return Path(value)
    inner = [get_args(kind) for kind in kinds if get_origin(kind) is tuple]
    if isinstance(value, list | tuple | range) and inner:
        return tuple(_as_declared(one, inner[0][0]) for one in value)
    return value


def _check(name: str, value: Any, hint: Any, limits: Limits = ANY) -> None:
    kinds, limits = _unwrapped(hint, limits)
    if value is None and NoneType in kinds:
        return
    kinds = tuple(kind for kind in kinds if kind is not NoneType)
    if len(kinds) != 1:  # several kinds of value: what they may be is the probe's own matter
        return
    (kind,) = kinds
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise one_of(name, value, get_args(kind))
    elif get_origin(kind) is tuple:
        _check_tuple(name, value, get_args(kind), limits)
    elif kind in KINDS:
        _check_plain(name, value, kind, limits)
    elif kind is Path and not isinstance(value, PurePath):
        raise GanlensError(f"{name} {value!r} must be a path")


def _check_tuple(name: str, values: Any, kinds: tuple[Any, ...], limits: Limits) -> None:
    if not isinstance(values, tuple):
        raise GanlensError(f"{name} {values!r} must be several values: give a tuple")
    fewest, most = limits.length or (0, None)
    if len(values) < fewest:
        raise GanlensError(f"{name} has {len(values)} values: give at least {fewest}")
    if most is not None and len(values) > most:
        raise GanlensError(f"{name} has {len(values)} values: give at most {most}")
    for value in values:
        _check(name, value, kinds[0], limits)


def _check_plain(name: str, value: Any, kind: Any, limits: Limits) -> None:
    base, word = KINDS[kind]
    if not isinstance(value, base) or (kind is not bool and isinstance(value, bool)):
        raise GanlensError(f"{name} {value!r} must be {word}")
    if kind in (int, float) and not limits.allow(value):
        tight = limits.low is not None and limits.high is None and value < limits.low
        why = "is too small" if tight else "is out of range"
        raise GanlensError(f"{name} {value} {why}: give {limits}")
