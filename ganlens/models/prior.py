"""Latent priors: what a generator was trained to map from."""

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganlens.errors import GanlensError, one_of

PRIORS = ("normal", "uniform")
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Prior:
    """A distribution over latents of ``dim`` independent coordinates.

    Attributes:
        kind: "normal" is N(0, 1), "uniform" is U(-1, 1) per coordinate.
        dim: number of coordinates, at least 1.
    """

    kind: Literal["normal", "uniform"]
    dim: int

    def __post_init__(self) -> None:
        if self.kind not in PRIORS:
            raise one_of("prior", self.kind, PRIORS)
        if self.dim < 1:
            raise GanlensError(f"latent dimension {self.dim} is too small: give at least 1")

    @property
    def std(self) -> float:
        """Standard deviation of one coordinate: 1, or 1/sqrt(3) for the uniform prior."""
        return 1.0 if self.kind == "normal" else 3**-0.5

    def sample(self, seeds: Iterable[int]) -> Tensor:
        """Draw one latent per seed, so that a seed means the same latent at any batch size.

        Returns:
            (N, dim) float32 on the CPU, where the stream of a seed is the same on every machine.

        Raises:
            GanlensError: a seed that is no whole number from 0 to MAX_SEED.
        """
        rows = [self._draw(torch.Generator().manual_seed(check_seed(seed))) for seed in seeds]
        return torch.stack(rows) if rows else torch.empty(0, self.dim)

    def sample_batch(self, count: int, seed: int) -> Tensor:
        """Draw (count, dim) latents from one stream: for training, where no row needs a name."""
        return self._draw(torch.Generator().manual_seed(seed), count)

    def _draw(self, generator: torch.Generator, *shape: int) -> Tensor:
        size = (*shape, self.dim)
        if self.kind == "normal":
            return torch.randn(size, generator=generator)
        return torch.rand(size, generator=generator).mul_(2).sub_(1)

    def project(self, z: Tensor) -> Tensor:
        """Bring latents back where the prior has its mass.

        Uniform: coordinates are clipped to [-1, 1]. Normal: each row is scaled to norm sqrt(dim),
        the sphere on which a high-dimensional normal concentrates.
        """
        if self.kind == "uniform":
            return z.clamp(-1, 1)
        return z * (self.dim**0.5 / z.norm(dim=-1, keepdim=True).clamp_min(1e-12))

    def truncate(self, z: Tensor, threshold: float) -> Tensor:
        """Carry each coordinate of (N, dim) latents to the prior cut off at a threshold.

        The map is monotone and takes the prior exactly to its truncation: quantile to quantile.

        Args:
            z: latents.
            threshold: above 0; for a uniform prior anything above 1 changes nothing.
        """
        if self.kind == "uniform":
            return z * min(threshold, 1.0)
        inside = math.erf(threshold / math.sqrt(2))  # share of the prior below the threshold
        share = torch.erf(z.double() / math.sqrt(2)) * inside
        return (math.sqrt(2) * torch.erfinv(share)).to(z)


def check_seed(seed: object, count: int = 1) -> int:
    """Return a seed, the first of ``count``, as an integer; torch would wrap a negative one.

    Raises:
        GanlensError: one of them is no whole number from 0 to MAX_SEED.
    """
    try:
        first = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        first = -1
    if isinstance(seed, bool) or not 0 <= first <= MAX_SEED - (count - 1):
        last = f" of {count:,}" if count > 1 else ""
        raise GanlensError(f"seed {seed!r}{last} must be a whole number from 0 to {MAX_SEED}")
    return first
