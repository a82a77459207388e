"""Which rows of its input each row of a function's output depends on; columns are alike."""

from typing import Any

import torch
from torch import Tensor

from ganlens.activations.functions import ACTIVATION_FUNCTIONS, tensors_in
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
from ganlens.activations.trace import UNSEEN, Step

_BY_ELEMENT = ACTIVATION_FUNCTIONS | frozenset(
    ("add", "radd", "iadd", "sub", "rsub", "isub", "mul", "rmul", "imul", "div", "rdiv", "idiv",
     "truediv", "rtruediv", "itruediv", "pow", "rpow", "neg", "abs", "exp", "log", "sqrt", "rsqrt",
     "square", "reciprocal", "clamp", "clamp_min", "clamp_max", "clip", "maximum", "minimum",
     "where", "lerp", "addcmul", "addcdiv", "sign", "sin", "cos", "erf", "threshold", "logsigmoid",
     "softsign", "hardshrink", "softshrink", "tanhshrink", "contiguous", "clone", "detach", "to",
     "float", "double", "half", "bfloat16", "type", "type_as", "cpu", "cuda", "requires_grad",
     "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
     "nan_to_num", "data", "alias", "gt", "ge", "lt", "le", "eq", "ne", "logical_and", "logical_or",
     "logical_not")
)  # fmt: skip
_OVER_CHANNELS = frozenset(
    ("cat", "concat", "concatenate", "chunk", "split", "tensor_split", "mean", "sum", "std", "var",
     "norm", "vector_norm", "amax", "amin", "softmax", "log_softmax", "normalize", "glu", "cumsum",
     "logsumexp", "narrow", "index_select", "split_with_sizes", "max", "min")
)  # fmt: skip
_RESHAPING = frozenset(
    ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "reshape_as")
)
_EVERYWHERE = frozenset(("instance_norm", "layer_norm", "group_norm"))
_CONSTANT = frozenset(
    ("zeros_like", "ones_like", "rand_like", "randn_like", "full_like", "empty_like", "new_zeros",
     "new_ones", "new_empty", "new_full", "new_tensor")
)  # fmt: skip


def is_constant(step: Step) -> bool:
    """Whether a function takes the shape of its input alone."""
    return step.function in _CONSTANT


def maps_of(shape: tuple[int, ...]) -> Shape | None:
    """Return (C, h, w) of an output of one row: a vector is a map of one cell; None of others."""
    if len(shape) == 4:
        return (shape[1], shape[2], shape[3])
    return (shape[1] if len(shape) == 2 else 1, 1, 1) if len(shape) < 3 else None


def rule_of(step: Step, source: Shape) -> Rule:
    """Return the rule of one function that reads maps of a shape.

    Args:
        step: the function that ran.
        source: (C, h, w) of the maps that it reads.
    """
    try:
        return _rule(step, source)
    except _NotSquareError as found:
        return Unknown(f"layer {step.layer!r} is not square ({found}): choose a layer before it")


class _NotSquareError(Exception):
    """Rows and columns differ."""


def _rule(step: Step, source: Shape) -> Rule:
    name = step.function
    if name in _BY_ELEMENT or is_constant(step):
        return Same()
    if name == "batch_norm":
        return Everything() if step.argument(5, "training", False) else Same()
    if name in _EVERYWHERE:
        return Everything()
    if name in _RESHAPING:
        return Reshaped()
    if name in ("conv2d", "conv_transpose2d"):
        return _convolution(step)
    if name in ("max_pool2d", "avg_pool2d", "lp_pool2d"):
        return _pooling(step, 2 if name == "lp_pool2d" else 1)
    if name == "pixel_unshuffle":
        factor = step.argument(1, "downscale_factor")
        return Window(factor, factor, 0, 1)
    if name in _OVER_CHANNELS:
        return _over(step)
    if name == "getitem":
        return _item(step)
    if name in ("expand", "expand_as", "repeat"):
        return Same() if name != "repeat" or source[1] == 1 else _unknown(step)
    if (rows := _resampled(step, source)) is not None:
        return rows
    given = tensors_in((step.args, step.kwargs))
    if name != UNSEEN and len(step.shape) < 3 and all(one.ndim < 3 for one in given):
        return Everything()  # vectors: whatever is done with their numbers
    return _unknown(step)


def _unknown(step: Step) -> Unknown:
    return Unknown(f"layer {step.layer!r} ({step.kind})")


def _convolution(step: Step) -> Rule:
    across = step.function == "conv_transpose2d"
    weight: Tensor = step.argument(1, "weight")
    kernel = _side(tuple(weight.shape[2:]))
    stride = _side(step.argument(3, "stride", 1))
    dilation = _side(step.argument(7 if across else 5, "dilation", 1))
    padding = step.argument(4, "padding", 0)
    if isinstance(padding, str):
        padding = (kernel - 1) * dilation // 2 if padding == "same" else 0
    return (Stamp if across else Window)(kernel, stride, _side(padding), dilation)


def _pooling(step: Step, first: int) -> Rule:
    kernel = _side(step.argument(first, "kernel_size"))
    stride = step.argument(first + 1, "stride")
    padding = 0 if first == 2 else _side(step.argument(3, "padding", 0))
    dilation = _side(step.argument(4, "dilation", 1)) if step.function == "max_pool2d" else 1
    return Window(kernel, kernel if stride in (None, (), []) else _side(stride), padding, dilation)


