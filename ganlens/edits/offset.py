"""The edit that adds one tensor to what a layer puts out."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ganlens.edits.checks import at_column, numbers, text
from ganlens.errors import GanlensError

MAX_OFFSET = 2**20  # values; a recipe from elsewhere must not fill the memory


@dataclass(frozen=True)
class Offset:
    """Edit: add amount * offset to what one generator layer puts out (Härkönen 2020, GANSpace).

    An edit at a late layer changes only what that layer and those after it decide.

    Attributes:
        layer: as ``subject.layers("generator")`` names it.
        values: the offset, little-endian float32 in base64, as ``of`` writes it.
        amounts: one or more.
        name: what it stands for, for the reader of the recipe.
    """

    kind: ClassVar[str] = "offset"
    layer: str
    values: str
    amounts: tuple[float, ...] = (1.0,)
    name: str = ""

    def __post_init__(self) -> None:
        for field in ("layer", "values", "name"):
            text(getattr(self, field), field)
        object.__setattr__(self, "amounts", numbers(self.amounts, "amounts"))
        _ = self.offset  # fail early

    @classmethod
    def of(
        cls, layer: str, offset: Tensor, amounts: Sequence[float] = (1.0,), name: str = ""
    ) -> "Offset":
        """Make the edit of a tensor of the layer's output shape without the batch, or flattened."""
        flat = offset.detach().float().cpu().flatten().numpy().astype("<f4")
        text = base64.b64encode(flat.tobytes()).decode("ascii")
        return cls(layer, text, tuple(amounts), name)

    @cached_property
    def offset(self) -> Tensor:
        """The offset, flattened."""
        if len(self.values) > 6 * MAX_OFFSET:
            raise GanlensError(f"an offset of more than {MAX_OFFSET:,} values is not read")
        try:
            flat = np.frombuffer(base64.b64decode(self.values, validate=True), "<f4")
        except (binascii.Error, ValueError) as error:
            raise GanlensError(f"the offset is not float32 in base64: {error}") from error
        if not len(flat) or not np.isfinite(flat).all():
            raise GanlensError("the offset must hold finite numbers, at least one")
        return torch.from_numpy(flat.astype(np.float32))

    def activations(self, output: Tensor, column: int) -> Tensor:
        """Return what the layer put out, moved by the amount of this column.

        Raises:
            GanlensError: the offset has another size than the layer's output.
        """
        if len(self.offset) != output[0].numel():
            raise GanlensError(
                f"the offset has {len(self.offset)} values: layer {self.layer!r} puts out "
                f"{output[0].numel()}"
            )
        offset = self.offset.to(output).view(output.shape[1:])
        return output + at_column(self.amounts, column) * offset
