"""Rows of the picture that each row of a generator's layer reaches, step by step."""

import math
from dataclasses import dataclass

from ganlens.activations.geometry import after, is_constant, maps_of, rule_of
from ganlens.activations.rules import (
    Everything,
    Resampled,
    Reshaped,
    Rule,
    Same,
    Shape,
    Stamp,
    Unknown,
    Window,
)
from ganlens.activations.trace import Step, Trace
from ganlens.errors import GanlensError

Interval = tuple[int, int]  # first row and last row
NOTHING: Interval = (0, -1)


@dataclass(frozen=True)
class _Reached:
    """Rows of one step that each row of the layer reaches, and the maps that these are rows of."""

    rows: tuple[Interval, ...]
    maps: Shape


def rows_drawn(passed: Trace, start: int) -> tuple[Shape, tuple[Interval, ...]]:
    """Return (C, h, w) of a layer's maps, and the picture's rows that each of its rows reaches.

    Args:
        passed: a forward pass of the generator.
        start: number of the layer's step.

    Raises:
        GanlensError: a step on the way for which the rule is not known, or the picture does not
            depend on the layer.
    """
    shape = _folded(passed, start)
    reached = {start: _Reached(tuple((i, i) for i in range(shape[1])), shape)}
    unknown: dict[int, GanlensError] = {}
    for number, step in enumerate(passed.steps[start + 1 :], start + 1):
        if failed := next((unknown[one] for one in step.inputs if one in unknown), None):
            unknown[number] = failed
            continue
        try:
            if found := _step(step, [reached[one] for one in step.inputs if one in reached]):
                reached[number] = found
        except GanlensError as error:
            unknown[number] = error
    end = passed.output
    if end in unknown:
        raise unknown[end]
    if end is None or end not in reached:
        name = passed.steps[start].layer
        raise GanlensError(f"the picture does not depend on layer {name!r}: choose another one")
    if shape[1:] == (1, 1) and len(passed.steps[start].shape) < 3:
        return shape, ((0, passed.steps[end].shape[-1] - 1),)
    return shape, reached[end].rows


def _folded(passed: Trace, start: int) -> Shape:
    """Return the maps of a layer; of a vector those that it is folded into further on."""
    step = passed.steps[start]
    if (maps := maps_of(step.shape)) is None:
        raise GanlensError(
            f"layer {step.layer!r} puts out no maps but {('N', *step.shape[1:])}: choose another"
        )
    at, seen = [start] if len(step.shape) == 2 else [], set[int]()
    while at:
        number = at.pop()
        for reader in passed.readers(number):
            one = passed.steps[reader]
            if len(one.shape) == 4 and math.prod(one.shape) == math.prod(step.shape):
                return maps_of(one.shape) or maps
            if one.shape == step.shape and reader not in seen:
                rule = rule_of(one, maps)
                if isinstance(rule, Same | Reshaped):
                    seen.add(reader)
                    at.append(reader)
    return maps


def _step(step: Step, inputs: list[_Reached]) -> _Reached | None:
    found: _Reached | None = None
    for one in inputs:
        if is_constant(step):
            continue
        rule, maps, spread = after(rule_of(step, one.maps), one.maps, step.shape)
        if isinstance(rule, Unknown):
            raise GanlensError(
                rule.reason
                if "not square" in rule.reason
                else f"what a layer draws through {step.layer!r} ({step.kind}) is not known: choose"
                " a layer after it"
            )
        rows = tuple(_onward(rule, each, one.maps[1], maps[1], spread) for each in one.rows)
        if found is not None:
            rows = tuple(_hull(a, b) for a, b in zip(found.rows, rows, strict=True))
        found = _Reached(rows, maps)
    return found


def _onward(rule: Rule, rows: Interval, count: int, out: int, spread: bool) -> Interval:
    low, high = rows
    if rows == NOTHING:
        return rows
    if spread or isinstance(rule, Everything):
        return 0, out - 1
    if isinstance(rule, Stamp):
        end = high * rule.stride - rule.padding + (rule.kernel - 1) * rule.dilation
        return low * rule.stride - rule.padding, end
    if isinstance(rule, Window):
        first = low + rule.padding - (rule.kernel - 1) * rule.dilation
        found = math.ceil(first / rule.stride), (high + rule.padding) // rule.stride
        return found if found[0] <= found[1] else NOTHING
    if isinstance(rule, Resampled):
        if rule.nearest:
            return math.ceil(low * out / count), math.ceil((high + 1) * out / count) - 1
        hit = [i for i, one in enumerate(rule.rows) if one and one[0] <= high and one[1] > low]
        return (hit[0], hit[-1]) if hit else NOTHING
    return rows


def _hull(a: Interval, b: Interval) -> Interval:
    if NOTHING in (a, b):
        return b if a == NOTHING else a
    return min(a[0], b[0]), max(a[1], b[1])
