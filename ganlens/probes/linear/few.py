"""Fits to few labels per class, drawn again and again (Radford 2015, section 5.2)."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from ganlens import svm
from ganlens.errors import GanlensError
from ganlens.probes.base import Steps
from ganlens.probes.linear.fitting import COARSE, TOLERANCE, accuracy
from ganlens.probes.linear.targets import Target
from ganlens.progress import Progress

SEARCHES = 10  # draws on which C is chosen, as in the paper


def check_counts(targets: Sequence[Target], counts: Sequence[int], validation: int) -> None:
    """Raise a GanlensError for more labels than a class has outside the validation split."""
    for target in targets if counts else ():
        have = np.bincount(target.train[:-validation].clip(-1) + 1, minlength=2)[1:]
        smallest = int(np.where(have > 0, have, have.max()).argmin())
        if max(counts) > have[smallest]:
            raise GanlensError(
                f"labels_per_class {max(counts)} is more than the {have[smallest]} images of "
                f"{target.name} {target.classes[smallest]!r} beside the validation split: give at "
                "most that, or more train images"
            )


def few_labels(
    x: svm.Features, x_test: svm.Features, targets: Sequence[Target], counts: Sequence[int],
    grid: Sequence[float], *, draws: int, validation: int, scaling: svm.ScalingKind, seed: int,
) -> Steps[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Fit SVMs to a few labelled images per class, many times.

    For each of L numbers of labels (``counts``) and T targets, C is the one of the grid with the
    best mean accuracy over ten draws on the last ``validation`` train rows, which none is drawn
    from; then R new draws are tested on the test rows. The (N, D) train features are in random
    order. All of them scale the features: that takes no label.

    Returns:
        (L, T) the C that was chosen, and (L, T, R) the share of test rows that are right.
    """
    how, cut, grid = svm.scaling(x, scaling), len(x) - validation, sorted(grid)
    cost = np.full((len(counts), len(targets)), grid[0])
    found = np.zeros((len(counts), len(targets), draws))

    def accuracies(
        target: Target, count: int, stream: np.random.Generator, costs: Sequence[float],
        tolerance: float, tested: svm.Features, truth: np.ndarray,
    ) -> list[float]:  # fmt: skip
        """Draw, fit with every C, and return the shares of the tested rows that are right."""
        rows = _draw(target.train[:cut], count, stream)
        signs = svm.one_vs_rest(target.train[rows], len(target.classes))
        stacked, each = np.concatenate([signs] * len(costs)), np.repeat(costs, len(signs))
        decision = svm.fit(x[rows], stacked, each, how, tolerance=tolerance).decision(tested)
        parts = np.split(decision, len(costs), axis=1)
        return [accuracy(truth, svm.predict(part)) for part in parts]

    for i, count in enumerate(counts):
        for j, target in enumerate(targets):
            done = i * len(targets) + j
            yield Progress(done, found.size // draws, f"{count} labels per class of {target.name}")
            drawn = partial(accuracies, target, count, np.random.default_rng([seed, i, j]))
            if len(grid) > 1:
                tries = [drawn(grid, COARSE, x[cut:], target.train[cut:]) for _ in range(SEARCHES)]
                cost[i, j] = grid[int(np.sum(tries, axis=0).argmax())]
            for r in range(draws):
                (found[i, j, r],) = drawn([cost[i, j]], TOLERANCE, x_test, target.test)
    return cost, found


def _draw(labels: np.ndarray, count: int, stream: np.random.Generator) -> np.ndarray:
    """Return ascending rows, ``count`` of every class that occurs, without replacement."""
    rows = [np.flatnonzero(labels == c) for c in np.unique(labels[labels >= 0])]
    return np.sort(np.concatenate([stream.choice(r, count, replace=False) for r in rows]))
