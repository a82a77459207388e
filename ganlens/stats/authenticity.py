"""Statistics that compare a sample's nearest training point with the training set's own spacing."""

import numpy as np
from numpy.typing import ArrayLike

from ganlens.errors import GanlensError
from ganlens.stats.arrays import chunks, feature_array, same_width
from ganlens.stats.neighbors import ELEMENTS, nearest

NEIGHBORS = 50  # Carlini's n: those that the calibrated distance averages over
ALPHA = 0.5  # Carlini's alpha
COSINE_THRESHOLD = 0.1  # Kaggle's: mean cosine distances beyond it count as no memorization at all
SMALLEST = 1e-8  # a Fréchet distance below it is 0 in Kaggle's code


def spacing(train: ArrayLike, rows: ArrayLike) -> np.ndarray:
    """Return the (n,) distances from some training points to their nearest other training point.

    Args:
        train: (N, d), N at least 2.
        rows: (n,) rows of ``train``; rows may repeat.

    Raises:
        GanlensError: fewer than 2 points, NaN or infinity, or rows that are not there.
    """
    train = feature_array(train, "training points", 2)
    unique, back = np.unique(np.asarray(rows), return_inverse=True)
    if len(unique) and not (
        unique.dtype.kind in "iu" and 0 <= unique[0] <= unique[-1] < len(train)
    ):
        raise GanlensError(
            f"rows {unique[0]} to {unique[-1]}: give whole numbers from 0 to {len(train) - 1}"
        )
    distances, indices = nearest(train[unique], train, 2)
    # Among more than two equal points its own row may be missing: then any of them is another one.
    first = np.where(indices[:, 0] == unique, distances[:, 1], distances[:, 0])
    return np.asarray(first[back])


def authentic(distance: ArrayLike, own: ArrayLike) -> np.ndarray:
    """Tell which samples are authentic (Alaa et al. 2022, arXiv 2102.08921, section 2.2).

    Args:
        distance: (N,) distance d(g, t*) of each sample to its nearest training point t*.
        own: (N,) distance from that t* to its nearest other training point: see ``spacing``.

    Returns:
        (N,) bool, ``distance > own``: a sample nearer to t* than any other training point counts
        as a copy of it. AuthPct is the mean in %. About half of fresh real data is not authentic
        either, so the number means nothing without that of held-out data.
    """
    return np.asarray(distance) > np.asarray(own)


def calibrated(distances: ArrayLike) -> np.ndarray:
    """Calibrated l2 distance (Carlini et al. 2023, arXiv 2301.13188, section 5.1).

    ``d1 / (alpha * mean of the distances to the n nearest training points)``, alpha = 0.5, n = 50:
    small where one training point is much nearer than its rivals, 2 where all are equally near.

    Args:
        distances: (N, k) to the k nearest training points, ascending; k should be 50.

    Returns:
        (N,), from 0 to 2; 2 where all k distances are 0, which singles no training point out.

    Raises:
        GanlensError: no (N, k) array, or descending distances.
    """
    d = feature_array(distances, "distances").astype(np.float64)
    if (np.diff(d, axis=1) < 0).any() or d.min(initial=0) < 0:
        raise GanlensError("distances to neighbours are negative or descend: give nearest()'s")
    mean = ALPHA * d.mean(axis=1)
    return np.divide(d[:, 0], mean, out=np.full(len(d), 1 / ALPHA), where=mean > 0)


def memorization_distance(generated: ArrayLike, train: ArrayLike) -> float:
    """Mean over the samples of the least cosine distance ``1 - |cos|`` to a training point.

    The memorization distance of Bai et al. 2021 (arXiv 2106.03062) and of Kaggle's MiFID. Rows of
    zeros have no direction and are left out, as in Kaggle's code.

    Args:
        generated: (N, d) features.
        train: (M, d) features.

    Returns:
        0 to 1; 0 where every sample is a multiple of a training point.

    Raises:
        GanlensError: different d, NaN or infinity, or nothing but zeros on one side.
    """
    x, y = feature_array(generated, "generated"), feature_array(train, "training points")
    same_width(x, y)
    ours, theirs = _unit(x), _unit(y)
    best = [
        1 - np.abs(part @ theirs.T).max(axis=1)
        for part in chunks(ours, max(1, ELEMENTS // len(theirs)))
    ]
    return float(np.clip(np.concatenate(best), 0, 1).mean())


def _unit(x: np.ndarray) -> np.ndarray:
    norms = np.sqrt(np.einsum("nd,nd->n", x, x, dtype=np.float64))
    if not norms.any():
        raise GanlensError("features are all 0 and have no direction: check the extractor")
    return x[norms > 0] / norms[norms > 0, None].astype(x.dtype)


def memorization_informed(
    frechet: float, distance: float, threshold: float = COSINE_THRESHOLD
) -> float:
    """MiFID: a Fréchet distance over the memorization distance (Kaggle 2019; Bai 2021, 3.2).

    Args:
        frechet: the Fréchet distance; the result is called MiFID on published Inception features
            only, and MiFD-<extractor> otherwise.
        distance: from ``memorization_distance``.
        threshold: a distance of at least this much is replaced by 1: no penalty. Kaggle's 0.1 was
            set for Inception on photographs of dogs; other features need their own.

    Returns:
        ``frechet / (distance + 1e-14)`` with the distance so clipped; 0 where ``frechet`` is below
        1e-8, so that copies of the reference itself do not explode.

    Raises:
        GanlensError: a negative Fréchet distance, a memorization distance outside [0, 1], a
            threshold outside (0, 1], or one that is not finite.
    """
    if not (0 <= frechet < np.inf and 0 <= distance <= 1 and 0 < threshold <= 1):
        raise GanlensError(
            f"frechet {frechet:g}, distance {distance:g}, threshold {threshold:g}: give a finite "
            "distance of at least 0, a mean cosine distance from 0 to 1, and a threshold above 0 "
            "and at most 1"
        )
    kept = distance if distance < threshold else 1.0
    return frechet / (kept + 10e-15) if frechet > SMALLEST else 0.0
