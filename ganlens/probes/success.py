"""Success: which images meet conditions by the attribute classifier, and shares with intervals."""

from collections.abc import Iterable

import numpy as np

from ganlens.attributes import Predictions
from ganlens.data.select import select
from ganlens.probes.concepts import Condition


def meets(predicted: Predictions, conditions: Iterable[Condition]) -> np.ndarray:
    """Return (N, E) bool: which images are predicted to meet each condition.

    Of each attribute the likeliest value counts.

    Raises:
        GanlensError: a condition on an attribute or a value that the classifier does not know.
    """
    columns: dict[str, np.ndarray] = {
        name: np.array(values)[predicted.probabilities[name].argmax(1)]
        for name, values in predicted.classes.items()
    }
    columns |= {name: values.astype(np.float64) for name, values in predicted.numbers.items()}
    met = [select(one.text, columns, predicted.classes) for one in conditions]
    n = len(next(iter(columns.values())))
    return np.stack(met, axis=1) if met else np.ones((n, 0), dtype=bool)


def share(hits: np.ndarray) -> tuple[float, float, float]:
    """Return the share of (N,) successes, N at least 1, with its 95 % interval (Wilson 1927)."""
    from scipy.stats import binomtest

    test = binomtest(int(np.sum(hits)), len(hits))
    low, high = test.proportion_ci(method="wilson")
    return float(test.statistic), float(low), float(high)
