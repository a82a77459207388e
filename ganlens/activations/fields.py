"""Receptive fields: which pixels one position of a layer can see, computed by the formula."""

from dataclasses import dataclass

from torch import nn

from ganlens.activations.names import last_leaf, leaves_of
from ganlens.errors import GanlensError

# Layers that keep every position where it is: they pass a field on unchanged.
POINTWISE = (
    nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus,
    nn.Identity, nn.Dropout, nn.Dropout2d, nn.BatchNorm2d,
)  # fmt: skip
_WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)


@dataclass(frozen=True)
class ReceptiveField:
    """The square of input pixels that one position of a layer can see.

    Position i of the layer sees input rows ``start + i * stride`` up to but without
    ``start + i * stride + size``, as far as they lie inside the image; columns alike.

    Attributes:
        size: side of the square in pixels, or None where a position sees the whole input.
        stride: pixels from one position's square to the next one's.
        start: first row of position 0's square, negative where it reaches into the padding.
    """

    size: int | None
    stride: int = 1
    start: int = 0


def receptive_field(module: nn.Module, layer: str) -> ReceptiveField:
    """Compute a layer's receptive field in a chain of layers: r += (k - 1) j, then j *= s.

    The chain is the leaf modules in the order of their definition, which is the order of the
    forward pass in any sequential network such as a DCGAN discriminator.

    Args:
        module: a chain of square convolutions, pooling, pointwise, normalising and linear layers.
        layer: a leaf's name, or a group's: what its last leaf sees.

    Raises:
        GanlensError: unknown layer, or a layer on the way for which the formula is not known
            (transposed convolutions, attention ...).
    """
    leaves = leaves_of(module)
    layer = last_leaf(module, layer)
    field = ReceptiveField(1)
    for name, part in leaves.items():
        field = _through(part, name, field)
        if name == layer:
            break
    return field


def _through(part: nn.Module, name: str, field: ReceptiveField) -> ReceptiveField:
    if field.size is None or isinstance(part, nn.Linear):
        return ReceptiveField(None)
    if isinstance(part, _WINDOWED):
        kernel, stride, padding, dilation = sides_of(part, name)
        return ReceptiveField(
            size=field.size + (kernel - 1) * dilation * field.stride,
            stride=field.stride * stride,
            start=field.start - padding * field.stride,
        )
    if isinstance(part, (*POINTWISE, nn.Flatten)):
        return field
    raise GanlensError(
        f"the receptive field through layer {name!r} ({type(part).__name__}) is not known: "
        "choose a layer before it"
    )


def sides_of(part: nn.Module, name: str) -> tuple[int, int, int, int]:
    """Return kernel, stride, padding and dilation of a square windowed layer.

    Raises:
        GanlensError: they differ between rows and columns.
    """
    kernel, stride, padding, dilation = (
        _side(getattr(part, key, 1), name)
        for key in ("kernel_size", "stride", "padding", "dilation")
    )
    return kernel, stride, padding, dilation


def _side(value: object, name: str) -> int:
    sides = set(value) if isinstance(value, tuple) else {value}
    side = sides.pop()
    if sides or not isinstance(side, int):
        raise GanlensError(f"layer {name!r} is not square ({value}): choose a layer before it")
    return side
