"""Fields of the result of the linear probe, gathered from the fits of all sets of features."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ganlens.probes.linear.fitting import Fit, accuracy, balanced_accuracy, confusion, majority
from ganlens.probes.linear.targets import Target


def collect(fits: dict[str, Fit], targets: Sequence[Target]) -> dict[str, Any]:
    """Return accuracies, costs and confusions of F sets of features; the first is all layers."""

    def table(measure: Callable[[np.ndarray, np.ndarray], float]) -> np.ndarray:
        pairs = [zip(targets, fit.predicted, strict=True) for fit in fits.values()]
        return np.array([[measure(t.test, guess) for t, guess in row] for row in pairs])

    few = {name: fit.few for name, fit in fits.items() if fit.few is not None}
    return {
        "targets": tuple(t.name for t in targets),
        "classes": tuple(t.classes for t in targets),
        "features": tuple(fits),
        "sizes": np.array([fit.size for fit in fits.values()]),
        "accuracy": table(accuracy),
        "balanced": table(balanced_accuracy),
        "cost": np.array([fit.cost for fit in fits.values()]),
        "majority": np.array([majority(t) for t in targets]),
        "known": np.array([(t.test >= 0).sum() for t in targets]),
        "confusion": tuple(
            confusion(t.test, guess, len(t.classes))
            for t, guess in zip(targets, next(iter(fits.values())).predicted, strict=True)
        ),
        "gap": max(fit.gap for fit in fits.values()),
        "few_features": tuple(few),
        "few_cost": np.array([one.cost for one in few.values()]),
        "few_accuracy": np.array([one.accuracy for one in few.values()]),
    }
