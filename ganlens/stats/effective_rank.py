"""How many directions a linear map uses, weighted by how much it uses each."""

import numpy as np

from ganlens.errors import GanlensError


def effective_rank(values: np.ndarray) -> float | None:
    """Return the exponential of the entropy of the normalised singular values.

    Roy and Vetterli 2007, "The effective rank: a measure of effective dimensionality".

    Args:
        values: (K,) singular values, at least 0.

    Returns:
        From 1 (one direction) to K (all alike); r for r equal values and zeros. None if all are 0.

    Raises:
        GanlensError: a negative value, or one that is not finite.
    """
    shares = _shares(values)
    if shares is None:
        return None
    used = shares[shares > 0]
    return float(np.exp(-(used * np.log(used)).sum()))


def participation_ratio(values: np.ndarray) -> float | None:
    """Return (sum of squares)^2 over the sum of fourth powers of (K,) singular values.

    From 1 to K as ``effective_rank``, of the variances: small singular values count less. None if
    all are 0.
    """
    shares = _shares(values)
    return None if shares is None else float((shares**2).sum() ** 2 / (shares**4).sum())


def _shares(values: np.ndarray) -> np.ndarray | None:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not np.isfinite(found).all() or (found < 0).any():
        raise GanlensError(
            "singular values that are negative or not finite: give (K,) of at least 0"
        )
    total = found.sum()
    return found / total if total > 0 else None
