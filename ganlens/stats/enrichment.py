"""Are a few samples nearer than what was held out? A permutation test of the lower tail.

A test of all distances, or of the lowest 1 %, does not see a handful of copies among hundreds of
samples. Here the lowest values are scanned from 2 of them to 2 % of all, and the deepest
surprise is compared with that of random labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ganlens.errors import GanlensError
from ganlens.stats.arrays import feature_array

DEPTHS = 10  # numbers of lowest values that are looked at, in geometric steps
SHARE = 0.02  # of all values, the deepest of them
PERMUTATIONS = 1999  # the smallest p is then 0.0005


@dataclass(frozen=True)
class Enrichment:
    """Whether the lowest values belong to samples more often than chance has it.

    Attributes:
        p: probability of as surprising an excess, over all statistics and depths, if samples and
            null had one law. At most as many honest sets have p up to a as a share a.
        each: (S,) the same for each statistic alone.
        below: (S,) samples whose value is below that of every null.
    """

    p: float
    each: np.ndarray
    below: np.ndarray


def enrichment(
    samples: ArrayLike, null: ArrayLike, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> Enrichment:
    """Test S statistics at once for too many samples among the lowest values.

    At each depth the samples among the lowest values are counted; with one law their number is
    hypergeometric. The least of these probabilities, over depths and statistics, is referred to
    its own law under random labels, which allows for the many looks, for their dependence and for
    ties: the min-P method of Westfall and Young (1993), Resampling-Based Multiple Testing.

    Args:
        samples: (N,) or (S, N) values, low where a sample is suspicious.
        null: (M,) or (S, M) the same for what is honest.
        permutations: random labels, at least 19; p is never below 1 / (permutations + 1).
        seed: of the labels.

    Raises:
        GanlensError: empty sides, NaN or infinity, other numbers of statistics, or a number of
            permutations or a seed out of range.
    """
    ours, theirs = (
        feature_array(np.atleast_2d(np.asarray(x)).T, name).T.astype(np.float64)
        for x, name in ((samples, "values of samples"), (null, "values of the null"))
    )
    if len(ours) != len(theirs):
        raise GanlensError(f"{len(ours)} and {len(theirs)} statistics: give as many for either")
    if permutations < 19 or seed < 0:
        raise GanlensError(
            f"{permutations} permutations from seed {seed}: give at least 19, and a seed from 0"
        )
    scan = _Scan.of(np.concatenate([ours, theirs], axis=1), ours.shape[1])
    own = scan.surprise(scan.place < ours.shape[1])[:, 0]
    rng = np.random.default_rng(seed)
    chance = np.concatenate([scan.by_chance(n, rng) for n in _portions(permutations, scan)], axis=1)
    each = (1 + (chance <= own[:, None]).sum(1)) / (permutations + 1)
    joint = (1 + (chance.min(0) <= own.min()).sum()) / (permutations + 1)
    below = (ours < theirs.min(1, keepdims=True)).sum(1)
    return Enrichment(float(joint), each, below)


def fewest_found(n: int, m: int, level: float = 0.05) -> int:
    """Return how many of n samples must be the lowest of all, for p to reach a level.

    That is for one look, with m nulls: with several looks one or two more are needed.

    Raises:
        GanlensError: counts below 1, or a level that is not between 0 and 1.
    """
    if min(n, m) < 1 or not 0 < level < 1:
        raise GanlensError(
            f"n {n}, m {m}, level {level:g}: give counts of at least 1 and a level in (0, 1)"
        )
    chance = np.cumprod((n - np.arange(n)) / (n + m - np.arange(n)))
    return int(np.searchsorted(-chance, -level)) + 1


@dataclass(frozen=True)
class _Scan:
    """The lowest values of each statistic, and the probabilities of counts among them.

    Attributes:
        n: samples.
        total: samples and nulls.
        place: (U,) the pooled columns that are among the lowest of any statistic.
        order: per statistic, positions in ``place`` of its lowest values, ascending.
        tails: per statistic, (depth, probabilities of at least 0, 1, ... samples so deep).
    """

    n: int
    total: int
    place: np.ndarray
    order: list[np.ndarray]
    tails: list[list[tuple[int, np.ndarray]]]

    @classmethod
    def of(cls, pooled: np.ndarray, n: int) -> "_Scan":
        from scipy.stats import hypergeom

        total = pooled.shape[1]
        deepest = min(total, max(2, round(SHARE * total)))
        looks = np.unique(np.geomspace(min(2, deepest), deepest, DEPTHS).round().astype(int))
        orders, tails = [], []
        for row in pooled:
            order = np.argsort(row, kind="stable")
            # Equal values are looked at together, or not at all.
            ends = np.unique(np.searchsorted(row[order], row[order[looks - 1]], side="right"))
            orders.append(order[: ends[-1]])
            tails.append([(e, hypergeom(total, n, e).sf(np.arange(e + 1) - 1)) for e in ends])
        place = np.unique(np.concatenate(orders))
        # By value, so that random labels do not depend on the order of the images.
        place = place[np.lexsort(pooled[::-1, place])]
        position = np.empty(total, np.int64)
        position[place] = np.arange(len(place))
        return cls(n, total, place, [position[o] for o in orders], tails)

    def surprise(self, labels: np.ndarray) -> np.ndarray:
        """Return the (S, B) least probabilities for (B, U) labels, or (U,); True: a sample."""
        labels, found = np.atleast_2d(labels), []
        for order, tails in zip(self.order, self.tails, strict=True):
            count = np.cumsum(labels[:, order], axis=1, dtype=np.int64)
            found.append(np.min([tail[count[:, e - 1]] for e, tail in tails], axis=0))
        return np.stack(found)

    def by_chance(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return (S, count) least probabilities of random labels."""
        size = len(self.place)
        members = rng.hypergeometric(self.n, self.total - self.n, size, count)
        labels = rng.permuted(np.arange(size) < members[:, None], axis=1)
        return self.surprise(labels)


def _portions(permutations: int, scan: _Scan) -> list[int]:
    """Cut a number of permutations, so that few labels are held at once."""
    most = max(1, 2**22 // len(scan.place))
    return [min(most, permutations - start) for start in range(0, permutations, most)]
