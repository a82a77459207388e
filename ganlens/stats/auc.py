"""The area under the ROC curve: of one score, or of many scores for many labels."""

import numpy as np

from ganlens.errors import GanlensError


def auc(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return how often a positive scores above a negative (Mann-Whitney U over all pairs).

    Args:
        scores: (N,) numbers; ties count half.
        truth: (N,) bool.

    Returns:
        0 to 1: 0.5 by chance, 1 where every positive is above, 0 where every one is below; NaN
        where there is no positive or no negative, or a score is NaN.

    Raises:
        GanlensError: other numbers of scores and of truths.
    """
    from scipy.stats import rankdata

    truth = np.asarray(truth, dtype=bool)
    if np.shape(scores) != truth.shape or truth.ndim != 1:
        raise GanlensError(
            f"scores of shape {np.shape(scores)} and truths of {truth.shape}: give (N,) of either"
        )
    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        return float("nan")
    rank_sum = rankdata(scores)[truth].sum()
    return float((rank_sum - positive * (positive + 1) / 2) / (positive * negative))


def auc_table(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve of every score for every label.

    Args:
        scores: (N, U) of U units; ties count half.
        truth: (N, L) bool of L labels, with both values in each column.

    Returns:
        (U, L), 0 to 1: how often one with the label scores above one without; below 0.5 where the
        score tells its absence.

    Raises:
        GanlensError: shapes that do not fit, or a label that all or no samples have.
    """
    from scipy.stats import rankdata

    if np.ndim(scores) != 2 or np.ndim(truth) != 2 or len(scores) != len(truth):
        raise GanlensError(
            f"scores of shape {np.shape(scores)} and labels of {np.shape(truth)}: give (N, U) and"
            " (N, L)"
        )
    ranks = rankdata(scores, axis=0)
    positive = truth.sum(0).astype(np.float64)
    if not ((positive > 0) & (positive < len(truth))).all():
        raise GanlensError("a label that all or no samples have orders nothing: leave it out")
    sums = ranks.T @ truth.astype(np.float64)
    return (sums - positive * (positive + 1) / 2) / (positive * (len(truth) - positive))
