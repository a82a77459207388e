"""Latent priors: what a generator was trained to map from."""

import math
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.errors import GanlensError, one_of
from ganlens.limits import MAX_SEED

PRIORS = ("normal", "uniform")  # of independent coordinates
PARTS = (*PRIORS, "categorical")  # what parts side by side may be
NEAR = 1e-5  # of a coordinate of a one-hot part: what rounding may do to it


@dataclass(frozen=True)
class Part:
    """Neighbouring coordinates of a latent that are drawn alike.

    Attributes:
        kind: "normal" is N(0, 1) and "uniform" U(-1, 1) per coordinate; "categorical" is one-hot,
            every category as likely.
        dim: number of coordinates, at least 1.
        name: what captions and flags call it.
    """

    kind: Literal["normal", "uniform", "categorical"]
    dim: int
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind not in PARTS:
            raise one_of("prior", self.kind, PARTS)
        if self.dim < 1:
            raise GanlensError(f"latent dimension {self.dim} is too small: give at least 1")

    @property
    def std(self) -> float:
        """Standard deviation of one coordinate."""
        if self.kind == "categorical":
            return math.sqrt(self.dim - 1) / self.dim
        return 1.0 if self.kind == "normal" else 3**-0.5

    @property
    def mean_square(self) -> float:
        """Mean of the square of one coordinate; more than the variance where the mean is not 0."""
        return 1 / self.dim if self.kind == "categorical" else self.std**2

    def outside(self, z: Tensor) -> Tensor:
        """Return a bool per coordinate of (..., dim): whether it lies where none is ever drawn."""
        if self.kind == "categorical":
            return ~(z.isclose(torch.zeros_like(z), atol=NEAR) | z.isclose(torch.ones_like(z)))
        return z.abs() > 1 if self.kind == "uniform" else torch.zeros_like(z, dtype=torch.bool)

    def draw(self, generator: torch.Generator, *shape: int) -> Tensor:
        """Draw (*shape, dim) coordinates."""
        if self.kind == "categorical":
            category = torch.randint(self.dim, shape, generator=generator)
            return F.one_hot(category, self.dim).float()
        size = (*shape, self.dim)
        if self.kind == "normal":
            return torch.randn(size, generator=generator)
        return torch.rand(size, generator=generator).mul_(2).sub_(1)

    def project(self, z: Tensor) -> Tensor:
        """Bring (N, dim) coordinates back where they have their mass; see ``Prior.project``."""
        if self.kind == "categorical":
            return F.one_hot(z.argmax(-1), self.dim).to(z)
        if self.kind == "uniform":
            return z.clamp(-1, 1)
        return z * (self.dim**0.5 / z.norm(dim=-1, keepdim=True).clamp_min(1e-12))

    def truncate(self, z: Tensor, threshold: float) -> Tensor:
        """Carry (N, dim) coordinates to the part cut off at a threshold; see ``Prior.truncate``."""
        if self.kind == "categorical":
            return z
        if self.kind == "uniform":
            return z * min(threshold, 1.0)
        inside = math.erf(threshold / math.sqrt(2))  # share of the part below the threshold
        share = torch.erf(z.double() / math.sqrt(2)) * inside
        return (math.sqrt(2) * torch.erfinv(share)).to(z)


