"""Guided backpropagation: gradients that follow only what excites a unit.

Springenberg et al. 2014 (arXiv 1412.6806), as in figure 5 of Radford et al. 2015: at every
rectifier the backward pass keeps a gradient only where it is positive and where the input of the
forward pass was positive. A LeakyReLU obeys the same rule; its plain gradient would also pass a
fifth of everything else.
"""

from collections import OrderedDict
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.activations.hooks import run_to
from ganlens.activations.names import find_layer
from ganlens.errors import GanlensError

RECTIFIERS = (nn.ReLU, nn.LeakyReLU)


class _Rule(torch.autograd.Function):
    """The forward pass of a (leaky) ReLU with grad_in = 1[x > 0] relu(grad_out)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(x)
        return nn.functional.leaky_relu(x, slope)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradients[0].clamp_min(0) * (x > 0), None


class _Guided(nn.Module):
    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return _Rule.apply(x, self.slope)


def guided_copy(module: nn.Module) -> nn.Module:
    """Return a copy whose ReLU and LeakyReLU layers obey the guided rule in the backward pass.

    The forward pass is the same. The original is not touched; hooks that somebody has open on it
    are not copied.

    Raises:
        GanlensError: there is no ReLU or LeakyReLU module, so gradients would silently stay plain
            (activations that are called as functions cannot be replaced).
    """
    # Whoever shares the original may open and close hooks while it is copied.
    kinds = [kind for kind in vars(nn.Module()) if "hooks" in kind]
    hooks = [getattr(part, kind) for part in module.modules() for kind in kinds]
    copy = deepcopy(module, {id(known): OrderedDict() for known in hooks if known is not None})
    found = {n: part for n, part in copy.named_modules() if n and isinstance(part, RECTIFIERS)}
    if not found:
        raise GanlensError(
            "the network has no ReLU or LeakyReLU layer: guided backpropagation needs at least one"
        )
    for name, part in found.items():
        slope = part.negative_slope if isinstance(part, nn.LeakyReLU) else 0.0
        parent, _, own = name.rpartition(".")
        setattr(copy.get_submodule(parent), own, _Guided(slope))
    return copy


def position_gradients(
    module: nn.Module, layer: str, x: Tensor, units: Tensor, rows: Tensor, columns: Tensor
) -> Tensor:
    """Backpropagate a one-hot from one position of a layer to each image.

    Args:
        module: a network in eval mode, so that no image depends on another; a ``guided_copy`` gives
            guided gradients, any other plain ones.
        layer: its name; a layer that puts out vectors has row 0 and column 0 alone.
        x: (N, C, H, W) images.
        units: (N,) int64: the unit of each image.
        rows: (N,) int64.
        columns: (N,) int64.

    Returns:
        (N, C, H, W) gradients of each image's own activation.

    Raises:
        GanlensError: unknown layer.
    """
    find_layer(module, layer)
    with torch.inference_mode(False), torch.enable_grad():
        images = x.clone().requires_grad_()
        output = run_to(module, layer, images)
        maps = output if output.ndim == 4 else output.reshape(len(x), -1, 1, 1)
        # Copies: autograd keeps the indices, and refuses those made in inference mode.
        places = (one.clone().to(maps.device) for one in (units, rows, columns))
        chosen = maps[(torch.arange(len(x), device=maps.device), *places)]
        (found,) = torch.autograd.grad(chosen.sum(), images)
    return found
