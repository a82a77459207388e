"""Layers of other people's convolutional networks, by name: activations, norms, and their sizes."""

from collections.abc import Sequence

from torch import nn

from ganlens.errors import one_of
from ganlens.models.imported.output import leaky

ACTIVATION_NAMES = ("relu", "leaky-relu", "elu", "selu", "gelu", "silu", "tanh")
NORM_NAMES = ("batch", "plain batch", "instance", "plain instance", "none")
Geometry = tuple[int, int, int]  # stride, padding, output padding


def activation(name: str, slope: float = 0.2) -> nn.Module:
    """Return an activation.

    Args:
        name: one of ACTIVATION_NAMES.
        slope: of "leaky-relu" below 0.

    Raises:
        GanlensError: the name is not known.
    """
    made = {
        "relu": nn.ReLU, "elu": nn.ELU, "selu": nn.SELU, "gelu": nn.GELU, "silu": nn.SiLU,
        "tanh": nn.Tanh,
    }  # fmt: skip
    if name not in ACTIVATION_NAMES:
        raise one_of("activation", name, ACTIVATION_NAMES)
    return leaky(slope) if name == "leaky-relu" else made[name]()


def norm(name: str, width: int, eps: float) -> list[nn.Module]:
    """Return a norm as a list, empty for "none".

    Args:
        name: one of NORM_NAMES; a plain one has no weights.
        width: feature maps.
        eps: what it adds to the variance.

    Raises:
        GanlensError: the name is not known.
    """
    if name not in NORM_NAMES:
        raise one_of("norm", name, NORM_NAMES)
    if name == "none":
        return []
    affine = not name.startswith("plain")
    if name.endswith("batch"):
        return [nn.BatchNorm2d(width, eps=eps, affine=affine)]
    return [nn.InstanceNorm2d(width, eps=eps, affine=affine)]


def enlarged(side: int, kernel: int, geometry: Sequence[int]) -> int:
    """Return the side of a map after a transposed convolution.

    Args:
        side: before it, in pixels.
        kernel: its side, in pixels.
        geometry: stride, padding and output padding.
    """
    stride, padding, extra = geometry
    return (side - 1) * stride - 2 * padding + kernel + extra


def reduced(side: int, kernel: int, geometry: Sequence[int]) -> int:
    """Return the side of a map after a convolution; arguments as those of ``enlarged``."""
    stride, padding, _ = geometry
    return (side + 2 * padding - kernel) // stride + 1
