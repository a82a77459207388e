"""Fields of the result, gathered from one set of features after the other."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.linear.few import Few
from ganlens.probes.linear.fitting import (
    Scores,
    accuracy,
    balanced_accuracy,
    confusion,
    majority,
)
from ganlens.probes.linear.targets import Target


@dataclass(frozen=True)
class Fitted:
    """What one set of features came to.

    Attributes:
        size: number of features.
        scores: with all labels.
        few: with few labels per class, where wanted.
    """

    size: int
    scores: Scores
    few: Few | None = None


def collect(
    fitted: dict[str, Fitted],
    targets: list[Target],
    layers: tuple[str, ...],
    counts: tuple[int, ...],
) -> dict[str, Any]:
    """Return what accuracies, costs and confusions the fits came to; the first is all layers."""
    scores = [one.scores for one in fitted.values()]
    few = {name: one.few for name, one in fitted.items() if one.few is not None}
    none = (0, len(counts), len(targets))

    def table(measure: Any) -> np.ndarray:
        pairs = [zip(targets, s.predicted, strict=True) for s in scores]
        return np.array([[measure(t.test, guess) for t, guess in row] for row in pairs])

    return {
        "targets": tuple(t.name for t in targets),
        "classes": tuple(t.classes for t in targets),
        "features": tuple(fitted),
        "layers": layers,
        "sizes": np.array([one.size for one in fitted.values()]),
        "accuracy": table(accuracy),
        "balanced": table(balanced_accuracy),
        "cost": np.array([s.cost for s in scores]),
        "majority": np.array([majority(t) for t in targets]),
        "known": np.array([(t.test >= 0).sum() for t in targets]),
        "confusion": tuple(
            confusion(t.test, guess, len(t.classes))
            for t, guess in zip(targets, scores[0].predicted, strict=True)
        ),
        "gap": max(s.gap for s in scores),
        "few_features": tuple(few),
        "few_labels": np.array(counts, np.int64),
        "few_cost": np.array([f.cost for f in few.values()]) if few else np.zeros(none),
        "few_accuracy": np.array([f.accuracy for f in few.values()])
        if few
        else np.zeros((*none, 0)),
    }
