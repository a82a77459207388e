"""Windows: the part of the picture that each position of a layer sees, or draws on.

In a discriminator that is the receptive field. In a generator it is the other way round: the pixels
that depend on one position of the layer, its projective field.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganlens.activations.fields import POINTWISE, receptive_field, sides_of
from ganlens.activations.hooks import capture
from ganlens.activations.names import last_leaf, leaves_of
from ganlens.errors import GanlensError


@dataclass(frozen=True)
class Windows:
    """Rows of the picture that belong to each row of a layer's maps; columns alike.

    Attributes:
        shape: (C, h, w) of the layer's maps; h and w are 1 where it puts out plain vectors.
        first: first picture row of every map row, negative where the window reaches over the edge.
        stop: row after the last one, larger than ``side`` where the window reaches over the edge.
        side: rows of the picture.
    """

    shape: tuple[int, int, int]
    first: tuple[int, ...]
    stop: tuple[int, ...]
    side: int

    @property
    def size(self) -> int:
        """Rows of the largest window, what lies outside the picture included."""
        return max(b - a for a, b in zip(self.first, self.stop, strict=True))

    def maps(self, output: Tensor) -> Tensor:
        """Return a layer's (N, ...) output as (N, C, h, w) maps, as ``shape`` has it."""
        return output.reshape(len(output), *self.shape)


def receptive_windows(module: nn.Module, layer: str, example: Tensor) -> Windows:
    """Return what every position of a discriminator's layer sees, see ``receptive_field``.

    Args:
        module: a network from images, a chain of known layers.
        layer: a leaf or a group.
        example: (n, C, S, S) any images, for the sizes of the maps.

    Raises:
        GanlensError: unknown layer, or one whose field is not known.
    """
    field = receptive_field(module, layer)
    channels, rows, columns = _three(_shapes(module, [layer], example)[layer])
    if rows != columns:
        raise GanlensError(f"maps of {rows} x {columns} are not square: choose another layer")
    side = example.shape[-1]
    if field.size is None:
        return Windows((channels, rows, rows), (0,) * rows, (side,) * rows, side)
    first = tuple(field.start + i * field.stride for i in range(rows))
    stop = tuple(start + field.size for start in first)
    return Windows((channels, rows, rows), first, stop, side)


def projective_windows(module: nn.Module, layer: str, example: Tensor) -> Windows:
    """Return the pixels that every position of a generator's layer can change.

    An interval of rows [a, b] goes through a transposed convolution as [a s - p, b s - p + (k-1)d],
    through a convolution of stride 1 as [a + p - (k-1)d, b + p], and through nearest-neighbour
    resizing from n to m rows as [ceil(a m / n), ceil((b+1) m / n) - 1]. A vector that the network
    folds into maps further on (the matrix at the start of the authors' DCGAN) is folded here too.

    Args:
        module: a network from latents to pictures, a chain of known layers.
        layer: a leaf or a group.
        example: (n, d) any latents, for the sizes of the maps.

    Raises:
        GanlensError: unknown layer, or one on the way for which the rule is not known.
    """
    leaves = leaves_of(module)
    names = list(leaves)
    layer = last_leaf(module, layer)
    shapes = _shapes(module, names, example)
    side = shapes[names[-1]][-1]
    after = names[names.index(layer) + 1 :]
    shape = _three(_folded(shapes[layer], [leaves[name] for name in after]))
    channels, rows, _ = shape
    if rows == 1 and len(shapes[layer]) < 3:
        return Windows((channels, 1, 1), (0,), (side,), side)
    fields, size = [(i, i) for i in range(rows)], rows
    for name in after:
        fields = [_onward(leaves[name], name, field, size, shapes[name][-1]) for field in fields]
        size = shapes[name][-1] if len(shapes[name]) == 3 else size
    return Windows(shape, tuple(a for a, _ in fields), tuple(b + 1 for _, b in fields), side)


def _onward(
    part: nn.Module, name: str, field: tuple[int, int], rows: int, out: int
) -> tuple[int, int]:
    low, high = field
    if isinstance(part, nn.ConvTranspose2d):
        kernel, stride, padding, dilation = sides_of(part, name)
        return low * stride - padding, high * stride - padding + (kernel - 1) * dilation
    if isinstance(part, nn.Conv2d) and sides_of(part, name)[1] == 1:
        kernel, _, padding, dilation = sides_of(part, name)
        return low + padding - (kernel - 1) * dilation, high + padding
    if isinstance(part, nn.Upsample) and part.mode == "nearest":
        return math.ceil(low * out / rows), math.ceil((high + 1) * out / rows) - 1
    if isinstance(part, (*POINTWISE, nn.BatchNorm1d)):
        return field
    raise GanlensError(
        f"what a layer draws through {name!r} ({type(part).__name__}) is not known: choose a layer "
        "after it"
    )


def _folded(shape: Sequence[int], after: Sequence[nn.Module]) -> Sequence[int]:
    """Fold the shape of a vector as the next convolution takes it; others stay as they are."""
    if len(shape) != 1:
        return shape
    for part in after:
        if isinstance(part, nn.Linear):
            return shape
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            side = math.isqrt(shape[0] // part.in_channels)
            return (part.in_channels, side, side)
    return shape


def _three(shape: Sequence[int]) -> tuple[int, int, int]:
    channels, rows, columns = (*shape, 1, 1)[:3]
    return channels, rows, columns


def _shapes(module: nn.Module, layers: list[str], example: Tensor) -> dict[str, tuple[int, ...]]:
    with torch.inference_mode(), capture(module, layers) as outputs:
        module(example[:1])
    return {name: tuple(output.shape[1:]) for name, output in outputs.items()}
