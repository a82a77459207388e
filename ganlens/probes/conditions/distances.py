"""Distances class by class: samples asked for a class beside held-out images of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganlens import stats
from ganlens.probes.conditions.readable import UNREAD, Target

FEWEST = 10  # images of either kind; fewer leave nothing but their number
MOST = 200  # classes, or values of attributes, that are compared


@dataclass(frozen=True)
class ClassDistance:
    """The Fréchet distance of one class (intra-class distance; Miyato 2018).

    Attributes:
        name: the class, or "attribute=value".
        n: images of either kind behind ``value``.
        value: samples against real images; None where there are too few.
        interval: 95 % interval of the value at this n; None likewise.
        floor_n: images of either kind behind the next two.
        floor: one half of the real images against the other.
        value_at_floor_n: samples against the first of these halves.
        reason: why something is None, "" if nothing is.
        small: half of the real images, or all of either kind, are no more than the features: most
            of a distance is then their number.
    """

    name: str
    n: int
    value: float | None
    interval: tuple[float, float] | None
    floor_n: int
    floor: float | None
    value_at_floor_n: float | None
    reason: str
    small: bool

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        found = asdict(self)
        return found if self.reason else {k: v for k, v in found.items() if k != "reason"}


def distances_by_class(
    targets: Sequence[Target],
    real: tuple[np.ndarray, np.ndarray],
    fake: tuple[np.ndarray, np.ndarray],
    seed: int,
) -> tuple[ClassDistance, ...]:
    """Compare what was asked for each value of each target with real images that have it.

    Args:
        targets: of the columns.
        real: (N, T) columns by the labels, and (N, D) features.
        fake: (M, T) columns that were asked for, and (M, D) features.
        seed: of the draws: the first images of a folder are often alike.
    """
    rng, found = np.random.default_rng(seed), list[ClassDistance]()
    for t, target in enumerate(targets):
        for value, column in zip(target.values, target.truth.tolist(), strict=True):
            if column == UNREAD or len(found) == MOST:
                continue
            ours, theirs = (side[1][side[0][:, t] == column] for side in (real, fake))
            name = value if len(targets) == 1 else f"{target.name}={value}"
            shuffled = ours[rng.permutation(len(ours))]
            found.append(_distance(name, shuffled, theirs[rng.permutation(len(theirs))]))
    return tuple(found)


def _distance(name: str, real: np.ndarray, fake: np.ndarray) -> ClassDistance:
    n, dimensions = min(len(real), len(fake)), real.shape[1]
    half = min(len(real) // 2, len(fake))
    value = floor = same = interval = None
    reason = ""
    if n < FEWEST:
        reason = f"{len(real)} real images and {len(fake)} samples: it takes {FEWEST} of either"
    else:
        found = stats.frechet_interval(real[:n], fake[:n])
        value, interval = found.value, (found.low, found.high)
    if half >= FEWEST:
        left, right = real[:half], real[half : 2 * half]
        floor = stats.frechet_distance_from_features(left, right)
        same = stats.frechet_distance_from_features(left, fake[:half])
    elif not reason:
        reason = f"{len(real)} real images cannot be halved for the floor: it takes {2 * FEWEST}"
    return ClassDistance(
        name, n, value, interval, half, floor, same, reason, min(n, half) <= dimensions
    )
