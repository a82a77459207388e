"""Receptive fields: which pixels one position of a layer can see, computed by the formula."""

from dataclasses import dataclass

from torch import Tensor, nn

from ganlens.activations.geometry import after, is_constant, maps_of, rule_of
from ganlens.activations.names import find_layer
from ganlens.activations.rules import (
    Everything,
    Resampled,
    Rows,
    Rule,
    Shape,
    Stamp,
    Unknown,
    Window,
)
from ganlens.activations.trace import Step, Trace
from ganlens.activations.tracing import trace
from ganlens.errors import GanlensError


@dataclass(frozen=True)
class ReceptiveField:
    """The square of input pixels that one position of a layer can see.

    Position i of the layer sees input rows ``start + i * stride`` up to but without
    ``start + i * stride + size``, as far as they lie inside the image; columns alike.

    Attributes:
        size: side of the square in pixels, the largest where they differ, or None where a position
            sees the whole input.
        stride: pixels from one position's square to the next one's, on average where they differ.
        start: first row of position 0's square, negative where it reaches into the padding.
        rows: (first row, row after the last one) of each position where ``start`` and ``stride`` do
            not tell, as after enlarging; None where they do, and in it where nothing is seen.
    """

    size: int | None
    stride: int = 1
    start: int = 0
    rows: Rows | None = None

    def rows_of(self, count: int, side: int) -> Rows:
        """Return (first row, row after the last one) of each of so many positions."""
        if self.rows is not None:
            return self.rows
        if self.size is None:
            return ((0, side),) * count
        first = [self.start + i * self.stride for i in range(count)]
        return tuple((one, one + self.size) for one in first)


WHOLE = ReceptiveField(None)


@dataclass(frozen=True)
class Seen:
    """What one step of a forward pass sees of the input.

    Attributes:
        field: of its positions; None where it does not depend on the input.
        maps: (C, h, w) of the maps whose positions these are.
        unknown: why it is not known, or empty.
    """

    field: ReceptiveField | None
    maps: Shape
    unknown: str = ""


def receptive_field(module: nn.Module, layer: str, example: Tensor | None = None) -> ReceptiveField:
    """Compute a layer's receptive field: through a convolution r += (k - 1) j, then j *= s.

    A forward pass is followed, so that shared layers, functions, shortcuts and layers in any order
    are what they are; where two ways meet, the field is the square around both.

    Args:
        module: a network from images.
        layer: a leaf's name, a group's, or that of a function, as ``layer_names`` gives it.
        example: (n, C, H, W) images that it takes; by default such as ``examples_of`` finds.

    Raises:
        GanlensError: unknown layer, a network that cannot be run, or a function on the way for
            which the rule is not known (attention ...).
    """
    find_layer(module, layer)
    passed = trace(module, *(() if example is None else (example,)))
    return field_of(fields_of(passed), passed, layer)


def field_of(seen: list[Seen], passed: Trace, layer: str) -> ReceptiveField:
    """Return the field of a layer out of those of all steps.

    Raises:
        GanlensError: it is not known.
    """
    found = seen[passed.step_of(layer)]
    if found.unknown or found.field is None:
        raise GanlensError(found.unknown or f"layer {layer!r} sees nothing of the image")
    return found.field


def fields_of(passed: Trace) -> list[Seen]:
    """Return what each step of a forward pass sees of its first input."""
    side = passed.steps[0].shape[-1] if len(passed.steps[0].shape) == 4 else 1
    seen: list[Seen] = []
    for number, step in enumerate(passed.steps):
        if step.function == "input":
            maps = maps_of(step.shape) or (1, 1, 1)
            seen.append(Seen(ReceptiveField(1) if number == 0 else None, maps))
        else:
            seen.append(_step(step, [seen[one] for one in step.inputs], side))
    return seen


def _step(step: Step, inputs: list[Seen], side: int) -> Seen:
    if reason := next((one.unknown for one in inputs if one.unknown), ""):
        return Seen(None, (1, 1, 1), reason)
    maps = maps_of(step.shape) or (1, 1, 1)
    found: ReceptiveField | None = None
    for one in inputs:
        if one.field is None or is_constant(step):
            continue
        rule, maps, spread = after(rule_of(step, one.maps), one.maps, step.shape)
        if isinstance(rule, Unknown):
            return Seen(None, (1, 1, 1), _not_known(step, rule))
        field = _through(rule, one.field, one.maps[1], maps[1], side)
        if spread:
            field = _as_field(field.rows_of(1, side) * maps[1], side)
        found = field if found is None else _both(found, field, maps[1], side)
    return Seen(found, maps)


def _not_known(step: Step, rule: Unknown) -> str:
    if "not square" in rule.reason:
        return rule.reason
    return (
        f"the receptive field through layer {step.layer!r} ({step.kind}) is not known: "
        "choose a layer before it"
    )


def _through(rule: Rule, field: ReceptiveField, rows: int, out: int, side: int) -> ReceptiveField:
    if field.size is None:
        return field
    if isinstance(rule, Everything):
        return _as_field((_hull(field.rows_of(rows, side)),) * out, side)
    if isinstance(rule, Window) and field.rows is None:
        return ReceptiveField(
            size=field.size + (rule.kernel - 1) * rule.dilation * field.stride,
            stride=field.stride * rule.stride,
            start=field.start - rule.padding * field.stride,
        )
    if not isinstance(rule, Window | Stamp | Resampled):
        return field
    before = field.rows_of(rows, side)
    taken = (_taken(rule, one, rows) for one in range(out))
    return _as_field(tuple(_hull(tuple(before[i] for i in one)) for one in taken), side)


def _taken(rule: Window | Stamp | Resampled, row: int, rows: int) -> list[int]:
    """Return the rows that one output row depends on, those in the padding left out."""
    if isinstance(rule, Resampled):
        return list(range(*(rule.rows[row] or (0, 0))))
    if isinstance(rule, Window):
        taken = (row * rule.stride - rule.padding + t * rule.dilation for t in range(rule.kernel))
        return [one for one in taken if 0 <= one < rows]
    back = (row + rule.padding - t * rule.dilation for t in range(rule.kernel))
    return sorted(
        one // rule.stride
        for one in back
        if one % rule.stride == 0 and 0 <= one < rows * rule.stride
    )


def _hull(rows: Rows) -> tuple[int, int] | None:
    some = [one for one in rows if one is not None]
    return (min(a for a, _ in some), max(b for _, b in some)) if some else None


def _as_field(rows: Rows, side: int) -> ReceptiveField:
    """Return rows as a field: the whole input, or the rows themselves."""
    some = [one for one in rows if one is not None]
    if len(some) == len(rows) and all(a <= 0 and b >= side for a, b in some):
        return WHOLE
    size = max((b - a for a, b in some), default=0)
    steps = max(len(some) - 1, 1)
    stride = round((some[-1][0] - some[0][0]) / steps) if some else 1
    return ReceptiveField(size, max(stride, 1), some[0][0] if some else 0, rows)


def _both(a: ReceptiveField, b: ReceptiveField, count: int, side: int) -> ReceptiveField:
    """Return the field around two."""
    if a == b or a.size is None:
        return a
    if b.size is None:
        return b
    if a.rows is None and b.rows is None and a.stride == b.stride:
        start = min(a.start, b.start)
        return ReceptiveField(max(a.start + a.size, b.start + b.size) - start, a.stride, start)
    pairs = zip(a.rows_of(count, side), b.rows_of(count, side), strict=True)
    return _as_field(tuple(_hull(pair) for pair in pairs), side)
