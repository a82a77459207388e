"""Success of samples: which conditions they meet, and shares with their intervals."""

from collections.abc import Iterable

import numpy as np

from ganlens.attributes import Predictions
from ganlens.data.select import select
from ganlens.probes.concepts import AttributeValue


def meets(predictions: Predictions, conditions: Iterable[AttributeValue]) -> np.ndarray:
    """Return (N, E) bool: which images meet each condition, by the classifier's predictions.

    Each attribute is taken as its likeliest value.

    Raises:
        GanlensError: a condition on an attribute or a value that the classifier does not know.
    """
    columns: dict[str, np.ndarray] = {
        name: np.array(values)[predictions.probabilities[name].argmax(1)]
        for name, values in predictions.classes.items()
    }
    columns |= {name: values.astype(np.float64) for name, values in predictions.numbers.items()}
    answers = [select(one.text, columns, predictions.classes) for one in conditions]
    n = len(next(iter(columns.values())))
    return np.stack(answers, axis=1) if answers else np.ones((n, 0), dtype=bool)


def share(hits: np.ndarray) -> tuple[float, float, float]:
    """Return the share of (N,) successes, N at least 1, with its 95 % interval (Wilson 1927)."""
    from scipy.stats import binomtest

    test = binomtest(int(np.sum(hits)), len(hits))
    low, high = test.proportion_ci(method="wilson")
    return float(test.statistic), float(low), float(high)
