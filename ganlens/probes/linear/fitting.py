"""Fits of linear SVMs: C is chosen on a validation split; measures of their predictions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import svm
from ganlens.probes.linear.targets import Target

TOLERANCE = 1e-3  # relative duality gap: far below what moves an accuracy
COARSE = 1e-2  # while C is chosen


@dataclass(frozen=True)
class Fit:
    """SVMs of one set of features, one for each of T targets.

    Attributes:
        size: number of features.
        cost: (T,) the C that was chosen.
        predicted: T arrays (M,) of class indices on the test images.
        gap: the largest relative duality gap of any column.
        few_cost: (L, T) the C that was chosen for L numbers of labels per class, where wanted.
        few_accuracy: (L, T, R) share of test images that are right, for each of R draws.
    """

    size: int
    cost: np.ndarray
    predicted: tuple[np.ndarray, ...]
    gap: float
    few_cost: np.ndarray | None = None
    few_accuracy: np.ndarray | None = None


def choose_cost(
    x: svm.Features, targets: Sequence[Target], grid: Sequence[float], validation: int,
    scaling: svm.ScalingKind = "standard",
) -> np.ndarray:  # fmt: skip
    """Return (T,) the C of best accuracy on the last ``validation`` rows; of equals the smallest.

    All C of the grid, classes and targets are columns of one problem, fitted to the other rows.
    """
    grid, cut = sorted(grid), len(x) - validation
    signs = _signs(targets, slice(0, cut))
    how = svm.scaling(x[:cut], scaling)
    stacked = np.concatenate([*signs] * len(grid))
    costs = np.repeat(grid, sum(map(len, signs)))
    decision = svm.fit(x[:cut], stacked, costs, how, tolerance=COARSE).decision(x[cut:])
    right = [
        [accuracy(t.train[cut:], g) for t, g in zip(targets, _guesses(part, signs), strict=True)]
        for part in np.split(decision, len(grid), axis=1)
    ]
    return np.array(grid)[np.argmax(right, axis=0)]


def fit(
    x: svm.Features, x_test: svm.Features, targets: Sequence[Target], cost: np.ndarray,
    scaling: svm.ScalingKind = "standard",
) -> Fit:  # fmt: skip
    """Fit all rows with the given C (T,) and predict the test rows."""
    signs = _signs(targets, slice(None))
    costs = np.repeat(cost, [len(s) for s in signs])
    how = svm.scaling(x, scaling)
    found = svm.fit(x, np.concatenate(signs), costs, how, tolerance=TOLERANCE)
    guesses = tuple(_guesses(found.decision(x_test), signs))
    return Fit(x.shape[1], cost, guesses, float(found.gap.max()))


def _signs(targets: Sequence[Target], rows: slice) -> list[np.ndarray]:
    return [svm.one_vs_rest(t.train[rows], len(t.classes)) for t in targets]


def _guesses(decision: np.ndarray, signs: Sequence[np.ndarray]) -> list[np.ndarray]:
    ends = np.cumsum([len(s) for s in signs])[:-1]
    return [svm.predict(part) for part in np.split(decision, ends, axis=1)]


def accuracy(truth: np.ndarray, guess: np.ndarray) -> float:
    """Return the share of known samples that are right; 0 where none is known."""
    known = truth >= 0
    return float((truth == guess)[known].mean()) if known.any() else 0.0


def balanced_accuracy(truth: np.ndarray, guess: np.ndarray) -> float:
    """Return the mean over classes of the share that is right: 1/K for a constant guess."""
    shares = [(guess[truth == c] == c).mean() for c in np.unique(truth[truth >= 0])]
    return float(np.mean(shares)) if shares else 0.0


def confusion(truth: np.ndarray, guess: np.ndarray, classes: int) -> np.ndarray:
    """Return (K, K) int64 counts: row the true class, column the predicted one."""
    known = truth >= 0
    flat = np.bincount(truth[known] * classes + guess[known], minlength=classes**2)
    return flat.reshape(classes, classes)


def majority(target: Target) -> float:
    """Return the test accuracy of always guessing the most frequent class of the train images."""
    most = np.bincount(target.train[target.train >= 0]).argmax()
    return accuracy(target.test, np.full(len(target.test), most))


def collect(fits: dict[str, Fit], targets: Sequence[Target]) -> dict[str, Any]:
    """Return accuracies, costs and confusions of F sets of features; the first is all layers."""

    def table(measure: Callable[[np.ndarray, np.ndarray], float]) -> np.ndarray:
        pairs = [zip(targets, one.predicted, strict=True) for one in fits.values()]
        return np.array([[measure(t.test, guess) for t, guess in row] for row in pairs])

    few = {name: one for name, one in fits.items() if one.few_cost is not None}
    return {
        "targets": tuple(t.name for t in targets),
        "classes": tuple(t.classes for t in targets),
        "features": tuple(fits),
        "sizes": np.array([one.size for one in fits.values()]),
        "accuracy": table(accuracy),
        "balanced": table(balanced_accuracy),
        "cost": np.array([one.cost for one in fits.values()]),
        "majority": np.array([majority(t) for t in targets]),
        "known": np.array([(t.test >= 0).sum() for t in targets]),
        "confusion": tuple(
            confusion(t.test, guess, len(t.classes))
            for t, guess in zip(targets, next(iter(fits.values())).predicted, strict=True)
        ),
        "gap": max(one.gap for one in fits.values()),
        "few_features": tuple(few),
        "few_cost": np.array([one.few_cost for one in few.values()]),
        "few_accuracy": np.array([one.few_accuracy for one in few.values()]),
    }
