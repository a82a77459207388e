"""Checks that every statistic makes of the arrays it is given."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from ganlens.errors import GanlensError

ROWS = (
    4096  # rows turned into float64 at a time, so that a memory-mapped array is never copied whole
)


HUGE = np.float64(1e150)  # sums of squares of larger numbers leave the range of float64


def feature_array(x: ArrayLike, name: str = "features", minimum: int = 1) -> np.ndarray:
    """Return ``x`` as an (N, d) array of floats, finite and not too short; no copy if it is one.

    Args:
        x: (N, d), or (N,) which becomes (N, 1).
        name: what an error calls it.
        minimum: fewest rows that are accepted.

    Raises:
        GanlensError: no array of numbers, not two-dimensional, no columns, fewer rows than
            ``minimum``, complex numbers, NaN, infinity or what comes near it.
    """
    array = _array(x, name)
    if array.dtype.kind == "c":
        raise GanlensError(f"{name} holds complex numbers: give real ones")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        raise GanlensError(f"{name} has shape {array.shape}: give (N, d) with d of at least 1")
    if len(array) < minimum:
        raise GanlensError(f"{name} has {len(array)} rows: at least {minimum} are needed")
    if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        array = _as_float64(array, name)
    # NaN compares as False, and minimum and maximum hand it on.
    if not all(chunk.min() > -HUGE and chunk.max() < HUGE for chunk in chunks(array)):
        raise GanlensError(
            f"{name} holds NaN or infinity, or numbers beyond {HUGE:g}: check the network or the"
            " images behind it"
        )
    return array


def _array(x: ArrayLike, name: str) -> np.ndarray:
    try:
        return np.asarray(x)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists; a tensor with gradients
        why = str(error).partition("\n")[0]
        raise GanlensError(f"{name} is no array ({why}): give (N, d) numbers") from error


def _as_float64(array: np.ndarray, name: str) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise GanlensError(f"{name} is of type {array.dtype}: give (N, d) numbers") from error


def check_range(*values: float | np.ndarray) -> None:
    """Raise GanlensError where a result left the range of float64 on the way."""
    if not all(np.isfinite(value).all() for value in values):
        raise GanlensError(
            "the features are too large for float64, in which their powers are summed: check the "
            "network or the images behind them"
        )


def same_width(a: np.ndarray, b: np.ndarray) -> None:
    """Raise GanlensError unless two feature arrays have equally many columns."""
    if a.shape[1] != b.shape[1]:
        raise GanlensError(
            f"features of {a.shape[1]} and {b.shape[1]} dimensions cannot be compared: "
            "extract both with the same extractor"
        )


def chunks(x: np.ndarray, rows: int = ROWS) -> Iterator[np.ndarray]:
    """Cut an array into views of at most ``rows`` rows."""
    return (x[start : start + rows] for start in range(0, len(x), rows))


def squared_norms(x: np.ndarray) -> np.ndarray:
    """Sum the squares of each row of a float64 array: (..., d) to (...)."""
    return np.square(x).sum(axis=-1)
