"""Comparison of the residuals of train and held-out images: arrays in, numbers out."""

from typing import Any

import numpy as np
import scipy  # its parts are loaded at their first use: stats takes half a second

CONFIDENCE = 0.95
INSIDE = 1e-9  # an AUC of 0 or 1 is itself a root, and not the one that is sought


def two_sample(train: np.ndarray, held_out: np.ndarray) -> dict[str, Any]:
    """Test whether the residuals of N train images are smaller than those of M held-out ones.

    Returns:
        "auc", how often a train image has the smaller residual of a random pair, ties half: 0.5
        where both are alike, 1 where every train image inverts better; "auc_95", the ends of its
        95 % interval; "p_mann_whitney_train_smaller", one-sided; "ks", the largest vertical
        distance of both distribution functions, 0 to 1, and its two-sided "p_ks".
    """
    shift = scipy.stats.mannwhitneyu(train, held_out, alternative="less")
    auc = 1 - float(shift.statistic) / (len(train) * len(held_out))
    either = scipy.stats.ks_2samp(train, held_out)
    return {
        "auc": auc,
        "auc_95": auc_interval(auc, len(train), len(held_out)),
        "p_mann_whitney_train_smaller": float(shift.pvalue),
        "ks": float(either.statistic),
        "p_ks": float(either.pvalue),
    }


def auc_interval(auc: float, m: int, n: int) -> tuple[float, float]:
    """Return a 95 % interval of an AUC (Newcombe 2006, Statistics in Medicine 25:559, method 5).

    A score interval: the values t with |auc - t| <= 1.96 sd(t). Unlike auc +- 1.96 sd(auc), it
    stays inside [0, 1] and does not shrink to a point at 0 or 1. The two sets have m and n images.
    """
    z = scipy.stats.norm.ppf((1 + CONFIDENCE) / 2)
    mean = (m + n) / 2 - 1

    def outside(t: float) -> float:
        spread = 1 + mean * (1 - t) / (2 - t) + mean * t / (1 + t)
        return float((auc - t) ** 2 - z**2 * t * (1 - t) * spread / (m * n))

    low = 0.0 if outside(0.0) <= 0 else scipy.optimize.brentq(outside, 0.0, auc - INSIDE)
    high = 1.0 if outside(1.0) <= 0 else scipy.optimize.brentq(outside, auc + INSIDE, 1.0)
    return float(low), float(high)


def percentile(values: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Return (N,) the share of the (M,) null that is at most as large, in %."""
    return 100 * np.searchsorted(np.sort(null), values, side="right") / len(null)
