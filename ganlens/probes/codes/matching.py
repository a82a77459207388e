"""Values of a categorical code matched to classes on one half of samples, scored on the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganlens.probes.concepts import share

SHUFFLES = 200  # shuffled codes behind the level of chance
UNMATCHED = -1  # of a value that has no class: there are more values than classes


@dataclass(frozen=True)
class Matched:
    """A categorical code of K values against what a classifier of C classes reads.

    Attributes:
        counts: (K, C) int64, samples of the scored half by value and class.
        classes: names of the C classes.
        match: (K,) int64, the class of each value; -1 where there are more values than classes.
        accuracy: share of the scored half that shows the class of its value, and its 95 % interval
            (Wilson).
        shuffled: mean accuracy of shuffled codes, matched and scored alike.
        shuffled_95: their 95th percentile.
        shuffled_same: mean accuracy of shuffled codes scored on the half that they were matched on:
            what a matching finds in nothing, above 1 / K.
        information: normalised mutual information of value and class on the scored half, 0 to 1
            (over the mean of both entropies).
    """

    counts: np.ndarray
    classes: tuple[str, ...]
    match: np.ndarray
    accuracy: tuple[float, float, float]
    shuffled: float
    shuffled_95: float
    shuffled_same: float
    information: float

    @property
    def n(self) -> int:
        """Samples in the scored half."""
        return int(self.counts.sum())

    @property
    def names(self) -> tuple[str, ...]:
        """The class of each value by its name; "none" where there is none left."""
        return tuple(self.classes[c] if c != UNMATCHED else "none" for c in self.match)


def table(code: np.ndarray, read: np.ndarray, values: int, classes: int) -> np.ndarray:
    """Count (N,) codes by (N,) classes: (values, classes) int64."""
    flat = np.asarray(code, dtype=np.int64) * classes + np.asarray(read, dtype=np.int64)
    return np.bincount(flat, minlength=values * classes).reshape(values, classes)


def matching(counts: np.ndarray) -> np.ndarray:
    """Return the class of each value that makes most of (K, C) counts agree: (K,) int64.

    No class is given twice (Kuhn 1955, by ``scipy.optimize.linear_sum_assignment``); where there
    are more values than classes, the values that are left have -1.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(counts, maximize=True)
    found = np.full(len(counts), UNMATCHED, dtype=np.int64)
    found[rows] = columns
    return found


def matched(code: np.ndarray, read: np.ndarray, classes: Sequence[str], values: int,
            seed: int = 0) -> Matched:  # fmt: skip
    """Match on the first half of the samples, score on the second.

    Args:
        code: (N,) int64 value of the code of each sample, N at least 4.
        read: (N,) int64 class that is read in each.
        classes: names of the classes.
        values: how many values the code has.
        seed: of the shuffles.
    """
    code, read = np.asarray(code), np.asarray(read)
    half, n = len(code) // 2, len(classes)
    first, second = (table(code[s], read[s], values, n) for s in (slice(half), slice(half, None)))
    match = matching(first)
    rng = np.random.default_rng(seed)
    chance = [_shuffled(rng.permutation(code), read, values, n, half) for _ in range(SHUFFLES)]
    held_out, same = np.array(chance).T
    return Matched(
        counts=second,
        classes=tuple(classes),
        match=match,
        accuracy=share(match[code[half:]] == read[half:]),
        shuffled=float(held_out.mean()),
        shuffled_95=float(np.quantile(held_out, 0.95)),
        shuffled_same=float(same.mean()),
        information=normalised_information(code[half:], read[half:]),
    )


def _shuffled(
    code: np.ndarray, read: np.ndarray, values: int, classes: int, half: int
) -> tuple[float, float]:
    """Return the accuracy on the second half, and on the first, which the matching saw."""
    match = matching(table(code[:half], read[:half], values, classes))
    right = match[code] == read
    return float(right[half:].mean()), float(right[:half].mean())


def normalised_information(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mutual information of (N,) labels over the mean of their entropies: 0 to 1."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(a, b))
