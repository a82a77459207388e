"""Principal axes: the directions along which features vary most."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from ganlens.errors import GanlensError
from ganlens.stats.arrays import feature_array
from ganlens.stats.moments import mean_cov


def principal_axes(x: ArrayLike, count: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the leading principal axes of (N, d) rows.

    Args:
        x: N at least 2.
        count: axes wanted; directions beyond d are zero vectors.

    Returns:
        The mean (d,), orthonormal axes (count, d), each with its largest coordinate positive, and
        the share of the total variance along each (count,), 0 where nothing varies.
    """
    x = feature_array(x, minimum=2)
    if count < 1:
        raise GanlensError(f"{count} principal axes: give at least 1")
    mean, values, found = _leading(x, count)
    kept, width = found.shape
    signs = np.sign(np.take_along_axis(found, np.abs(found).argmax(1)[:, None], 1))
    axes, shares = np.zeros((count, width)), np.zeros(count)
    axes[:kept] = found * signs
    if values.sum() > 0:
        shares[:kept] = values[:kept] / values.sum()
    return mean, axes, shares


def _leading(x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, all variances descending, and up to ``count`` axes (rows), by the cheaper way."""
    if len(x) > x.shape[1]:
        mean, cov = mean_cov(x)
        values, vectors = linalg.eigh(cov)
        return mean, values[::-1].clip(min=0), vectors.T[::-1][:count]
    rows = x.astype(np.float64)
    mean = rows.mean(axis=0)
    _, spread, axes = linalg.svd(rows - mean, full_matrices=False)
    return mean, spread**2, axes[:count]
