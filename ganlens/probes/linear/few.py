"""Few labels per class, drawn again and again (Radford 2015, section 5.2 and the authors' code)."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from ganlens import svm
from ganlens.errors import GanlensError
from ganlens.probes.linear.fitting import COARSE, TOLERANCE, accuracy
from ganlens.probes.linear.targets import Target
from ganlens.progress import Progress

SEARCHES = 10  # draws on which C is chosen, as in the paper


@dataclass(frozen=True)
class Few:
    """What few labels came to, with one set of features.

    Attributes:
        cost: (L, T) the C that was chosen for each number of labels and target.
        accuracy: (L, T, R) share of test images that are right, for each of R draws.
    """

    cost: np.ndarray
    accuracy: np.ndarray


def check_counts(
    targets: Sequence[Target], counts: Sequence[int], draws: int, validation: int
) -> None:
    """Find out before the long work whether every class has that many train images.

    Raises:
        GanlensError: a number below 1, or a class with fewer images outside the validation split.
    """
    if counts and (min(counts) < 1 or draws < 1):
        problem = f"labels_per_class {tuple(counts)} with draws {draws}"
        raise GanlensError(f"{problem} is out of range: give numbers from 1")
    if len(set(counts)) < len(counts):
        raise GanlensError(f"labels_per_class {tuple(counts)} names a number twice: give it once")
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
    x: svm.Features,
    x_test: svm.Features,
    targets: Sequence[Target],
    counts: Sequence[int],
    grid: Sequence[float],
    *,
    draws: int,
    validation: int,
    scaling: svm.ScalingKind,
    seed: int,
) -> Generator[Progress, None, Few]:
    """Fit SVMs to a few labelled images per class, many times.

    For every number of labels, C is the one of best mean accuracy on the last ``validation`` train
    rows over ten draws; then new draws are tested on the test rows. Features are scaled by all
    train rows: that takes no label.

    Args:
        x: (N, D) train features in random order.
        x_test: (M, D) test features.
        targets: what to predict.
        counts: L numbers of labelled images per class.
        grid: costs C to choose from.
        draws: R, tested on the test rows.
        validation: rows at the end of ``x`` that C is chosen on, never drawn from.
        scaling: of the features, see ``ganlens.svm.scaling``.
        seed: of the draws.

    Yields:
        Progress, before each number of labels and target.
    """
    how, cut, grid = svm.scaling(x, scaling), len(x) - validation, sorted(grid)
    cost = np.full((len(counts), len(targets)), grid[0])
    found = np.zeros((len(counts), len(targets), draws))
    for i, count in enumerate(counts):
        for j, target in enumerate(targets):
            done = i * len(targets) + j
            yield Progress(done, found.size // draws, f"{count} labels per class of {target.name}")
            stream = np.random.default_rng([seed, i, j])
            drawn = _Drawn(x, how, target.train[:cut], len(target.classes), count)
            if len(grid) > 1:
                held = (x[cut:], target.train[cut:])
                tries = [drawn.right(stream, grid, COARSE, *held) for _ in range(SEARCHES)]
                cost[i, j] = grid[int(np.sum(tries, axis=0).argmax())]
            for r in range(draws):
                one = [float(cost[i, j])]
                found[i, j, r] = drawn.right(stream, one, TOLERANCE, x_test, target.test)[0]
    return Few(cost, found)


@dataclass(frozen=True)
class _Drawn:
    """SVMs on ``count`` images of every class, drawn from the rows that have ``labels``."""

    x: svm.Features
    how: svm.Scaling
    labels: np.ndarray
    classes: int
    count: int

    def right(
        self,
        stream: np.random.Generator,
        costs: Sequence[float],
        tolerance: float,
        x: svm.Features,
        truth: np.ndarray,
    ) -> list[float]:
        """Draw, fit with every C and return the shares of ``x`` that are named right."""
        rows = _draw(self.labels, self.count, stream)
        signs = svm.one_vs_rest(self.labels[rows], self.classes)
        stacked, each = np.concatenate([signs] * len(costs)), np.repeat(costs, len(signs))
        found = svm.fit(self.x[rows], stacked, each, self.how, tolerance=tolerance)
        parts = np.split(found.decision(x), len(costs), axis=1)
        return [accuracy(truth, svm.predict(part)) for part in parts]


def _draw(labels: np.ndarray, count: int, stream: np.random.Generator) -> np.ndarray:
    """Return ascending rows, ``count`` of every class that occurs, without replacement."""
    classes = np.unique(labels[labels >= 0])
    return np.sort(
        np.concatenate(
            [stream.choice(np.flatnonzero(labels == c), count, replace=False) for c in classes]
        )
    )
