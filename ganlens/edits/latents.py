"""Edits of latents, on the way into the generator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganlens.edits.checks import at_column, finite, numbers, text
from ganlens.errors import GanlensError
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class Project:
    """Edit: bring every latent back to where the prior has its mass."""

    kind: ClassVar[str] = "project"

    def latents(self, z: Tensor, prior: Prior, column: int) -> Tensor:
        """Return the (N, d) latents, projected."""
        return prior.project(z)


@dataclass(frozen=True)
class Truncate:
    """Edit: draw from the prior cut off at a threshold, fewer extremes for less variety.

    The truncation trick of Brock 2019 (BigGAN, arXiv 1809.11096) draws a coordinate anew until it
    lies below the threshold. Here each is carried to the same distribution by its quantile, so a
    seed keeps its character and the picture changes continuously with the threshold.

    Attributes:
        threshold: in standard deviations of a normal prior, or in halves of a uniform prior's
            range (0 to 1); above 0.
    """

    kind: ClassVar[str] = "truncate"
    threshold: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", finite(self.threshold, "threshold"))
        if self.threshold <= 0:
            raise GanlensError(f"threshold {self.threshold:g} must be above 0, for example 1")

    def latents(self, z: Tensor, prior: Prior, column: int) -> Tensor:
        """Return the (N, d) latents, truncated."""
        return prior.truncate(z, self.threshold)


@dataclass(frozen=True)
class Move:
    """Edit: move every latent along a vector, z + amount * vector.

    Attributes:
        vector: (d,) numbers.
        amounts: one or more.
        name: what it stands for, for the reader of the recipe.
    """

    kind: ClassVar[str] = "move"
    vector: tuple[float, ...]
    amounts: tuple[float, ...] = (1.0,)
    name: str = ""

    def __post_init__(self) -> None:
        for field in ("vector", "amounts"):
            object.__setattr__(self, field, numbers(getattr(self, field), field))
        text(self.name, "name")

    @classmethod
    def along(cls, vector: Tensor, amounts: Sequence[float] = (1.0,), name: str = "") -> "Move":
        """Make the edit of a (d,) tensor."""
        return cls(tuple(vector.tolist()), tuple(amounts), name)

    def latents(self, z: Tensor, prior: Prior, column: int) -> Tensor:
        """Return the (N, d) latents, moved by the amount of this column.

        Raises:
            GanlensError: the vector has another length than the latents.
        """
        if len(self.vector) != z.shape[1]:
            raise GanlensError(
                f"the direction has {len(self.vector)} coordinates: this generator takes "
                f"{z.shape[1]}"
            )
        return z + at_column(self.amounts, column) * torch.tensor(self.vector, dtype=z.dtype)
