"""Accuracy: how often what was asked for is what is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.concepts import share
from ganlens.probes.conditions.readable import UNREAD, Target


@dataclass(frozen=True)
class Accuracy:
    """Shares of N images on which the reading agrees with what was asked for, or with the label.

    Attributes:
        n: images of which every target is known.
        every: share of those with all targets right, and its 95 % interval; None of no image.
        targets: target -> the same for it alone.
        counts: target -> how many images that is of.
    """

    n: int
    every: tuple[float, float, float] | None
    targets: dict[str, tuple[float, float, float] | None]
    counts: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the share of all targets at once, its interval and n, then target by target."""
        alone = {name: _said(one, self.counts[name]) for name, one in self.targets.items()}
        return {**_said(self.every, self.n), "targets": alone}


@dataclass(frozen=True)
class Accuracies:
    """Those of the samples, and their controls.

    Attributes:
        samples: of conditions that training had.
        real: of held-out images, by their labels.
        shuffled: of the samples, against what other samples were asked for.
        unseen: of combinations that training never had; None where there are none, or it is not
            known.
        unseen_reason: why.
        unseen_real: of held-out images of such combinations, None where there are none.
        untrained: of the untrained generator's samples; None where there is none.
        untrained_reason: why.
    """

    samples: Accuracy
    real: Accuracy
    shuffled: Accuracy
    unseen: Accuracy | None
    unseen_reason: str
    unseen_real: Accuracy | None
    untrained: Accuracy | None
    untrained_reason: str

    def by_target(self, name: str) -> dict[str, Any]:
        """Return the samples' accuracy of one target, and that of the others beside it."""
        sides = {"real": self.real, "unseen": self.unseen, "shuffled": self.shuffled}
        found: dict[str, Any] = dict(self.samples.to_json()["targets"][name])
        for key, side in sides.items():
            found[key] = None if side is None else side.to_json()["targets"][name]
        return found


def _said(one: tuple[float, float, float] | None, n: int) -> dict[str, Any]:
    return {"accuracy": one and one[0], "interval": one and one[1:], "n": n}


def accuracy(truth: np.ndarray, read: np.ndarray, targets: Sequence[Target]) -> Accuracy:
    """Compare (N, T) columns that are true, UNREAD where not known, with (N, T) that were read."""
    known, right = truth != UNREAD, truth == read
    whole = known.all(1)
    alone = {one.name: right[known[:, t], t] for t, one in enumerate(targets)}
    return Accuracy(
        n=int(whole.sum()),
        every=_share(right[whole].all(1)),
        targets={name: _share(hits) for name, hits in alone.items()},
        counts={name: len(hits) for name, hits in alone.items()},
    )


def _share(hits: np.ndarray) -> tuple[float, float, float] | None:
    return share(hits) if len(hits) else None


def confusion(truth: np.ndarray, read: np.ndarray, target: Target) -> np.ndarray:
    """Count (N,) readings by what was asked: (R, C), a row for each value that can be read."""
    known = truth != UNREAD
    counts = np.zeros((int((target.truth != UNREAD).sum()), len(target.columns)), np.int64)
    np.add.at(counts, (truth[known], read[known]), 1)
    return counts


def row_names(target: Target) -> tuple[str, ...]:
    """Return the names of the rows of a confusion matrix."""
    known = [i for i in np.argsort(target.truth, kind="stable") if target.truth[i] != UNREAD]
    return tuple(target.values[i] for i in known)


def correlation(asked: np.ndarray, read: np.ndarray) -> float | None:
    """Return Pearson's correlation of (N,) numbers asked and read; None where one is constant."""
    if len(asked) < 3 or asked.std() == 0 or read.std() == 0:
        return None
    return float(np.corrcoef(asked, read)[0, 1])
