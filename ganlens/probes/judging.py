"""Conditions checked by the independent attribute reader."""

from collections.abc import Iterable

import numpy as np

from ganlens.attributes import Readings
from ganlens.data.select import select
from ganlens.probes.concepts import Condition


def meets(readings: Readings, conditions: Iterable[Condition]) -> np.ndarray:
    """Return (N, E) bool: which images meet each condition, as the reader sees them.

    Each attribute is taken as the value that is read as the likeliest.

    Raises:
        GanlensError: a condition on an attribute or a value that the reader does not know.
    """
    columns: dict[str, np.ndarray] = {
        name: np.array(values)[readings.probabilities[name].argmax(1)]
        for name, values in readings.classes.items()
    }
    columns |= {name: values.astype(np.float64) for name, values in readings.numbers.items()}
    answers = [select(one.text, columns, readings.classes) for one in conditions]
    n = len(next(iter(columns.values())))
    return np.stack(answers, axis=1) if answers else np.ones((n, 0), dtype=bool)


def share(hits: np.ndarray) -> tuple[float, float, float]:
    """Return the share of (N,) successes, N at least 1, with its 95 % interval (Wilson 1927)."""
    from scipy.stats import binomtest

    test = binomtest(int(np.sum(hits)), len(hits))
    low, high = test.proportion_ci(method="wilson")
    return float(test.statistic), float(low), float(high)
