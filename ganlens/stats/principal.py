"""Principal axes: the directions along which features vary most."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

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
    mean, cov = mean_cov(x)
    width = len(mean)
    kept = min(count, width)
    values, vectors = linalg.eigh(cov, subset_by_index=(width - kept, width - 1))
    found = vectors.T[::-1]
    signs = np.sign(np.take_along_axis(found, np.abs(found).argmax(1)[:, None], 1))
    axes, shares = np.zeros((count, width)), np.zeros(count)
    axes[:kept] = found * signs
    total = float(np.trace(cov))
    if total > 0:
        shares[:kept] = values[::-1].clip(min=0) / total
    return mean, axes, shares
