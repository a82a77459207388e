"""Functions that a forward method calls instead of layers: which of them have names.

A mode of torch's (``TorchFunctionMode``) sees every one, whether it is called as
``F.relu(x, inplace=True)``, ``torch.relu_(x)`` or ``x.relu()``, in the thread that opened it alone.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# Activations, by the name of their function; the layers call the same functions.
ACTIVATION_FUNCTIONS = frozenset(
    ("relu", "leaky_relu", "prelu", "rrelu", "relu6", "hardtanh", "elu", "selu", "celu", "gelu",
     "silu", "mish", "softplus", "hardswish", "hardsigmoid", "tanh", "sigmoid")
)  # fmt: skip
# Functions that make maps larger.
RESIZING_FUNCTIONS = frozenset(("interpolate", "upsample", "pixel_shuffle"))
NAMED_FUNCTIONS = ACTIVATION_FUNCTIONS | RESIZING_FUNCTIONS
ACTIVATIONS = (
    nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ReLU6, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU,
    nn.Mish, nn.Softplus, nn.Hardswish, nn.Tanh, nn.Sigmoid,
)  # fmt: skip


def name_of(function: Any) -> str:
    """Return the plain name of a function: that of ``relu_`` and of ``Tensor.relu`` is "relu"."""
    return str(getattr(function, "__name__", function)).strip("_")


def works_in_place(function: Any, arguments: dict[str, Any]) -> bool:
    """Whether a call changes its first argument: ``relu_``, ``+=``, ``inplace=True``."""
    name = str(getattr(function, "__name__", ""))
    if arguments.get("inplace") is True or name in ("__setitem__", "setitem"):
        return True
    if name.startswith("__"):
        return name.startswith("__i") and name not in ("__invert__", "__index__", "__int__")
    return name.endswith("_")


class Seeing(TorchFunctionMode):
    """Calls ``see(function, args, kwargs, output)`` after each; what it returns is the output."""

    def __init__(self, see: Callable[[Any, tuple[Any, ...], dict[str, Any], Any], Any]) -> None:
        super().__init__()
        self.see = see

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call the function, then show it."""
        output = function(*args, **(kwargs or {}))
        return self.see(function, args, kwargs or {}, output)


def tensors_in(value: Any) -> list[Tensor]:
    """Return the tensors in nested tuples, lists and dicts, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [one for part in value for one in tensors_in(part)]
    return []
