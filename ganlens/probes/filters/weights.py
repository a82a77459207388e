"""Weights of both ends of a pair: patches, their pictures, and a row per layer."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlens import images
from ganlens.activations import Point, points_of, receptive_field
from ganlens.errors import GanlensError
from ganlens.subject import Subject

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def first_layer(discriminator: nn.Module) -> str:
    """Return the name of the convolution that takes the pixels, whatever is defined first.

    Raises:
        GanlensError: there is none.
    """
    for point in _followed(discriminator, nn.Conv2d):
        return point.name
    raise GanlensError("the discriminator has no convolution: there are no filters to show")


def last_layer(generator: nn.Module | None) -> str:
    """Return the name of the last convolution, which draws the pixels; empty without one."""
    if generator is None:
        return ""
    found = [point.name for point in _followed(generator, CONVOLUTIONS)]
    return found[-1].partition("@")[0] if found else ""


def _followed(network: nn.Module, kinds: type | tuple[type, ...]) -> list[Point]:
    """Return layers of some kinds in the order in which a forward pass runs them."""
    return [one for one in points_of(network).values() if isinstance(one.part, kinds)]


def patches_of(network: nn.Module | None, name: str, which: str) -> Tensor:
    """Return (F, C, k, k) weights with C the picture's channels; (0, 1, 1, 1) without a network."""
    if network is None or not name:
        return torch.empty(0, 1, 1, 1)
    layer = network.get_submodule(name)
    weight = layer.weight.detach().float().cpu()  # type: ignore[operator]
    # A transposed convolution keeps its inputs first; what a map stamps is then weight[map].
    return weight.transpose(0, 1) if which == "last" and isinstance(layer, nn.Conv2d) else weight


def pictures_of(patches: Tensor) -> np.ndarray:
    """Return (F, C, k, k) weights as (F, k, k, C) uint8, each on its own scale with grey for 0."""
    if len(patches) == 0:
        return np.empty((0, 1, 1, 1), np.uint8)
    if patches.shape[1] not in (1, 3):
        patches = patches.mean(dim=1, keepdim=True)
    largest = patches.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
    return images.to_uint8(patches / largest)


def rows_of(subject: Subject, control: Subject | None) -> Iterator[dict[str, Any]]:
    """Yield a row of the table, by column, for each layer with weights."""
    for network in ("generator", "discriminator"):
        module, other = getattr(subject, network, None), getattr(control, network, None)
        if module is None:
            continue
        for name, layer in module.named_modules():
            own = list(layer.parameters(recurse=False))
            if not own or not isinstance(getattr(layer, "weight", None), Tensor):
                continue
            w = layer.weight.detach().double()
            before = None if other is None else other.get_submodule(name).weight.detach().double()
            yield {
                "network": network,
                "layer": name,
                "type": type(layer).__name__,
                "shape": " x ".join(map(str, w.shape)),
                "parameters": sum(p.numel() for p in own),
                "mean": float(w.mean()),
                "std": float(w.std(correction=0)),
                "std untrained": None if before is None else float(before.std(correction=0)),
                "norm": float(w.norm()),
                "receptive field (px)": _field(module, name) if network != "generator" else None,
            }


def _field(discriminator: nn.Module, name: str) -> int | str | None:
    try:
        return receptive_field(discriminator, name).size or "whole image"
    except GanlensError:
        return None  # not a chain of known layers
