"""The area under the ROC curve."""

import numpy as np


def auc(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return how often a true one scores above a false one (Mann-Whitney U over all pairs).

    Args:
        scores: (N,) numbers; ties count half.
        truth: (N,) bool.

    Returns:
        0.5 by chance, 1 where the scores separate; NaN where one side is empty.
    """
    from scipy.stats import rankdata

    truth = np.asarray(truth, dtype=bool)
    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        return float("nan")
    ranks = rankdata(scores)[truth].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * negative))
