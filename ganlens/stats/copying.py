"""Does a sample lie nearer to the training set than fresh data would? The three-sample test C_T."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ganlens.errors import GanlensError
from ganlens.stats.arrays import feature_array
from ganlens.stats.neighbors import nearest

FIT_ROWS = 2000  # training rows that place the cells: more move them little and cost time


@dataclass(frozen=True)
class CellScore:
    """One cell of the test.

    Attributes:
        n_generated: generated points in the cell.
        n_held_out: held-out points in the cell.
        z: z-scored Mann-Whitney U, None where one side is empty.
        used: whether it enters C_T.
    """

    n_generated: int
    n_held_out: int
    z: float | None
    used: bool


@dataclass(frozen=True)
class CopyingScore:
    """The statistic C_T with what it is made of.

    Attributes:
        value: far below 0 copying, far above 0 underfitting; None where no cell can be used.
        reason: why it is None, else "".
        null_std: standard deviation of ``value`` if both samples had one law: less than 1, since
            the cells are averaged. None with ``value``.
        cells: every cell, in order.
    """

    value: float | None
    reason: str
    null_std: float | None
    cells: tuple[CellScore, ...]


def copying_score(
    generated: ArrayLike,
    held_out: ArrayLike,
    generated_cells: ArrayLike | None = None,
    held_out_cells: ArrayLike | None = None,
    tau: float | None = None,
) -> CopyingScore:
    """C_T of Meehan, Chaudhuri and Dasgupta 2020 (arXiv 2004.05675, section 3.2).

    In each cell, U counts the pairs in which the generated point is farther from the training set
    than the held-out one (ties count half), and Z_U = (U - mn/2) / sqrt(mn (m + n + 1) / 12); with
    ties the usual correction takes their share off the variance, and Z_U is 0 where all are equal.
    C_T is the mean of Z_U over the cells that hold at least a share tau of the generated points,
    weighted by the share of held-out points. The authors' code adds 1/2 to U - mn/2, a continuity
    correction that the paper does not have; it is left out here.

    Args:
        generated: (m,) distances to the nearest training point.
        held_out: (n,) the same for held-out real points.
        generated_cells: (m,) cell of each, from 0; None puts all into one.
        held_out_cells: (n,) the same.
        tau: least share of the generated points, by default 20 points: with fewer, Z_U is no
            longer normal. 0 takes every cell.

    Raises:
        GanlensError: an empty or not finite side, cells that do not belong to the distances, or a
            tau outside [0, 1].
    """
    ours = feature_array(generated, "generated distances")[:, 0]
    theirs = feature_array(held_out, "held-out distances")[:, 0]
    cells, other = _cells(generated_cells, ours), _cells(held_out_cells, theirs)
    tau = min(20 / len(ours), 1.0) if tau is None else tau
    if not 0 <= tau <= 1:
        raise GanlensError(f"tau {tau:g} is no share: give 0 to 1, or None")
    found = []
    for cell in range(int(max(cells.max(), other.max())) + 1):
        x, y = ours[cells == cell], theirs[other == cell]
        z = _z_score(x, y) if len(x) and len(y) else None
        used = z is not None and len(x) >= tau * len(ours) - 1e-9
        found.append(CellScore(len(x), len(y), z, used))
    used_cells = [(c.n_held_out, c.z) for c in found if c.used and c.z is not None]
    if not used_cells:
        reason = f"no cell holds held-out points and {tau:.0%} of the generated ones"
        return CopyingScore(None, reason, None, tuple(found))
    weights = np.array([n for n, _ in used_cells], dtype=np.float64)
    weights /= weights.sum()
    value = float(weights @ np.array([z for _, z in used_cells]))
    return CopyingScore(value, "", float(np.sqrt(np.square(weights).sum())), tuple(found))


def _cells(cells: ArrayLike | None, distances: np.ndarray) -> np.ndarray:
    if cells is None:
        return np.zeros(len(distances), np.int64)
    found = np.asarray(cells)
    if found.shape != distances.shape or found.dtype.kind not in "iu" or found.min() < 0:
        raise GanlensError(
            f"cells of shape {found.shape} for {len(distances)} distances: give one whole number "
            "of at least 0 for each"
        )
    return found


def _z_score(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.stats import rankdata

    m, n = len(x), len(y)
    values = np.concatenate([x, y])
    u = rankdata(values)[:m].sum() - m * (m + 1) / 2
    _, counts = np.unique(values, return_counts=True)
    total = m + n
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * (total - 1))
    variance = m * n * (total + 1 - ties) / 12
    return float((u - m * n / 2) / np.sqrt(variance)) if variance > 1e-9 else 0.0


def training_cells(train: ArrayLike, count: int, seed: int = 0) -> np.ndarray:
    """Centres (at most count, d) of the cells of C_T: k-means on at most 2,000 training points.

    Args:
        train: (N, d).
        count: cells; fewer are returned where the points have fewer distinct values.
        seed: of the draw and of k-means.

    Raises:
        GanlensError: no points, or a count below 1.
    """
    from sklearn.cluster import KMeans

    train = feature_array(train, "training points")
    if count < 1:
        raise GanlensError(f"{count} cells are too few: give at least 1")
    rows = np.random.default_rng(seed).permutation(len(train))[:FIT_ROWS]
    points = np.asarray(train[np.sort(rows)], dtype=np.float32)
    count = min(count, len(np.unique(points, axis=0)))
    means = KMeans(count, n_init=1, random_state=seed, max_iter=50).fit(points)
    return np.asarray(means.cluster_centers_)


def assign_cells(points: ArrayLike, centres: np.ndarray) -> np.ndarray:
    """Return the (N,) row of the nearest centre for each of (N, d) points."""
    return nearest(points, centres, 1)[1][:, 0]
