"""Result of the turn probe: an attribute measured on many samples along one vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.result import Number, Result


@dataclass(frozen=True)
class TurnResult(Result):
    """A continuous attribute measured on many samples along one vector.

    Attributes:
        attribute: what is turned.
        amounts: (P,) positions t of z + t v.
        vector: (d,) v.
        measured: (N, P) the attribute as the classifier predicts it, in the data's units.
        control: (N, P) the same along random vectors of equal length, one for each sample.
        others: the A categorical attributes that should stay.
        unchanged: (P, A) share of samples that are predicted as at the middle position.
        unchanged_control: (P, A) the same along the random vectors.
        pictures: (S * P, H, W, C) uint8: some samples, position by position.
        ends: what the linear regressor that sorted them predicts at either end, on average.
        regressor_correlation: held-out correlation of that regressor.
        sigmas: length of v in standard deviations of the prior's coordinates.
        recipe: what draws the pictures again.
        classifier_correlation: held-out correlation of the classifier that measures; None: unknown.
    """

    attribute: str
    amounts: np.ndarray
    vector: np.ndarray
    measured: np.ndarray
    control: np.ndarray
    others: tuple[str, ...]
    unchanged: np.ndarray
    unchanged_control: np.ndarray
    pictures: np.ndarray
    ends: tuple[float, float]
    regressor_correlation: float
    sigmas: float
    recipe: dict[str, Any]
    classifier_correlation: float | None

    def numbers(self) -> Sequence[Number]:
        """Return correlation, slope and drift, each with its control."""
        rho, slope = (measure(self.amounts, self.measured) for measure in (spearman, slopes))
        along = "  the same along random vectors"
        stay, control = (one[[0, -1]].mean(0) for one in (self.unchanged, self.unchanged_control))
        alone = "the data has no other categorical attribute"
        return (
            Number("attribute", self.attribute),
            Number("spearman_mean", rho.mean(), "Spearman's correlation with t, mean over samples"),
            Number("spearman_random_vectors", spearman(self.amounts, self.control).mean(), along),
            Number("spearman_median", np.median(rho)),
            Number("spearman_share_above_0.9", (rho > 0.9).mean(),
                   "samples with a correlation above 0.9", "%"),
            Number("slope_mean", slope.mean(), f"slope: {self.attribute} per unit of t, mean"),
            Number("slope_std", slope.std(ddof=1), "  its standard deviation over samples"),
            Number("slope_random_vectors", slopes(self.amounts, self.control).mean(), along),
            Number("vector_length_sigma", self.sigmas, "length of v", "sigma of the prior"),
            Number("slope_per_sigma", slope.mean() / self.sigmas),
            Number("reach", self.amounts[-1]),
            Number("unchanged_at_the_ends", dict(zip(self.others, stay, strict=True)),
                   "still the same {} at the ends", "%"),
            Number("unchanged_at_the_ends_mean", stay.mean() if len(stay) else None, reason=alone),
            Number("unchanged_random_vectors_mean", control.mean() if len(stay) else None,
                   reason=alone),
            Number("exemplars_predicted_as", self.ends),
            Number("regressor_correlation_held_out", self.regressor_correlation,
                   "held-out correlation of the regressor that sorted the samples"),
        )  # fmt: skip


def spearman(amounts: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Return the (N,) rank correlations of (N, P) values with (P,) amounts; 0 if nothing moves."""
    from scipy.stats import rankdata

    ranks = rankdata(measured, axis=1)
    centred = ranks - ranks.mean(1, keepdims=True)
    order = rankdata(amounts) - (len(amounts) + 1) / 2
    size = np.sqrt((centred**2).sum(1) * (order**2).sum())
    return np.divide(centred @ order, size, out=np.zeros(len(size)), where=size > 0)


def slopes(amounts: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Return the (N,) least-squares slopes of (N, P) values over (P,) amounts."""
    centred = amounts - amounts.mean()
    return measured @ centred / (centred @ centred)
