"""Windows: the part of the picture that each position of a layer sees, or draws on.

In a discriminator that is the receptive field. In a generator it is the other way round: the pixels
that depend on one position of the layer, its projective field.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from ganlens.activations.fields import field_of, fields_of
from ganlens.activations.names import find_layer
from ganlens.activations.projection import rows_drawn
from ganlens.activations.rules import Shape
from ganlens.activations.tracing import trace
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

    A vector that was made of maps, as by a flattening, is those maps here.

    Args:
        module: a network from images.
        layer: a leaf, a group, or a function.
        example: (n, C, S, S) any images, for the sizes of the maps.

    Raises:
        GanlensError: unknown layer, or one whose field is not known.
    """
    find_layer(module, layer)
    passed = trace(module, example)
    seen = fields_of(passed)
    field, shape = field_of(seen, passed, layer), seen[passed.step_of(layer)].maps
    check_square(shape)
    side = example.shape[-1]
    rows = [one or (0, 0) for one in field.rows_of(shape[1], side)]
    return Windows(shape, tuple(a for a, _ in rows), tuple(b for _, b in rows), side)


def projective_windows(module: nn.Module, layer: str, example: Tensor) -> Windows:
    """Return the pixels that every position of a generator's layer can change.

    An interval of rows [a, b] goes through a transposed convolution as [a s - p, b s - p + (k-1)d],
    through a convolution as [(a + p - (k-1)d) / s rounded up, (b + p) / s rounded down], and
    through nearest-neighbour resizing from n to m rows as [ceil(a m / n), ceil((b+1) m / n) - 1].
    A vector that the network folds into maps further on (the matrix at the start of the authors'
    DCGAN) is folded here too.

    Args:
        module: a network from latents to pictures.
        layer: a leaf, a group, or a function.
        example: (n, d) any latents, for the sizes of the maps.

    Raises:
        GanlensError: unknown layer, or a function on the way for which the rule is not known.
    """
    find_layer(module, layer)
    passed = trace(module, example)
    shape, rows = rows_drawn(passed, passed.step_of(layer))
    check_square(shape)
    picture = passed.steps[passed.output or 0].shape
    return Windows(shape, tuple(a for a, _ in rows), tuple(b + 1 for _, b in rows), picture[-1])


def check_square(shape: Shape) -> None:
    """Refuse (C, h, w) maps whose rows and columns are not alike.

    Raises:
        GanlensError: they are not.
    """
    if shape[1] != shape[2]:
        raise GanlensError(f"maps of {shape[1]} x {shape[2]} are not square: choose another layer")
