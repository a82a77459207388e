"""Layers by name: NAME, and NAME@2 for the second time that one forward pass runs it.

What a forward method calls as a function has a name too: the module's, then ``F.`` and the
function's, as in "block1.F.relu", or "F.relu@2" in the network's own forward method.
"""

import difflib
from collections.abc import Iterable

import torch
from torch import nn

from ganlens.errors import GanlensError


def is_leaf(part: nn.Module) -> bool:
    """Whether a module has no layers inside; parametrizations of its weights are none."""
    return all(name == "parametrizations" for name, _ in part.named_children())


def is_compiled(part: nn.Module) -> bool:
    """Whether a module is a TorchScript program, inside which nothing can be seen."""
    return isinstance(part, torch.jit.ScriptModule)


def modules_of(module: nn.Module) -> dict[str, nn.Module]:
    """Return all layers and groups, name -> module, in the order in which they were defined."""
    return {
        name: part
        for name, part in module.named_modules()
        if name and "parametrizations" not in name.split(".")
    }


def leaves_of(module: nn.Module) -> dict[str, nn.Module]:
    """Return the leaf modules, name -> module, in the order in which they were defined."""
    return {name: part for name, part in modules_of(module).items() if is_leaf(part)}


def split_name(layer: str) -> tuple[str, str, int]:
    """Split a name into the module's, the function's ("" for the module itself) and the call's.

    "block1.F.relu@2" is ("block1", "relu", 2), "act" is ("act", "", 1).
    """
    path, _, number = layer.partition("@")
    call = int(number) if number.isdecimal() else 1
    if path.startswith("F.") or ".F." in path:
        scope, _, function = f".{path}".rpartition(".F.")
        return scope.removeprefix("."), function, call
    return path, "", call


def call_name(name: str, call: int) -> str:
    """Return the name of a layer's first, second ... call: "act", "act@2" ..."""
    return name if call == 1 else f"{name}@{call}"


def find_layer(module: nn.Module, layer: str) -> nn.Module:
    """Return the submodule called ``layer``, a leaf ("block1.conv") or a group ("block1").

    Of the second call of a layer ("act@2") it is that layer; of a function ("block1.F.relu") the
    module whose forward method calls it.

    Raises:
        GanlensError: no submodule has this name; the message lists the valid ones, nearest first.
    """
    path, function, _ = split_name(layer)
    if function and not path:
        return module
    if path and _well_formed(layer) and (found := dict(module.named_modules()).get(path)):
        return found
    for name, part in module.named_modules(remove_duplicate=False):
        if layer and name == layer:
            first = next(one for one, other in module.named_modules() if other is part)
            raise GanlensError(
                f"layer {layer!r} is the same object as {first!r}: name its calls in order,"
                f" {first}, {first}@2 ..."
            )
    raise unknown_layer(layer, leaves_of(module))


def _well_formed(layer: str) -> bool:
    _, at, number = layer.partition("@")
    return not at or (number.isdecimal() and int(number) > 0)


def unknown_layer(layer: str, valid: Iterable[str]) -> GanlensError:
    """Return the error for a layer that does not exist: it lists those that do, nearest first."""
    valid = list(dict.fromkeys(valid))
    near = difflib.get_close_matches(layer, valid, n=3, cutoff=0.3)
    listed = near + [name for name in valid if name not in near]
    return GanlensError(f"layer {layer!r} is not known: choose from {', '.join(listed)}")
