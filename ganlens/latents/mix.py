"""Weighted sums of seeds: means, vector arithmetic and its noisy neighbours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganlens.errors import GanlensError, one_of
from ganlens.latents.checks import check_count, check_seed, put
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class Sum:
    """A weighted sum of the latents of some seeds, plus uniform noise if asked for.

    Attributes:
        terms: (seed, weight) pairs, at least one.
        jitter: (seed, half-width) of the noise U(-half-width, half-width), or None.
    """

    terms: tuple[tuple[int, float], ...]
    jitter: tuple[int, float] | None = None

    def __post_init__(self) -> None:
        try:
            terms = tuple((check_seed(seed), float(weight)) for seed, weight in self.terms)
            noise = self.jitter
            jitter = None if noise is None else (check_seed(noise[0]), float(noise[1]))
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise GanlensError("a sum takes (seed, weight) pairs and one (seed, width)") from error
        if not terms or not all(math.isfinite(weight) for _, weight in terms):
            raise GanlensError("a sum needs at least one (seed, weight) pair, with finite weights")
        if jitter is not None and not math.isfinite(jitter[1]):
            raise GanlensError(f"a sum's noise of width {jitter[1]} must be finite")
        put(self, "terms", terms)
        put(self, "jitter", jitter)

    @classmethod
    def mean(cls, seeds: Sequence[int], sign: float = 1.0) -> "Sum":
        """Return the mean of some seeds' latents, or its negative with ``sign`` -1."""
        return cls(tuple((int(seed), sign / len(seeds)) for seed in seeds))

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.terms + other.terms, self.jitter or other.jitter)

    def of(self, vectors: dict[int, Tensor]) -> Tensor:
        """Add up what each seed stands for (latents or images), without the noise."""
        weighted = [weight * vectors[seed].double() for seed, weight in self.terms]
        return torch.stack(weighted).sum(0).float()


@dataclass(frozen=True)
class Mix:
    """One weighted sum of seeds per picture: means, vector arithmetic and its noisy neighbours.

    Attributes:
        sums: one per picture.
        space: "latent" sums latents and then draws; "pixels" draws each seed and sums the images
            (clipped to [-1, 1]), the control of the paper's section 6.3.2; it ignores the noise.
    """

    kind: ClassVar[str] = "mix"
    sums: tuple[Sum, ...]
    space: Literal["latent", "pixels"] = "latent"

    def __post_init__(self) -> None:
        if self.space not in ("latent", "pixels"):
            raise one_of("space", self.space, ("latent", "pixels"))
        put(self, "sums", tuple(self.sums))
        check_count(sum(len(one.terms) for one in self.sums))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed that takes part, once, in order of appearance."""
        return tuple(dict.fromkeys(seed for one in self.sums for seed, _ in one.terms))

    @property
    def count(self) -> int:
        """Number of latents."""
        return len(self.sums)

    def latents(self, prior: Prior) -> Tensor:
        """Return (N, d) latents, noise included."""
        vectors = dict(zip(self.seeds, prior.sample(self.seeds), strict=True))
        return torch.stack([one.of(vectors) + _noise(one.jitter, prior) for one in self.sums])


def _noise(jitter: tuple[int, float] | None, prior: Prior) -> Tensor:
    """Return (d,) noise; of unequal parts each gets its share by its own deviation."""
    if jitter is None:
        return torch.zeros(prior.dim)
    seed, width = jitter
    noise = Prior("uniform", prior.dim).sample([seed])[0] * width
    return noise if len(prior.parts) == 1 else noise * (prior.stds / prior.std).float()