def _side(value: Any) -> int:
    sides = set(value) if isinstance(value, tuple | list) else {value}
    if len(sides) != 1 or not isinstance(side := sides.pop(), int):
        raise _NotSquareError(str(value))
    return side


def _over(step: Step) -> Rule:
    """A function of dimensions: over channels it leaves positions where they are."""
    name = step.function
    place = 2 if name in ("chunk", "split", "tensor_split", "split_with_sizes", "normalize",
                          "norm", "vector_norm") else 1  # fmt: skip
    if name in ("max", "min") and isinstance(step.argument(1, "other"), Tensor):
        return Same()
    first = next((0 for one in ("cat", "concat", "chunk", "split") if one in name), None)
    over = step.argument(place, "dim", step.kwargs.get("axis", 1 if name == "normalize" else first))
    rank = tensors_in((step.args, step.kwargs))[0].ndim
    if rank < 3:
        return Everything()
    dims = {over} if isinstance(over, int) else set(range(rank) if over is None else over)
    dims = {dim % rank for dim in dims}
    if dims == {1} and rank == len(step.shape) == 4:
        return Same()
    summed = name in ("mean", "sum", "std", "var", "amax", "amin", "norm", "vector_norm",
                      "logsumexp")  # fmt: skip
    return Everything() if summed and rank == 4 and {2, 3} <= dims else _unknown(step)


def _item(step: Step) -> Rule:
    """Indexing of rows of the batch and of channels leaves positions where they are."""
    index = step.argument(1, "index")
    index = index if isinstance(index, tuple) else (index,)
    plain = [one for one in index[2:] if one is not Ellipsis and one != slice(None)]
    if not plain and Ellipsis not in index[:2] and None not in index and len(step.shape) == 4:
        return Same()
    return Everything() if step.args[0].ndim < 3 and len(step.shape) < 3 else _unknown(step)


def _resampled(step: Step, source: Shape) -> Rule | None:
    """Return the rule of a function without weights, found by running it on one row at a time."""
    name, side = step.function, source[1]
    if name in ("interpolate", "upsample"):
        nearest = step.argument(3, "mode", "nearest") == "nearest"
    elif name in ("adaptive_avg_pool2d", "adaptive_max_pool2d", "pixel_shuffle", "pad"):
        nearest = False
    else:
        return None
    if source[1] != source[2] or len(step.shape) != 4 or step.shape[2] != step.shape[3]:
        raise _NotSquareError(f"{source[1]} x {source[2]} to {step.shape[2]} x {step.shape[3]}")
    channels = step.argument(1, "upscale_factor") ** 2 if name == "pixel_shuffle" else 1
    rows = torch.eye(side, dtype=torch.double)[:, None, :, None]
    called = (
        torch.nn.functional.adaptive_avg_pool2d if name == "adaptive_max_pool2d" else step.called
    )
    if name == "pad" and step.argument(2, "mode", "constant") == "circular":
        return _unknown(step)
    given = dict(step.kwargs)
    if name == "pad":
        given["value"] = 0.0
    args = step.args[1:3] if name == "pad" else step.args[1:]
    made = called(rows.expand(side, channels, side, side), *args, **given)
    seen = made.abs().sum((1, 3)) > 0  # (row of the input, row of the output)
    across = called(rows.transpose(2, 3).expand(side, channels, side, side), *args, **given)
    if not torch.equal(seen, across.abs().sum((1, 2)) > 0):
        raise _NotSquareError(str(args or given))
    places = [one.nonzero().flatten() for one in seen.T]
    return Resampled(
        tuple((int(p[0]), int(p[-1]) + 1) if len(p) else None for p in places), nearest
    )


def reshaped(maps: Shape, shape: tuple[int, ...]) -> tuple[Shape, bool] | None:
    """Return what maps are after a change of shape, and whether one cell fills them all.

    A vector that was made of maps stays the maps that it was made of, so that folding it again
    gives them back; None where positions are mixed.
    """
    count = maps[0] * maps[1] * maps[2]
    folded = maps_of(shape)
    if len(shape) == 2 and shape[1] == count:
        return maps, False
    if maps[1:] == (1, 1) and folded is not None:
        return folded, folded[1:] != (1, 1)
    return (maps, False) if folded == maps else None


def after(rule: Rule, source: Shape, shape: tuple[int, ...]) -> tuple[Rule, Shape, bool]:
    """Return the rule as it holds for a shape that came out, the maps, and whether one cell fills.

    What mixes the numbers of a vector mixes the positions that the vector was made of. One cell
    that is added to maps, or repeated, reaches all of their positions.
    """
    if isinstance(rule, Reshaped):
        found = reshaped(source, shape)
        if found is None:
            return Unknown("a change of shape that mixes positions"), source, False
        return Same(), *found
    maps = maps_of(shape)
    if maps is None:
        return Unknown(f"a tensor of shape {('N', *shape[1:])}"), source, False
    if isinstance(rule, Same) and len(shape) == 2:
        kept = shape[1] == source[0] * source[1] * source[2]
        return (rule, source, False) if kept else (Everything(), maps, False)
    spread = isinstance(rule, Same) and source[1:] == (1, 1) != maps[1:]
    return rule, maps, spread
