"""Several descriptions of latents on one sheet."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.latents.checks import check_count, put
from ganlens.latents.mix import Mix
from ganlens.latents.patch import Patch
from ganlens.latents.rows import Rows
from ganlens.latents.seeds import Seeds
from ganlens.latents.walk import Walk
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class Stack:
    """Several descriptions one after another, so that one picture can compare them."""

    kind: ClassVar[str] = "stack"
    parts: "tuple[Seeds | Rows | Walk | Patch | Mix, ...]"

    def __post_init__(self) -> None:
        put(self, "parts", tuple(self.parts))
        if any(isinstance(part, Mix) and part.space == "pixels" for part in self.parts):
            raise GanlensError("a sum of pictures cannot be stacked on latents: draw it by itself")
        check_count(self.count)

    @property
    def count(self) -> int:
        """Number of latents."""
        return sum(part.count for part in self.parts)

    def latents(self, prior: Prior) -> Tensor:
        """Return (N, d) latents."""
        return torch.cat([part.latents(prior) for part in self.parts])
