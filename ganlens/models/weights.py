"""Filling a network with tensors from a file, with precise words about what does not fit."""

from collections.abc import Mapping
from difflib import get_close_matches

import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError


def assign_checked(
    network: nn.Module, weights: dict[str, Tensor], file: object, part: str, by: str
) -> None:
    """Give a network, built on the meta device, its weights, each looked at before.

    Args:
        network: what to fill; its own tensors are replaced, not copied into.
        weights: under the network's names; emptied, so that no tensor is held twice. Counters of
            batches, which files of PyTorch before 0.4.1 lack, may be missing, and may be floats,
            which they are in averages of whole state dicts.
        file: where they are from, for errors.
        part: what the error calls the network: "generator".
        by: what calls for the names and shapes: "its header".

    Raises:
        GanlensError: a missing or surplus name, another shape or kind, a value that is not finite,
            a negative variance.
    """
    expected = network.state_dict()
    ready = {}
    for name, value in expected.items():
        if name not in weights and name.endswith("num_batches_tracked"):
            ready[name] = torch.zeros((), dtype=value.dtype)
            continue
        if name not in weights:
            near = get_close_matches(name, sorted(weights.keys() - expected.keys()), 1)
            hint = f"; the nearest name that it holds is {part}.{near[0]}" if near else ""
            raise GanlensError(f"{file} lacks {part}.{name}, which {by} calls for{hint}")
        given = weights.pop(name)
        if name.endswith("num_batches_tracked") and given.numel() == 1:
            given = _counter(given, value)
        ready[name] = _checked(file, f"{part}.{name}", given, value, by)
    if surplus := sorted(weights):
        near = get_close_matches(surplus[0], list(expected), 1)
        hint = f"; the nearest name that is known is {part}.{near[0]}" if near else ""
        raise GanlensError(f"{file} has {part}.{surplus[0]}, which {by} does not call for{hint}")
    network.load_state_dict(ready, assign=True)


def _counter(given: Tensor, expected: Tensor) -> Tensor:
    """Round a counter that was averaged like a weight; one that is not finite is left as it is."""
    if given.is_floating_point() and not given.isfinite().all():
        return given
    return given.double().round().to(expected.dtype).reshape(expected.shape)


def _checked(file: object, name: str, value: Tensor, expected: Tensor, by: str) -> Tensor:
    """Bring half-precision weights to the networks' float32; refuse what is no weight at all."""
    if value.shape != expected.shape:
        raise GanlensError(
            f"{file} has {name} of shape {tuple(value.shape)};"
            f" {by} calls for {tuple(expected.shape)}"
        )
    if value.is_floating_point() != expected.is_floating_point():
        raise GanlensError(f"{file} has {name} of type {value.dtype}; {by} calls for"
                           f" {expected.dtype}")  # fmt: skip
    if name.endswith("running_var") and (value < 0).any():
        raise GanlensError(f"{file} has a negative variance in {name}: take another checkpoint")
    refuse_nonfinite({name: value}, f"{file} cannot be used")
    return value.to(expected.dtype)


def refuse_nonfinite(tensors: Mapping[str, Tensor], consequence: str) -> None:
    """Refuse NaN and infinity.

    Raises:
        GanlensError: there is one; the message names the tensor and the consequence.
    """
    for name, value in tensors.items():
        if not value.is_floating_point() or not value.numel():
            continue
        if value.element_size() == 1:
            value = value.float()  # torch finds no extremes of 8-bit floats
        # Extremes carry NaN and infinity, and unlike isfinite() need no copy of the tensor.
        if not all(torch.isfinite(extreme) for extreme in value.aminmax()):
            raise GanlensError(f"weights of {name} are not finite: {consequence}")
