"""Distances to the train images against their null: arrays in, numbers out."""

from dataclasses import dataclass

import numpy as np
from scipy import stats as scipy_stats

from ganlens.stats import nearest

LEVEL = 0.01  # a sample is flagged below this quantile of the held-out distances


@dataclass(frozen=True)
class Neighborhood:
    """The two nearest train images of each of N images in one space.

    Attributes:
        distance: (N, 2) float64, root mean squared difference per coordinate, ascending.
        index: (N, 2) rows of the train images.
    """

    distance: np.ndarray
    index: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """(N,) distance to the nearest."""
        return self.distance[:, 0]

    @property
    def ratio(self) -> np.ndarray:
        """(N,) nearest over second nearest, 0 to 1: far below 1 singles one train image out."""
        second = self.distance[:, 1]
        return np.divide(self.first, second, out=np.ones_like(second), where=second > 0)


def neighborhood(views: list[np.ndarray], base: np.ndarray) -> Neighborhood:
    """Search the two nearest rows of ``base``; of several views of a query the nearest counts.

    Args:
        views: arrays (N, D): the queries as they are and, for instance, mirrored.
        base: (M, D), M at least 2.
    """
    found = [nearest(view, base, 2) for view in views]
    distance = np.concatenate([d for d, _ in found], axis=1)
    index = np.concatenate([i for _, i in found], axis=1)
    order = np.argsort(distance, axis=1, kind="stable")
    distance, index = (np.take_along_axis(a, order, axis=1) for a in (distance, index))
    other = (index != index[:, :1]).argmax(axis=1)  # the first that is another train image
    pick = np.stack([np.zeros_like(other), other], axis=1)
    scale = base.shape[1] ** 0.5
    return Neighborhood(
        np.take_along_axis(distance, pick, axis=1) / scale, np.take_along_axis(index, pick, axis=1)
    )


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


def compare(distances: np.ndarray, null: np.ndarray) -> Comparison:
    """Compare distances to train of samples (N,) with those of held-out images (M,).

    The threshold is the k-th smallest null distance, k = floor(0.01 (M + 1)), at least 1. If
    samples and null come from one continuous distribution, whichever it is, the number of flagged
    samples is exactly beta-binomial(N, k, M + 1 - k); that allows for the null's own finite size,
    which a binomial at 1 % does not. Where null distances are tied at the threshold (held-out
    images that are also train images, all at 0), samples flag with the whole tie, and the count is
    judged by Fisher's exact test: the same with k one above the last of the tie.

    Args:
        distances: (N,) at least 0.
        null: (M,) at least 0, M at least 1.
    """
    order = np.sort(null)
    k = max(1, int(LEVEL * (len(null) + 1)))
    threshold = order[k - 1]
    flagged = distances <= threshold
    below = int(np.searchsorted(order, threshold, side="right"))
    rank = k if below == k else min(below + 1, len(null))
    count = scipy_stats.betabinom(len(distances), rank, len(null) + 1 - rank)
    shift = scipy_stats.mannwhitneyu(distances, null, alternative="less")
    return Comparison(
        threshold=float(threshold),
        level=below / (len(null) + 1),
        percentile=100 * np.searchsorted(order, distances, side="right") / len(null),
        flagged=flagged,
        p_count=float(count.sf(int(flagged.sum()) - 1)),
        p_shift=float(shift.pvalue),
    )


@dataclass(frozen=True)
class Space:
    """The search in one space.

    Attributes:
        name: "pixels" or "discriminator".
        dimensions: coordinates of the space.
        generated: neighbours of the samples.
        held_out: neighbours of the held-out images, the null.
        test: the samples against the null.
        controls: copies of train images against the null, by kind.
    """

    name: str
    dimensions: int
    generated: Neighborhood
    held_out: Neighborhood
    test: Comparison
    controls: dict[str, Comparison]

    @property
    def sees(self) -> bool:
        """Whether the test catches at least 99 % of every kind of copy."""
        return all(c.flagged.mean() >= 0.99 for c in self.controls.values())
