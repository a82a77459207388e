"""How every single row moves the Fréchet distance: its influence function.

For a row x of the first set it is ``2 delta.(x - mean) + (x - mean)^T (I - T) (x - mean)``, less
its mean, with ``delta`` the difference of the means and T the optimal map from the first Gaussian
onto the second: the derivative of the Wasserstein distance between Gaussians (Rippl, Munk and
Sturm 2016, arXiv 1510.01076).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from ganlens.stats.arrays import feature_array, same_width

EPS = float(np.finfo(np.float64).eps)


def frechet_influence(a: ArrayLike, b: ArrayLike) -> tuple[float, np.ndarray, np.ndarray]:
    """Fréchet distance and its influence function at every row of both sets, in float64.

    One solve with eigenvectors: through Cholesky where a set has more rows than columns, through
    the singular vectors of the (N, M) inner products where neither has, through eigenvectors of
    both covariances where both are singular all the same.

    Args:
        a: (N, d) features, N at least 2.
        b: (M, d) features, M at least 2.

    Returns:
        The distance, and for both sets (N,) and (M,) numbers whose variance over N, and over M, is
        that set's share in the variance of the distance.

    Raises:
        GanlensError: fewer than 2 rows, different d, NaN or infinity.
    """
    a, b = feature_array(a, "the first set", 2), feature_array(b, "the second set", 2)
    same_width(a, b)
    x, y = a.astype(np.float64), b.astype(np.float64)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x -= mean_x
    y -= mean_y
    delta = mean_x - mean_y
    trace, moved_x, moved_y = _moved(x, y)
    norms_x, norms_y = np.square(x).sum(axis=1), np.square(y).sum(axis=1)
    spread = norms_x.sum() / (len(x) - 1) + norms_y.sum() / (len(y) - 1)
    value = max(float(delta @ delta + spread - 2 * trace), 0.0)
    # The exact derivative by a row's weight: a covariance divides by N - 1, a mean by N.
    change_x = 2 * x @ delta + (norms_x - moved_x) * (len(x) / (len(x) - 1))
    change_y = -2 * y @ delta + (norms_y - moved_y) * (len(y) / (len(y) - 1))
    return value, change_x - change_x.mean(), change_y - change_y.mean()


def _moved(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Trace of (cov_x cov_y)^(1/2), and ``row^T T row`` of all centred rows of x and of y.

    T is the optimal map of either Gaussian onto the other, on the space that the rows span.
    """
    width = x.shape[1]
    if max(len(x), len(y)) <= width:  # the rows are factors of the covariances themselves
        scale_x, scale_y = len(x) - 1, len(y) - 1
        u, s, vt = linalg.svd(x @ y.T / np.sqrt(scale_x * scale_y), full_matrices=False)
        return float(s.sum()), scale_x * (u**2 @ s), scale_y * ((vt**2).T @ s)
    for first, second in ((x, y), (y, x)):
        if len(first) > width and (forms := _by_cholesky(first, second)) is not None:
            trace, of_first, of_second = forms
            return (trace, of_first, of_second) if first is x else (trace, of_second, of_first)
    return _by_factors(x, y)


def _by_cholesky(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray, np.ndarray] | None:
    """As ``_moved``, if the covariance of x is positive definite.

    With ``cov_x = L L^T`` and ``L^T cov_y L = Q diag(r^2) Q^T``, the map of x onto y is
    ``L^-T Q diag(r) Q^T L^-1``, and that of y onto x ``L Q diag(1/r) Q^T L^T``.
    """
    try:
        root = np.linalg.cholesky(x.T @ x / (len(x) - 1))
    except np.linalg.LinAlgError:
        return None
    image = y @ root
    values, vectors = linalg.eigh(
        image.T @ image / (len(y) - 1), driver="evd", overwrite_a=True, check_finite=False
    )
    values[: max(0, len(values) - len(y) + 1)] = 0  # known, where rounding would add up
    r = np.sqrt(values.clip(min=0))
    held = values > len(values) * EPS * values[-1]
    inverse = np.divide(1, r, out=np.zeros_like(r), where=held)
    white = linalg.solve_triangular(root, x.T, lower=True, check_finite=False).T @ vectors
    return float(r.sum()), white**2 @ r, (image @ vectors) ** 2 @ inverse


def _by_factors(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """As ``_moved``, where both covariances are singular (features that never vary)."""
    (factor_x, of_x), (factor_y, of_y) = _factor(x), _factor(y)
    u, s, vt = linalg.svd(factor_x @ factor_y.T, full_matrices=False)
    return float(s.sum()), (of_x @ u) ** 2 @ s, (of_y @ vt.T) ** 2 @ s


def _factor(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F (r, d) with F^T F = the covariance, and C (N, r) with C F = x."""
    values, vectors = linalg.eigh(x.T @ x / (len(x) - 1), driver="evd", check_finite=False)
    held = values > len(values) * EPS * values[-1]
    sizes, axes = np.sqrt(values[held]), vectors[:, held]
    return (axes * sizes).T, x @ axes / sizes
