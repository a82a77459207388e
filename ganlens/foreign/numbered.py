"""Other readings of a numbered generator: what its names and shapes leave open."""

from typing import Any

import torch
from torch import Tensor

from ganlens.foreign.conclusions import Conclusions, shown
from ganlens.foreign.fitting import candidates
from ganlens.foreign.recognition import Alternative, Weights
from ganlens.foreign.sequence import Numbered, renamed
from ganlens.models.imported.layers import Geometry, enlarged

STRIDES = 3  # of the last layer, that are drawn


def sides_of(kernels: list[Any], geometry: list[Geometry]) -> tuple[int, int]:
    """Return the (H, W) that kernels draw, the first one's map and what the others make of it."""
    height, width = kernels[0]
    for (down, across), one in zip(kernels[1:], geometry, strict=True):
        height, width = enlarged(height, down, one), enlarged(width, across, one)
    return height, width


def with_statistics(
    weights: dict[str, Tensor], found: Numbered, norms: list[str]
) -> dict[str, Tensor]:
    """Add the statistics that batch norm without any starts from; they are measured later."""
    at = 0
    for layer, norm in zip(found.layers, norms, strict=True):
        at += 1
        if norm == "none":
            at += 1
            continue
        if norm == "batch" and not layer.has_statistics:
            width = weights[f"main.{at}.weight"].shape
            weights |= {f"main.{at}.running_mean": torch.zeros(width),
                        f"main.{at}.running_var": torch.ones(width)}  # fmt: skip
        at += 2
    return weights


def other_activations(
    arguments: dict[str, Any], weights: dict[str, Tensor], told: Conclusions, calibrate: bool
) -> list[Alternative]:
    """Return readings with other activations and another output."""
    found = []
    for one in told.others:
        other = {**arguments, "activation": one[0], "slope": one[1]}
        found.append(Alternative(f"activation {shown(one)}", other, dict(weights), calibrate))
    for name, span in (("tanh", [-1.0, 1.0]), ("sigmoid", [0.0, 1.0]), ("none", [-1.0, 1.0])):
        if name != arguments["output"]["activation"]:
            other = {**arguments, "output": {"activation": name, "output_range": span}}
            caption = f"output {name}, {span[0]:g} to {span[1]:g}"
            found.append(Alternative(caption, other, dict(weights), calibrate))
    return found


def other_strides(
    arguments: dict[str, Any], weights: dict[str, Tensor], kernels: list[Any],
    geometry: list[Geometry], told: Conclusions, calibrate: bool,
) -> list[Alternative]:  # fmt: skip
    """Return readings with another stride or padding of the last layer, which nothing tells."""
    if told.told[-1]:
        return []
    found = []
    for one in [c for c in candidates(kernels[-1]) if c != geometry[-1] and not c[2]][:STRIDES]:
        tried = [*geometry[:-1], one]
        height, width = sides_of(kernels, tried)
        if min(height, width) > 0:
            other = {**arguments, "geometry": [list(each) for each in tried]}
            caption = f"last layer: stride {one[0]}, padding {one[1]}: {height} x {width}"
            found.append(Alternative(caption, other, dict(weights), calibrate))
    return found


def other_norms(
    arguments: dict[str, Any], weights: Weights, found: Numbered, norms: list[str]
) -> list[Alternative]:
    """Return the reading with the other norm, where tensors leave it open."""
    free = [bool(one.norm) and not one.has_statistics for one in found.layers]
    swaps = {"batch": "instance", "instance": "batch"}
    if not any(free):
        free = [one.extras > 1 and not one.norm for one in found.layers]
        swaps = {"plain instance": "none", "none": "plain instance"}
    others = [swaps.get(n, n) if open_ else n for n, open_ in zip(norms, free, strict=True)]
    if others == norms:
        return []
    name = next(o for o, n in zip(others, norms, strict=True) if o != n)
    ready = with_statistics(renamed(weights, found, others), found, others)
    caption = f"norm {name.removeprefix('plain ')}"
    return [Alternative(caption, {**arguments, "norms": others}, ready, name == "batch")]
