"""Comparison of distances to the train images with their null: arrays in, numbers out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # its parts are loaded at their first use

from ganlens.probes.memorization.search import Neighborhood

LEVEL = 0.01  # a sample is flagged below this quantile of the held-out distances
GENERATED, HELD_OUT = "generated", "held-out"  # names of the two sets that are always there


@dataclass(frozen=True)
class Comparison:
    """One set of distances against the null.

    Attributes:
        threshold: distance at or below which a sample is flagged: a low quantile of the null.
        level: probability that an honest sample is flagged: k / (M + 1), about 1 %; more if many
            null distances are equal to the threshold.
        percentile: (N,) share of the null that is at most as far from train, in %.
        flagged: (N,) bool.
        p_count: exact probability that this many or more honest samples are flagged.
        p_shift: one-sided Mann-Whitney: probability of samples this much nearer than the null.
    """

    threshold: float
    level: float
    percentile: np.ndarray
    flagged: np.ndarray
    p_count: float
    p_shift: float

    @property
    def share(self) -> float:
        """Share of the samples that is flagged, 0 to 1."""
        return float(self.flagged.mean())


def compare(distances: np.ndarray, null: np.ndarray) -> Comparison:
    """Compare distances to train of samples (N,) with those of held-out images (M,).

    The threshold is the k-th smallest null distance, k = floor(0.01 (M + 1)), at least 1. If
    samples and null come from one continuous distribution, whichever it is, the number of flagged
    samples is exactly beta-binomial(N, k, M + 1 - k); that allows for the null's own finite size,
    which a binomial at 1 % does not. Where null distances are tied at the threshold (held-out
    images that are also train images, all at 0), samples flag with the whole tie, and the count is
    tested by Fisher's exact test: the same with k one above the last of the tie.

    Distances are at least 0, and M is at least 1.
    """
    order = np.sort(null)
    k = max(1, int(LEVEL * (len(null) + 1)))
    threshold = order[k - 1]
    flagged = distances <= threshold
    below = int(np.searchsorted(order, threshold, side="right"))
    rank = k if below == k else min(below + 1, len(null))
    count = scipy.stats.betabinom(len(distances), rank, len(null) + 1 - rank)
    shift = scipy.stats.mannwhitneyu(distances, null, alternative="less")
    return Comparison(
        threshold=float(threshold),
        level=below / (len(null) + 1),
        percentile=100 * np.searchsorted(order, distances, side="right") / len(null),
        flagged=flagged,
        p_count=float(count.sf(int(flagged.sum()) - 1)),
        p_shift=float(shift.pvalue),
    )


def compare_sets(distances: Mapping[str, np.ndarray]) -> dict[str, Comparison]:
    """Compare the distances of every set but the held-out one with those of that one."""
    null = distances[HELD_OUT]
    return {kind: compare(one, null) for kind, one in distances.items() if kind != HELD_OUT}


def of_controls(tests: Mapping[str, Comparison]) -> dict[str, float]:
    """Return the share of each control's copies that is flagged, 0 to 1."""
    return {kind: test.share for kind, test in tests.items() if kind != GENERATED}


@dataclass(frozen=True)
class Space:
    """The search in one space.

    Attributes:
        name: "pixels" or "discriminator".
        dimensions: coordinates of the space.
        near: neighbours by set: "generated", "held-out" (the null), and the controls.
    """

    name: str
    dimensions: int
    near: Mapping[str, Neighborhood]

    @cached_property
    def tests(self) -> dict[str, Comparison]:
        """Every set but the held-out one against the null."""
        return compare_sets({kind: one.first for kind, one in self.near.items()})

    @property
    def test(self) -> Comparison:
        """The samples against the null."""
        return self.tests[GENERATED]

    def relative(self, kind: str) -> np.ndarray:
        """(N,) distance to train in units of the null's median; 1e-12 stands for a median of 0."""
        return self.near[kind].first / max(float(np.median(self.near[HELD_OUT].first)), 1e-12)


def least(spaces: Sequence[Space], kind: str) -> np.ndarray:
    """Return the (N,) relative distances of a set, each in the space where it is nearest."""
    return np.min([space.relative(kind) for space in spaces], axis=0)
