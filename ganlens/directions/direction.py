"""Direction: a unit vector in latent space that is meant to mean something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganlens.edits import Move, Offset
from ganlens.errors import GanlensError
from ganlens.models.prior import Prior

if TYPE_CHECKING:
    from ganlens.subject import Subject

DUPLICATE = 0.9  # |cos| above which two directions count as one


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction in latent space, and what is known of it.

    There is one scale for all methods: an amount is counted in standard deviations of the prior, so
    that ``amount`` moves a latent to ``z + amount * prior.std * unit``.

    Attributes:
        name: what it is called, for example "glasses=dark" or "sefa 1".
        method: how it was found: "ganspace", "sefa", "boundary", "conditional", "means", "random"
            or any other word.
        unit: (d,) float32 of length 1.
        claim: the attribute expression that it is meant to make true, "" where it claims nothing.
        intercept: of a boundary, in sigmas: a latent is on the positive side where
            ``z @ unit / prior.std + intercept`` is above 0; None where there is no boundary.
        strength: what the method ranks by (share of explained variance, held-out AUC ...), or None.
        layer: generator layer of the offset, or None.
        offset: what one standard deviation along an activation component adds to that layer's
            output, flattened float32, or None.
        metrics: further numbers, such as held-out accuracy and how many samples are behind it.
        provenance: JSON-able: checkpoint, hash, weights, settings, versions ...

    Raises:
        GanlensError: a vector that is empty, not finite or not of length 1; an offset without a
            layer.
    """

    name: str
    method: str
    unit: np.ndarray
    claim: str = ""
    intercept: float | None = None
    strength: float | None = None
    layer: str | None = None
    offset: np.ndarray | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", _vector(self.unit, self.name))
        length = float(np.linalg.norm(self.unit.astype(np.float64)))
        if abs(length - 1) > 1e-3:
            raise GanlensError(f"direction {self.name!r} has length {length:.4g}: it must be 1")
        if self.offset is not None:
            object.__setattr__(self, "offset", _vector(self.offset, f"{self.name} (offset)"))
            if not self.layer:
                raise GanlensError(f"direction {self.name!r} has an offset but no layer for it")

    def move(self, prior: Prior, amounts: Sequence[float]) -> Move:
        """Return the edit that moves latents by these amounts, in sigmas of the prior.

        Raises:
            GanlensError: a prior of another dimension.
        """
        if len(self.unit) != prior.dim:
            raise GanlensError(
                f"direction {self.name!r} has {len(self.unit)} coordinates: this generator takes "
                f"{prior.dim}"
            )
        vector = torch.from_numpy(self.unit * np.float32(prior.std))
        return Move.along(vector, tuple(map(float, amounts)), self.name)

    def offset_edit(self, amounts: Sequence[float]) -> Offset:
        """Return the edit of the layer itself; amounts are standard deviations of the component.

        Raises:
            GanlensError: a direction without an offset.
        """
        if self.offset is None or self.layer is None:
            raise GanlensError(
                f"direction {self.name!r} has no offset of a layer: only ganspace ones have"
            )
        return Offset.of(
            self.layer, torch.from_numpy(self.offset), tuple(map(float, amounts)), self.name
        )

    def check(self, subject: "Subject") -> None:
        """Raise a GanlensError that names both hashes if it was found in another checkpoint."""
        wanted = self.provenance.get("hash"), self.provenance.get("weights")
        found = subject.provenance.get("hash"), subject.provenance.get("weights")
        if wanted != found:
            raise GanlensError(
                f"direction {self.name!r} was found in checkpoint {wanted[0]} ({wanted[1]} "
                f"weights), not in {subject.name!r} with {found[0]} ({found[1]} weights): load "
                "the one it belongs to, or find directions anew"
            )


def unit_of(vector: np.ndarray) -> np.ndarray:
    """Scale (d,) numbers to length 1, as float32.

    Raises:
        GanlensError: a vector without length, or one that is not finite.
    """
    length = float(np.linalg.norm(np.asarray(vector, np.float64)))
    if not np.isfinite(length) or length < 1e-12:
        raise GanlensError(f"a vector of length {length:.3g} has no direction")
    return (np.asarray(vector, np.float64) / length).astype(np.float32)


def fixed_sign(vector: np.ndarray) -> int:
    """Return -1 where the coordinate of largest size is negative, else 1.

    An eigenvector and its negative are the same result: this choice makes runs comparable.
    """
    return -1 if vector[np.abs(vector).argmax()] < 0 else 1


def cosines(directions: Sequence[Direction]) -> np.ndarray:
    """Return the (n, n) float64 cosines between directions: 1 and -1 mean the same line."""
    if not directions:
        return np.zeros((0, 0))
    units = np.stack([one.unit for one in directions]).astype(np.float64)
    return np.clip(units @ units.T, -1, 1)


def duplicates(directions: Sequence[Direction], threshold: float = DUPLICATE) -> list[int | None]:
    """Return, for each direction, the index of the first earlier one on the same line, or None.

    Args:
        directions: in the order in which they are to be kept.
        threshold: |cos| above which two count as the same, above 0 and at most 1.

    Raises:
        GanlensError: a threshold outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise GanlensError(f"threshold {threshold:g} of |cos|: give above 0 and at most 1")
    table = np.abs(cosines(directions))
    found = (np.flatnonzero(table[i, :i] > threshold) for i in range(len(directions)))
    return [int(earlier[0]) if len(earlier) else None for earlier in found]


def random_directions(prior: Prior, count: int, seed: int = 0) -> list[Direction]:
    """Draw unit vectors evenly from the sphere: the baseline of every claim about a direction."""
    rng = np.random.default_rng(seed)
    return [
        Direction(f"random {i + 1}", "random", unit_of(rng.standard_normal(prior.dim)))
        for i in range(count)
    ]


def _vector(values: np.ndarray, name: str) -> np.ndarray:
    vector = np.ascontiguousarray(values, dtype=np.float32)
    if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
        raise GanlensError(f"direction {name!r} must be a list of finite numbers, at least one")
    return vector
