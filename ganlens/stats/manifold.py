"""Precision, recall, density and coverage: how two samples cover each other's k-NN manifold.

A set's manifold is the union of balls around its points, whose radius is the distance to the
point's k-th nearest neighbour; the point itself is no neighbour of its own.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from ganlens.stats.arrays import feature_array, same_width, squared_norms
from ganlens.stats.neighbors import ELEMENTS, exact_squared, product_squared, squared_nearest


def precision_recall(real: ArrayLike, fake: ArrayLike, k: int = 3) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991).

    Args:
        real: (N, d) features of real images, N above k.
        fake: (M, d) features of generated images, M above k.
        k: neighbour that sets a ball's radius; 3 as in the paper and in torch-fidelity.

    Returns:
        Precision, the share of ``fake`` inside a real ball (``<=``), and recall, the share of
        ``real`` inside a fake ball; both 0 to 1.

    Raises:
        GanlensError: k below 1 or too few rows for it, different d, NaN or infinity.
    """
    scores = manifold_scores(real, fake, k=k, k_density=None)
    return scores["precision"], scores["recall"]


def density_coverage(real: ArrayLike, fake: ArrayLike, k: int = 5) -> tuple[float, float]:
    """Density and coverage (Naeem et al. 2020, arXiv 2002.09797).

    Args:
        real: (N, d) features of real images, N above k.
        fake: (M, d) features of generated images.
        k: neighbour that sets a ball's radius; 5 as in the paper's code, ``prdc``.

    Returns:
        Density, at least 0: the mean over fake points of the number of real balls that hold the
        point (``<``), divided by k; it can exceed 1. And coverage, 0 to 1: the share of real balls
        that hold a fake point.

    Raises:
        GanlensError: k below 1 or too few rows for it, different d, NaN or infinity.
    """
    scores = manifold_scores(real, fake, k=None, k_density=k)
    return scores["density"], scores["coverage"]


def manifold_scores(
    real: ArrayLike, fake: ArrayLike, k: int | None = 3, k_density: int | None = 5
) -> dict[str, float]:
    """Precision and recall at k, density and coverage at k_density, in one pass over all pairs.

    Memory holds a few rows of the (M, N) distances at a time. Comparisons are those of exact
    float64 distances.

    Args:
        real: (N, d) features of real images.
        fake: (M, d) features of generated images.
        k: neighbour that sets a ball's radius for precision and recall; None leaves both out.
        k_density: the same for density and coverage.

    Returns:
        The scores by name: "precision", "recall", "density", "coverage"; see the functions above.

    Raises:
        GanlensError: k below 1 or too few rows for it, different d, NaN or infinity.
    """
    real, fake = feature_array(real, "real features"), feature_array(fake, "fake features")
    same_width(real, fake)
    ks = [value for value in (k, k_density) if value is not None]
    if not ks:
        return {}
    squared = _squared_radii(real, max(ks))
    real_radii = {value: squared[:, value - 1] for value in ks}
    fake_radii = None if k is None else _squared_radii(fake, k)[:, -1]
    precise, recalled = 0, np.zeros(len(real), bool)
    inside, covered = 0, np.zeros(len(real), bool)
    for pairs in _blocks(fake, real):
        if k is not None and fake_radii is not None:
            precise += int(pairs.within(real_radii[k]).any(axis=1).sum())
            recalled |= pairs.within(fake_radii[pairs.rows, None]).any(axis=0)
        if k_density is not None:
            held = pairs.within(real_radii[k_density], strictly=True)
            inside += int(held.sum())
            covered |= held.any(axis=0)
    scores: dict[str, float] = {}
    if k is not None:
        scores |= {"precision": precise / len(fake), "recall": float(recalled.mean())}
    if k_density is not None:
        scores |= {"density": inside / (k_density * len(fake)), "coverage": float(covered.mean())}
    return scores


def _squared_radii(x: np.ndarray, k: int) -> np.ndarray:
    """Squared distances from each row to its 1st to k-th nearest other row: (N, k)."""
    return squared_nearest(x, x, k, exclude_self=True, ties=False)[0]


class _Block:
    """Distances from a few rows of one set to all of another, compared as if they were exact.

    Args:
        rows: which rows of the one set.
        x: (R, d) these rows.
        y: (N, d) the other set.
        squared: (R, N) squared distances, rounded.
        bound: (R, N) the largest error of each.
    """

    def __init__(
        self, rows: slice, x: np.ndarray, y: np.ndarray, squared: np.ndarray, bound: np.ndarray
    ) -> None:
        self.rows, self.x, self.y, self.squared, self.bound = rows, x, y, squared, bound

    def within(self, limits: np.ndarray, *, strictly: bool = False) -> np.ndarray:
        """Compare with squared limits that broadcast to (R, N): ``<=``, or ``<`` if strictly."""
        compare = np.less if strictly else np.less_equal
        result = compare(self.squared, limits)
        # Only where rounding could have turned the comparison, compute the distance itself.
        i, j = np.nonzero(np.abs(self.squared - limits) <= self.bound)
        limits = np.broadcast_to(limits, self.squared.shape)
        for start in range(0, len(i), step := max(1, ELEMENTS // self.x.shape[1])):
            a, b = i[start : start + step], j[start : start + step]
            result[a, b] = compare(exact_squared(self.x[a], self.y[b]), limits[a, b])
        return result


def _blocks(x: np.ndarray, y: np.ndarray) -> Iterator[_Block]:
    # A common shift changes no distance, and small norms keep the rounding bound small.
    centre = y.mean(axis=0, dtype=np.float64)
    moved = y - centre
    norms = squared_norms(moved)
    step = max(1, ELEMENTS // len(y))
    for start in range(0, len(x), step):
        rows = slice(start, min(start + step, len(x)))
        part = x[rows] - centre
        squared, bound = product_squared(part, squared_norms(part), moved, norms)
        yield _Block(rows, x[rows], y, squared, bound)
