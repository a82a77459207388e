"""Guided backpropagation: gradients that follow only what excites a unit.

Springenberg et al. 2014 (arXiv 1412.6806), as in figure 5 of Radford et al. 2015: at every
rectifier the backward pass keeps a gradient only where it is positive and where the input of the
forward pass was positive. A LeakyReLU obeys the same rule; its plain gradient would also pass a
fifth of everything else.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import (
    TorchFunctionMode,
    handle_torch_function,
    has_torch_function_unary,
)

from ganlens.activations.copying import copied
from ganlens.activations.functions import ACTIVATION_FUNCTIONS, name_of, works_in_place
from ganlens.activations.hooks import run_to
from ganlens.activations.names import find_layer
from ganlens.activations.tracing import trace
from ganlens.errors import GanlensError

# Functions that let positive values pass: all else keeps its plain gradient.
RECTIFIERS = ("relu", "leaky_relu", "prelu", "rrelu", "relu6")


class _Rule(torch.autograd.Function):
    """The forward pass of a (leaky) ReLU with grad_in = 1[x > 0] relu(grad_out)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rectify: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.save_for_backward(x)
        return rectify(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradients[0].clamp_min(0) * (x > 0), None


def rectifier(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[Tensor], Tensor] | None:
    """Return what a call makes of its first argument if it rectifies, without working in place.

    ReLU, LeakyReLU, PReLU, RReLU and ReLU6, whatever they are called through, and a clamp from
    below at 0; None for any other function.
    """
    name = name_of(function)

    def given(place: int, key: str, default: Any) -> Any:
        return args[place] if len(args) > place else kwargs.get(key, default)

    if name == "relu":
        return lambda x: F.leaky_relu(x, 0.0)
    if name == "leaky_relu":
        slope = given(1, "negative_slope", 0.01)
        return lambda x: F.leaky_relu(x, slope)
    if name == "prelu":
        weight = given(1, "weight", None)
        return lambda x: F.prelu(x, weight)
    if name == "rrelu" and not given(3, "training", False):
        slope = (given(1, "lower", 1 / 8) + given(2, "upper", 1 / 3)) / 2
        return lambda x: F.leaky_relu(x, slope)
    low, high = given(1, "min", None), given(2, "max", None)
    if name == "hardtanh":  # what ReLU6 calls
        low, high = given(1, "min_val", -1.0), given(2, "max_val", 1.0)
    if name == "relu6":
        low, high = 0.0, 6.0
    if name == "clamp_min":
        low, high = given(1, "min", None), None
    if name in ("hardtanh", "relu6", "clamp", "clip", "clamp_min") and _is_zero(low):
        return lambda x: torch.clamp(x, low, high)
    if name in ("maximum", "max") and len(args) > 1 and _is_zero(args[1]):
        return lambda x: F.leaky_relu(x, 0.0)
    return None


def _is_zero(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.requires_grad and bool((value == 0).all())
    return isinstance(value, int | float) and value == 0


class _Guiding(TorchFunctionMode):
    """Lets every rectifier obey the rule, as a layer or as a function, in this thread alone."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call a function, or the rule in a rectifier's place."""
        given = kwargs or {}
        x = args[0] if args else given.get("input")
        if not isinstance(x, Tensor) or not x.is_floating_point():
            return function(*args, **given)
        if (found := rectifier(function, args, given)) is None:
            return function(*args, **given)
        return _named(name_of(function))(x, found, works_in_place(function, given))


@cache
def _named(name: str) -> Callable[[Tensor, Callable[[Tensor], Tensor], bool], Tensor]:
    """Return the rule under a function's name, so that other modes see that function run."""

    def ruled(x: Tensor, rectify: Callable[[Tensor], Tensor], in_place: bool) -> Tensor:
        if has_torch_function_unary(x):
            return handle_torch_function(ruled, (x,), x, rectify, in_place)
        return _rectified(x, rectify, in_place)

    ruled.__name__ = name
    return ruled


def _rectified(x: Tensor, rectify: Callable[[Tensor], Tensor], in_place: bool) -> Tensor:
    # A shortcut that reads the same tensor afterwards has to see it changed.
    return x.copy_(_Rule.apply(x.clone(), rectify)) if in_place else _Rule.apply(x, rectify)


class _GuidedLayer(nn.Module):
    """A ReLU or LeakyReLU that obeys the rule whoever runs it."""

    def __init__(self, slope: float, in_place: bool) -> None:
        super().__init__()
        self.slope, self.in_place = slope, in_place

    def forward(self, x: Tensor) -> Tensor:
        return _rectified(x, lambda given: F.leaky_relu(given, self.slope), self.in_place)


class _Guided:
    """The forward pass of a copy, in which rectifiers obey the rule."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        self.forward = forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with _Guiding():
            return self.forward(*args, **kwargs)


def guided_copy(module: nn.Module) -> nn.Module:
    """Return a copy whose rectifiers obey the guided rule in the backward pass.

    These are ReLU, LeakyReLU, PReLU, RReLU and ReLU6, as layers and as functions, in place or not,
    and clamps at 0; ``plain_activations`` names what is left. The forward pass is the same. The
    original is not touched; hooks that somebody has open on it are not copied.

    Raises:
        GanlensError: there is no rectifier, so gradients would silently stay plain.
    """
    # Whoever shares the original may open and close hooks while it is copied.
    kinds = [kind for kind in vars(nn.Module()) if "hooks" in kind]
    hooks = [getattr(part, kind) for part in module.modules() for kind in kinds]
    if not _rectifies(module):
        raise GanlensError(
            "the network has no ReLU or LeakyReLU layer, and calls none as a function:"
            " guided backpropagation needs at least one"
        )
    copy = copied(module, {id(known): OrderedDict() for known in hooks if known is not None})
    made: dict[nn.Module, nn.Module] = {}  # what is shared stays shared
    for name, part in list(copy.named_modules(remove_duplicate=False)):
        if name and type(part) in (nn.ReLU, nn.LeakyReLU):
            slope = float(getattr(part, "negative_slope", 0.0))
            parent, _, own = name.rpartition(".")
            layer = made.setdefault(part, _GuidedLayer(slope, bool(part.inplace)))
            setattr(copy.get_submodule(parent), own, layer)
    copy.forward = _Guided(copy.forward)
    return copy


def _rectifies(module: nn.Module) -> bool:
    try:
        return guided_rectifiers(module) > 0
    except GanlensError:  # no input is known that it takes: its layers tell
        layers = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ReLU6)
        return any(isinstance(part, layers) for part in module.modules())


def guided_rectifiers(module: nn.Module) -> int:
    """Return how many rectifiers run in a forward pass, each of which obeys the rule.

    Raises:
        GanlensError: the network cannot be run.
    """
    steps = trace(module).steps
    return sum(rectifier(one.called, one.args, one.kwargs) is not None for one in steps)


def plain_activations(module: nn.Module) -> list[str]:
    """Return the activations that keep their plain gradient in a ``guided_copy``: ELU, tanh ...

    They are "NAME (TYPE)", in the order of the forward pass.

    Raises:
        GanlensError: the network cannot be run.
    """
    return [
        f"{one.layer} ({one.kind})"
        for one in trace(module).steps
        if (one.function in ACTIVATION_FUNCTIONS or one.function in ("where", "max", "maximum"))
        and rectifier(one.called, one.args, one.kwargs) is None
    ]


def position_gradients(
    module: nn.Module,
    layer: str,
    x: Tensor,
    units: Tensor,
    rows: Tensor,
    columns: Tensor,
    shape: tuple[int, int, int] | None = None,
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
        shape: (C, h, w) of the layer's maps, where it puts out vectors that are made of maps.

    Returns:
        (N, C, H, W) gradients of each image's own activation.

    Raises:
        GanlensError: unknown layer.
    """
    find_layer(module, layer)
    with torch.inference_mode(False), torch.enable_grad():
        images = x.clone().requires_grad_()
        output = run_to(module, layer, images.clone())  # no leaf: it may be changed in place
        maps = output if output.ndim == 4 else output.reshape(len(x), *(shape or (-1, 1, 1)))
        # Copies: autograd keeps the indices, and refuses those made in inference mode.
        places = (one.clone().to(maps.device) for one in (units, rows, columns))
        chosen = maps[(torch.arange(len(x), device=maps.device), *places)]
        (found,) = torch.autograd.grad(chosen.sum(), images)
    return found
