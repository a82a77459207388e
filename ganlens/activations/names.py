"""Layers by name."""

import difflib
from collections.abc import Iterable

from torch import nn

from ganlens.errors import GanlensError


def leaves_of(module: nn.Module) -> dict[str, nn.Module]:
    """Return the leaf modules, name -> module, in the order in which they were defined."""
    return {n: part for n, part in module.named_modules() if n and not any(part.children())}


def layer_names(module: nn.Module) -> list[str]:
    """Return the names of the leaf modules, in the order in which they were defined."""
    return list(leaves_of(module))


def find_layer(module: nn.Module, layer: str) -> nn.Module:
    """Return the submodule called ``layer``, a leaf ("block1.conv") or a group ("block1").

    Raises:
        GanlensError: no submodule has this name; the message lists the valid ones, nearest first.
    """
    named = dict(module.named_modules())
    if layer and layer in named:
        return named[layer]
    raise unknown_layer(layer, layer_names(module))


def unknown_layer(layer: str, valid: Iterable[str]) -> GanlensError:
    """Return the error for a layer that does not exist: it lists those that do, nearest first."""
    valid = list(dict.fromkeys(valid))
    near = difflib.get_close_matches(layer, valid, n=3, cutoff=0.3)
    listed = near + [name for name in valid if name not in near]
    return GanlensError(f"layer {layer!r} is not known: choose from {', '.join(listed)}")


def last_leaf(module: nn.Module, layer: str) -> str:
    """Return the name of the leaf with which a layer ends: its own, or that of a group's last.

    Raises:
        GanlensError: see ``find_layer``.
    """
    find_layer(module, layer)
    return [n for n in layer_names(module) if n == layer or n.startswith(f"{layer}.")][-1]