@dataclass(frozen=True)
class Prior:
    """A distribution over latents: independent coordinates of one kind, or parts side by side.

    Attributes:
        kind: "normal" is N(0, 1), "uniform" is U(-1, 1) per coordinate; "parts" for several.
        dim: number of coordinates, at least 1.
        parts: from left to right; a prior of one kind has one.
    """

    kind: Literal["normal", "uniform", "parts"]
    dim: int
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        given = tuple(Part(**p) if isinstance(p, Mapping) else p for p in self.parts)
        if self.kind in PRIORS:
            given = (Part(self.kind, self.dim, "latent"),)  # type: ignore[arg-type]
        elif self.kind != "parts":
            raise one_of("prior", self.kind, (*PRIORS, "parts"))
        if not given or sum(part.dim for part in given) != self.dim:
            raise GanlensError(
                f"prior of {self.dim} coordinates does not fit its parts"
                f" {', '.join(f'{p.kind} {p.dim}' for p in given) or '(none)'}: their widths add up"
            )
        object.__setattr__(self, "parts", _named(given))

    @classmethod
    def of(cls, words: str | Sequence[Part]) -> "Prior":
        """Return the prior of some words, such as "normal 62, categorical 10, uniform 2".

        Raises:
            GanlensError: words that name no parts.
        """
        parts = tuple(map(_part, words.split(","))) if isinstance(words, str) else tuple(words)
        if len(parts) == 1 and parts[0].kind in PRIORS:
            return cls(parts[0].kind, parts[0].dim)  # type: ignore[arg-type]
        return cls("parts", sum(part.dim for part in parts), parts)

    def __str__(self) -> str:
        """Say it to a reader: "normal, 100 coordinates", or its parts."""
        return f"{self.kind}, {self.dim} coordinates" if self.kind in PRIORS else self.words

    @property
    def words(self) -> str:
        """The prior in words that ``of`` reads: "normal 62, categorical 10, uniform 2"."""
        return ", ".join(f"{part.kind} {part.dim}" for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values, from which ``Prior(**values)`` is an equal one."""
        plain = {"kind": self.kind, "dim": self.dim}
        if self.kind in PRIORS:
            return plain
        parts = [{"kind": p.kind, "dim": p.dim, "name": p.name} for p in self.parts]
        return {**plain, "parts": parts}

    @property
    def std(self) -> float:
        """Standard deviation of one coordinate, over unequal parts the root mean square."""
        if len(self.parts) == 1:
            return self.parts[0].std
        return math.sqrt(sum(p.dim * p.std**2 for p in self.parts) / self.dim)

    @property
    def stds(self) -> Tensor:
        """Standard deviation of each coordinate: (dim,) float64."""
        every = [std for part in self.parts for std in [part.std] * part.dim]
        return torch.tensor(every, dtype=torch.float64)

    @property
    def mean_square(self) -> float:
        """Mean of the square of one coordinate, over unequal parts the mean over all."""
        if len(self.parts) == 1:
            return self.parts[0].mean_square
        return sum(part.dim * part.mean_square for part in self.parts) / self.dim

    def outside(self, z: Tensor) -> Tensor:
        """Return a bool per coordinate of (..., dim): whether it lies where none is ever drawn.

        That is beyond [-1, 1] of a uniform part and between 0 and 1, or beyond, of a categorical
        one; a normal one is drawn everywhere.
        """
        pieces = zip(self.parts, self.split(z), strict=True)
        return _joined([part.outside(piece) for part, piece in pieces])

    def columns(self, name: str) -> slice:
        """Return the coordinates of a part.

        Raises:
            GanlensError: an unknown name, with the known ones.
        """
        first = 0
        for part in self.parts:
            if part.name == name:
                return slice(first, first + part.dim)
            first += part.dim
        raise one_of("part of the prior", name, [part.name for part in self.parts])

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
        return _joined([part.draw(generator, *shape) for part in self.parts])

    def project(self, z: Tensor) -> Tensor:
        """Bring latents back where the prior has its mass.

        Uniform: coordinates are clipped to [-1, 1]. Normal: each row is scaled to norm sqrt(dim),
        the sphere on which a high-dimensional normal concentrates. Categorical: the largest
        coordinate becomes 1, the others 0. Parts: each by itself.
        """
        pieces = zip(self.parts, self.split(z), strict=True)
        return _joined([part.project(piece) for part, piece in pieces])

    def truncate(self, z: Tensor, threshold: float) -> Tensor:
        """Carry each coordinate of (N, dim) latents to the prior cut off at a threshold.

        The map is monotone and takes the prior exactly to its truncation: quantile to quantile. A
        categorical part has no extremes and stays.

        Args:
            z: latents.
            threshold: above 0; for a uniform prior anything above 1 changes nothing.
        """
        pieces = zip(self.parts, self.split(z), strict=True)
        return _joined([part.truncate(piece, threshold) for part, piece in pieces])

    def split(self, z: Tensor) -> tuple[Tensor, ...]:
        """Return the parts of (..., dim) latents, in order."""
        return z.split([part.dim for part in self.parts], dim=-1)


def _joined(pieces: Sequence[Tensor]) -> Tensor:
    return pieces[0] if len(pieces) == 1 else torch.cat(list(pieces), dim=-1)


def _part(words: str) -> Part:
    found = re.fullmatch(r"\s*([a-z]+)\s+(\d+)\s*", words)
    if found is None:
        raise GanlensError(
            f"prior {words.strip()!r} is no part: write a kind and its width, as in 'normal 62,"
            " categorical 10, uniform 2'"
        )
    return Part(found[1], int(found[2]))  # type: ignore[arg-type]


def _named(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Give every part a name of its own: its kind, and a number where that is not enough."""
    kinds = [part.kind for part in parts]
    named = []
    for index, part in enumerate(parts):
        nth = kinds[: index + 1].count(part.kind)
        name = part.kind if kinds.count(part.kind) == 1 else f"{part.kind}{nth}"
        named.append(part if part.name else Part(part.kind, part.dim, name))
    if len({part.name for part in named}) < len(named):
        raise GanlensError("parts of a prior need names of their own: two are called alike")
    return tuple(named)


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
