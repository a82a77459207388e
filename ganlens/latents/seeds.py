"""Latents named by seeds."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ganlens.latents.checks import check_count, check_seeds, put
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class Seeds:
    """One latent per seed."""

    kind: ClassVar[str] = "seeds"
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        put(self, "seeds", check_seeds(self.seeds))
        check_count(len(self.seeds))

    @property
    def count(self) -> int:
        """Number of latents."""
        return len(self.seeds)

    def latents(self, prior: Prior) -> Tensor:
        """Return (N, d) latents."""
        return prior.sample(self.seeds)
