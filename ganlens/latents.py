"""Latents by description: seeds, rows, walks between seeds, and weighted sums of seeds.

Each description is a frozen dataclass of plain values, so it fits into the recipe of a picture, and
gives the same latents on every machine.
"""

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from ganlens.errors import GanlensError, one_of
from ganlens.interpolation import MODES, Mode, resolve_mode, walk
from ganlens.models.prior import Prior

MAX_ROWS = 10_000  # pictures on one sheet; a recipe from elsewhere must not fill the memory
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Seeds:
    """One latent per seed."""

    kind: ClassVar[str] = "seeds"
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        _put(self, "seeds", _seeds(self.seeds))
        _count(len(self.seeds))

    @property
    def count(self) -> int:
        """Number of latents."""
        return len(self.seeds)

    def latents(self, prior: Prior) -> Tensor:
        """Return (N, d) latents."""
        return prior.sample(self.seeds)


@dataclass(frozen=True)
class Rows:
    """Latents spelled out: (N, d) numbers."""

    kind: ClassVar[str] = "rows"
    rows: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        try:
            rows = tuple(tuple(float(value) for value in row) for row in self.rows)
        except (TypeError, ValueError, OverflowError) as error:
            raise GanlensError("rows must be lists of numbers, one list per latent") from error
        _put(self, "rows", rows)
        _count(len(rows))
        finite = all(math.isfinite(value) for row in rows for value in row)
        if len({len(row) for row in rows}) > 1 or not finite or not rows[0]:
            raise GanlensError("rows must be equally long, finite and not empty: one per latent")

    @classmethod
    def of(cls, z: Tensor) -> "Rows":
        """Spell out (N, d) latents; float32 survives the way through JSON exactly."""
        return cls(tuple(map(tuple, z.tolist())))

    @property
    def count(self) -> int:
        """Number of latents."""
        return len(self.rows)

    def latents(self, prior: Prior) -> Tensor:
        """Return (N, d) latents; an error if d is not the prior's."""
        if len(self.rows[0]) != prior.dim:
            raise GanlensError(
                f"the rows have {len(self.rows[0])} coordinates: this generator takes {prior.dim}"
            )
        return torch.tensor(self.rows)


@dataclass(frozen=True)
class Walk:
    """A walk through the latents of several seeds, leg by leg, as in the paper's section 6.1.

    Attributes:
        seeds: at least 2 corners.
        steps: latents per leg, both of its corners included, at least 2; a corner between two legs
            therefore stands twice, as the end of one row of the picture and the start of the next.
        mode: "lerp", "slerp", "gaussian" (uniform prior), or "auto": what suits the prior.
        loop: walk back from the last corner to the first.
    """

    kind: ClassVar[str] = "walk"
    seeds: tuple[int, ...]
    steps: int = 10
    mode: Mode = "auto"
    loop: bool = False

    def __post_init__(self) -> None:
        _put(self, "seeds", _seeds(self.seeds))
        if len(self.seeds) < 2:
            raise GanlensError(
                f"a walk through {len(self.seeds)} seeds goes nowhere: give at least 2"
            )
        if not isinstance(self.steps, int) or isinstance(self.steps, bool) or self.steps < 2:
            raise GanlensError(f"steps {self.steps!r} must be a whole number of at least 2 per leg")
        if self.mode not in MODES:
            raise one_of("mode", self.mode, MODES)
        if not isinstance(self.loop, bool):
            raise GanlensError(f"loop {self.loop!r} must be true or false")
        _count(len(self.seeds) * self.steps)

    @property
    def count(self) -> int:
        """Number of latents."""
        return (len(self.seeds) - (not self.loop)) * self.steps

    def latents(self, prior: Prior) -> Tensor:
        """Return (legs * steps, d) latents."""
        corners = self.seeds + self.seeds[: int(self.loop)]
        return walk(prior.sample(corners), self.steps, resolve_mode(self.mode, prior.kind))


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
            terms = tuple((_seed(seed), float(weight)) for seed, weight in self.terms)
            jitter = None if self.jitter is None else (_seed(self.jitter[0]), float(self.jitter[1]))
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise GanlensError("a sum takes (seed, weight) pairs and one (seed, width)") from error
        if not terms or not all(math.isfinite(weight) for _, weight in terms):
            raise GanlensError("a sum needs at least one (seed, weight) pair, with finite weights")
        if jitter is not None and not math.isfinite(jitter[1]):
            raise GanlensError(f"a sum's noise of width {jitter[1]} must be finite")
        _put(self, "terms", terms)
        _put(self, "jitter", jitter)

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
        _put(self, "sums", tuple(self.sums))
        _count(sum(len(one.terms) for one in self.sums))

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
        return torch.stack([one.of(vectors) + _noise(one.jitter, prior.dim) for one in self.sums])


@dataclass(frozen=True)
class Stack:
    """Several descriptions one after another, so that one picture can compare them."""

    kind: ClassVar[str] = "stack"
    parts: "tuple[Seeds | Rows | Walk | Mix, ...]"

    def __post_init__(self) -> None:
        _put(self, "parts", tuple(self.parts))
        if any(isinstance(part, Mix) and part.space == "pixels" for part in self.parts):
            raise GanlensError("a sum of pictures cannot be stacked on latents: draw it by itself")
        _count(self.count)

    @property
    def count(self) -> int:
        """Number of latents."""
        return sum(part.count for part in self.parts)

    def latents(self, prior: Prior) -> Tensor:
        """Return (N, d) latents."""
        return torch.cat([part.latents(prior) for part in self.parts])


Latents = Seeds | Rows | Walk | Mix | Stack
KINDS: dict[str, Any] = {cls.kind: cls for cls in (Seeds, Rows, Walk, Mix, Stack)}


def _noise(jitter: tuple[int, float] | None, dim: int) -> Tensor:
    if jitter is None:
        return torch.zeros(dim)
    seed, width = jitter
    return Prior("uniform", dim).sample([seed])[0] * width


def _put(instance: object, name: str, value: Any) -> None:
    object.__setattr__(instance, name, value)  # how a frozen dataclass normalises its own fields


def _seeds(values: Sequence[int]) -> tuple[int, ...]:
    return tuple(_seed(value) for value in values)


def _seed(value: Any) -> int:
    try:
        seed = operator.index(value)
    except TypeError:
        seed = -1
    if isinstance(value, bool) or not 0 <= seed <= MAX_SEED:
        raise GanlensError(f"seed {value!r} must be a whole number from 0 to {MAX_SEED}")
    return seed


def _count(count: int) -> None:
    if not 1 <= count <= MAX_ROWS:
        raise GanlensError(f"a picture of {count} samples cannot be drawn: give 1 to {MAX_ROWS:,}")
