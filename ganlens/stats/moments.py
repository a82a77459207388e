"""Means and covariances in float64, in one pass over data that need not fit into memory."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from ganlens.errors import GanlensError
from ganlens.stats.arrays import chunks, feature_array


class Moments:
    """Mean and covariance of rows that arrive in batches.

    Batches are merged by the update of Chan, Golub and LeVeque (1983), Welford's rule for whole
    batches: sums of raw outer products would lose the digits that a large mean takes up.

    Attributes:
        count: rows seen so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean = np.zeros(0)
        self._scatter = np.zeros((0, 0))  # sum of outer products of deviations from the mean

    def update(self, batch: ArrayLike) -> Self:
        """Add the rows of an (N, d) batch; N may be 0.

        Raises:
            GanlensError: NaN or infinity in the batch, or another d than before.
        """
        for chunk in chunks(feature_array(batch, "batch", minimum=0)):
            rows = chunk.astype(np.float64)
            mean = rows.mean(axis=0)
            rows -= mean
            self._absorb(len(rows), mean, rows.T @ rows)
        return self

    def _absorb(self, count: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        if self.count == 0:
            self.count, self._mean, self._scatter = count, mean.copy(), scatter.copy()
            return
        if mean.shape != self._mean.shape:
            raise GanlensError(
                f"a batch of {len(mean)} dimensions after batches of {len(self._mean)}: "
                "keep one Moments per extractor"
            )
        total = self.count + count
        delta = mean - self._mean
        self._mean += delta * (count / total)
        self._scatter += scatter
        self._scatter += np.outer(delta, delta * (self.count * count / total))
        self.count = total

    @property
    def mean(self) -> np.ndarray:
        """(d,) mean. Raises GanlensError before the first row."""
        if self.count == 0:
            raise GanlensError("a mean of 0 samples is undefined: give at least 1")
        return self._mean.copy()

    @property
    def cov(self) -> np.ndarray:
        """(d, d) covariance with divisor N - 1. Raises GanlensError below 2 rows."""
        if self.count < 2:
            raise GanlensError(
                f"a covariance of {self.count} samples is undefined: give at least 2"
            )
        return self._scatter / (self.count - 1)


def mean_cov(x: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and covariance (d, d; divisor N - 1) of (N, d) rows, in float64.

    Raises:
        GanlensError: fewer than 2 rows, NaN or infinity.
    """
    moments = Moments().update(feature_array(x, minimum=2))
    return moments.mean, moments.cov
