"""The Fréchet distance between two Gaussians, from moments or straight from features.

Heusel et al. 2017 (arXiv 1706.08500):
``|mean_a - mean_b|^2 + tr(cov_a) + tr(cov_b) - 2 tr((cov_a cov_b)^(1/2))``.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.linalg import lapack

from ganlens.errors import GanlensError
from ganlens.stats.arrays import check_range, feature_array, same_width
from ganlens.stats.moments import mean_cov

EPS = float(np.finfo(np.float64).eps)
INDEFINITE = 1e-6  # share of all eigenvalues that a negative one may have by rounding


def frechet_distance(
    mean_a: ArrayLike, cov_a: ArrayLike, mean_b: ArrayLike, cov_b: ArrayLike
) -> float:
    """Fréchet distance between N(mean_a, cov_a) and N(mean_b, cov_b), in float64.

    The trace of the square root comes from the eigenvalues of ``L^T cov_b L`` with the Cholesky
    factor ``cov_a = L L^T``, which LAPACK's ``dsygst`` forms in one triangle (or with the two
    swapped); if both are singular, from singular values of a product of factors of low rank, where
    the noise of the missing eigenvalues would add up. A negative eigenvalue of ``L^T cov_b L`` is
    one of ``cov_b`` (Sylvester's law of inertia), so an indefinite matrix costs nothing to find.

    Args:
        mean_a: (d,) mean.
        cov_a: (d, d) covariance, symmetric and positive semi-definite; a number where d is 1.
        mean_b: (d,) mean.
        cov_b: (d, d) covariance.

    Returns:
        The (squared) distance, at least 0.

    Raises:
        GanlensError: shapes that do not fit, NaN or infinity, a matrix that is no covariance.
    """
    (mean_a, cov_a), (mean_b, cov_b) = _gaussian(mean_a, cov_a), _gaussian(mean_b, cov_b)
    if mean_a.shape != mean_b.shape:
        raise GanlensError(
            f"Gaussians of {len(mean_a)} and {len(mean_b)} dimensions cannot be compared: "
            "take both from the same extractor"
        )
    traces = float(np.trace(cov_a) + np.trace(cov_b))
    return _distance(mean_a - mean_b, traces, _trace_sqrt(cov_a, cov_b))


def frechet_distance_from_features(a: ArrayLike, b: ArrayLike) -> float:
    """Fréchet distance between the Gaussians fitted to two sets of features, in float64.

    With at least as many rows as columns on both sides it goes through the covariances. Otherwise
    ``tr((cov_a cov_b)^(1/2))`` is the nuclear norm of the product of the centred features
    (Mathiasen and Hvilshøj 2020, arXiv 2009.14075): cheaper, and exact for covariances of low rank.

    Args:
        a: (N, d) features, N at least 2.
        b: (M, d) features, M at least 2; M need not equal N.

    Raises:
        GanlensError: fewer than 2 rows, different d, NaN or infinity.
    """
    a, b = feature_array(a, "the first set", 2), feature_array(b, "the second set", 2)
    same_width(a, b)
    if min(len(a), len(b)) >= a.shape[1]:
        return frechet_distance(*mean_cov(a), *mean_cov(b))
    (mean_a, factor_a), (mean_b, factor_b) = _centred_factor(a), _centred_factor(b)
    traces = float(np.square(factor_a).sum() + np.square(factor_b).sum())
    return _distance(mean_a - mean_b, traces, _nuclear_norm(factor_a @ factor_b.T))


def _distance(delta: np.ndarray, traces: float, trace_sqrt: float) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        value = float(delta @ delta) + traces - 2 * trace_sqrt
    check_range(value)
    return max(value, 0.0)


def _gaussian(mean: ArrayLike, cov: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    if np.iscomplexobj(mean) or np.iscomplexobj(cov):
        raise GanlensError("a mean or covariance holds complex numbers: give real ones")
    mean = np.atleast_1d(np.asarray(mean, dtype=np.float64))
    cov = np.atleast_2d(np.asarray(cov, dtype=np.float64))
    if mean.ndim != 1 or not len(mean) or cov.shape != (len(mean), len(mean)):
        raise GanlensError(
            f"a mean of shape {mean.shape} with a covariance of shape {cov.shape}: "
            "give (d,) and (d, d)"
        )
    if not (np.isfinite(mean).all() and np.isfinite(cov).all()):
        raise GanlensError(
            "a mean or covariance holds NaN or infinity: check the features behind it"
        )
    return mean, _symmetric(cov)


def _symmetric(cov: np.ndarray) -> np.ndarray:
    if np.array_equal(cov, cov.T):  # as mean_cov and numpy.cov make it
        asymmetry = 0.0
    else:
        asymmetry = float(np.abs(cov - cov.T).max())
        cov = (cov + cov.T) / 2
    size = float(np.abs(np.diag(cov)).max())  # of a covariance: no element is larger
    if asymmetry > 1e-6 * size or np.diag(cov).min() < -1e-6 * size:
        raise GanlensError(
            "a covariance is asymmetric or has a negative variance: make the moments anew"
        )
    return cov


def _trace_sqrt(cov_a: np.ndarray, cov_b: np.ndarray) -> float:
    """Trace of (cov_a cov_b)^(1/2), for symmetric matrices."""
    for one, other in ((cov_a, cov_b), (cov_b, cov_a)):
        # Symmetric: the transpose is the same matrix in the column order that LAPACK works on.
        root, singular = lapack.dpotrf(one.T, lower=1, clean=0)
        if not singular:
            product, _ = lapack.dsygst(other.T, root, itype=2, lower=1)
            check_range(product)
            values = linalg.eigvalsh(
                product, lower=True, driver="evd", overwrite_a=True, check_finite=False
            )
            return float(np.sqrt(_not_negative(values)).sum())
    return _nuclear_norm(_eigen_factor(cov_a) @ _eigen_factor(cov_b).T)


def _not_negative(values: np.ndarray) -> np.ndarray:
    """Set the eigenvalues that rounding made negative to 0, and refuse others."""
    lowest = float(values.min())
    if lowest < -INDEFINITE * float(np.abs(values).sum()):
        raise GanlensError(
            f"a matrix with a negative eigenvalue ({lowest:.3g}) is no covariance: make the "
            "moments anew"
        )
    return values.clip(min=0)


def _eigen_factor(cov: np.ndarray) -> np.ndarray:
    """Return F (r, d) with F^T F = cov, without the directions that hold nothing but rounding."""
    values, vectors = linalg.eigh(cov, check_finite=False)
    values = _not_negative(values)
    keep = values > len(cov) * EPS * values[-1]
    return (vectors[:, keep] * np.sqrt(values[keep])).T


def _centred_factor(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the rows and F (at most d rows, d) with F^T F = their covariance."""
    rows = x.astype(np.float64)
    mean = rows.mean(axis=0)
    rows -= mean
    rows /= np.sqrt(len(rows) - 1)
    if len(rows) > rows.shape[1]:
        rows = np.asarray(np.linalg.qr(rows, mode="r"))
    return mean, rows


def _nuclear_norm(matrix: np.ndarray) -> float:
    if matrix.size == 0:  # a constant side has a factor without rows
        return 0.0
    return float(linalg.svdvals(matrix, check_finite=False).sum())
