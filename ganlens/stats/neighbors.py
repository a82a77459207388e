"""Exact nearest neighbours: faiss searches in float32, float64 decides.

A float32 matrix-product distance can be wrong in its first digit between near-duplicates. So faiss
only proposes candidates; their distances are computed anew in float64 from coordinate differences,
and a bound on faiss's rounding proves that no other point can be nearer. Queries for which the
bound proves nothing (many equal distances) are searched again in float64.
"""

import faiss
import numpy as np
from numpy.typing import ArrayLike

from ganlens.errors import GanlensError
from ganlens.stats.arrays import chunks, feature_array, same_width, squared_norms

MARGIN = 16  # candidates beyond k, so that the bound nearly always holds at once
ELEMENTS = 1 << 23  # numbers held by one temporary array: 64 MiB in float64
SMALL = 1e-100  # differences whose squares leave the range of float64 are not scaled up
EPS32, EPS64 = 2.0**-24, 2.0**-53  # relative error of one rounding


def nearest(
    queries: ArrayLike, base: ArrayLike, k: int = 1, *, exclude_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Find the k nearest rows of ``base`` for every query, by Euclidean distance.

    Args:
        queries: (N, d).
        base: (M, d), M at least k.
        k: neighbours per query.
        exclude_self: ``queries`` is ``base``, and row i is no neighbour of itself. Another row with
            the same values is one, at distance 0.

    Returns:
        Distances (N, k) in float64, ascending and not squared, and indices (N, k) into ``base``;
        equal distances come in order of index.

    Raises:
        GanlensError: k below 1 or above what ``base`` can give, different d, NaN or infinity.
    """
    squared, indices = squared_nearest(queries, base, k, exclude_self=exclude_self)
    return np.sqrt(squared), indices


def squared_nearest(
    queries: ArrayLike, base: ArrayLike, k: int, *, exclude_self: bool = False, ties: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Do the same as ``nearest``, with squared distances.

    Args:
        queries: (N, d).
        base: (M, d).
        k: neighbours per query.
        exclude_self: row i is no neighbour of itself.
        ties: False spares the search for the lowest indices among more than k copies of a query,
            which a collapsed generator makes long.

    Raises:
        GanlensError: as ``nearest``; or ``exclude_self`` with queries that cannot be the base.
    """
    queries, base = feature_array(queries, "queries"), feature_array(base, "base")
    same_width(queries, base)
    if exclude_self and len(queries) != len(base):
        raise GanlensError(
            "exclude_self needs the queries to be the base: give the same array twice"
        )
    available = len(base) - exclude_self
    if not 1 <= k <= available:
        raise GanlensError(
            f"k = {k} neighbours: choose from 1 to {available}, what the base can give"
        )
    k, wanted = int(k), int(min(k + exclude_self + MARGIN, len(base)))
    search = _Search(base, ties)
    squared = np.empty((len(queries), k))
    indices = np.empty((len(queries), k), np.int64)
    step = max(1, min(1024, ELEMENTS // (wanted * base.shape[1])))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        own = np.arange(rows.start, rows.stop) if exclude_self else None
        squared[rows], indices[rows] = search(queries[rows].astype(np.float64), k, wanted, own)
    return squared, indices


def exact_squared(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared distances of corresponding rows from float64 differences: (n, d), (n, d) to (n,)."""
    step = max(1, ELEMENTS // x.shape[-1])
    parts = [
        squared_norms(x[i : i + step].astype(np.float64) - y[i : i + step])
        for i in range(0, len(x), step)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def product_squared(
    x: np.ndarray, x_norms: np.ndarray, y: np.ndarray, y_norms: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances (n, m) of all pairs by a float64 product, and a bound on their error.

    Args:
        x: (n, d) float64, best centred: the error grows with the norms.
        x_norms: (n,) squared norms.
        y: (m, d) float64.
        y_norms: (m,) squared norms.
    """
    distances = x @ y.T
    distances *= -2
    distances += x_norms[:, None]
    distances += y_norms
    bound = np.sqrt(x_norms)[:, None] + np.sqrt(y_norms)
    np.square(bound, out=bound)
    bound *= (x.shape[1] + 16) * EPS64
    return distances, bound


class _Search:
    """A base of points, ready to be searched: moved and scaled so that float32 serves best."""

    def __init__(self, base: np.ndarray, ties: bool) -> None:
        self.base, self.ties = base, ties
        self.centre = np.mean([c.mean(axis=0, dtype=np.float64) for c in chunks(base)], axis=0)
        # Scaled to at most 1, no square can overflow float32.
        ends = ((c.min(axis=0), c.max(axis=0)) for c in chunks(base))
        spread = [np.maximum(high - self.centre, self.centre - low).max() for low, high in ends]
        self.scale = float(max(spread)) if max(spread) > SMALL else 1.0
        self.index = faiss.IndexFlatL2(base.shape[1])
        self.reach = 0.0
        for chunk in chunks(base):
            moved = self._move(chunk)
            self.reach = max(self.reach, float(np.sqrt(np.einsum("ij,ij->i", moved, moved).max())))
            self.index.add(moved.astype(np.float32))

    def _move(self, x: np.ndarray) -> np.ndarray:
        moved = x - self.centre
        moved /= self.scale
        return moved

    def __call__(
        self, queries: np.ndarray, k: int, wanted: int, own: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        moved = self._move(queries)
        # A query far outside the base is the float64 search's: float32 could overflow.
        near = np.abs(moved).max(axis=1) < 1e6
        approx, found = self.index.search(
            np.where(near[:, None], moved, 0).astype(np.float32), wanted
        )
        reach = np.sqrt(squared_norms(moved)) + self.reach
        bound = (queries.shape[1] + 16) * EPS32 * reach**2
        last = k - 1 + (own is not None)
        # Ascending: what is farther than the last by more than both errors is not among the k.
        possible = (approx <= approx[:, [last]] + 2 * bound[:, None]) | ~near[:, None]
        squared, indices = self._rank(queries, found, possible, k, own)
        unseen = approx.max(axis=1) - bound
        proven = near & ((squared[:, -1] / self.scale**2 < unseen) | (wanted == len(self.base)))
        if not self.ties:  # nothing is nearer than a copy
            proven |= squared[:, -1] == 0
        group = max(1, ELEMENTS // len(self.base))
        doubtful = np.flatnonzero(~proven)
        for start in range(0, len(doubtful), group):
            rows = doubtful[start : start + group]
            theirs = None if own is None else own[rows]
            squared[rows], indices[rows] = self._careful(queries[rows], moved[rows], k, theirs)
        return squared, indices

    def _rank(
        self,
        queries: np.ndarray,
        found: np.ndarray,
        possible: np.ndarray,
        k: int,
        own: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Order the possible ones of candidates (n, c) by exact distance, then index; keep k."""
        squared = np.full(found.shape, np.inf)
        rows, _ = np.nonzero(possible)
        squared[possible] = exact_squared(self.base[found[possible]], queries[rows])
        if own is not None:
            squared[found == own[:, None]] = np.inf
        order = np.lexsort((found, squared), axis=1)[:, :k]
        return np.take_along_axis(squared, order, 1), np.take_along_axis(found, order, 1)

    def _careful(
        self, queries: np.ndarray, moved: np.ndarray, k: int, own: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Search in float64: exact distances of all points that may be among the k nearest."""
        norms, low, high = squared_norms(moved), [], []
        for chunk in chunks(self.base, max(1, ELEMENTS // self.base.shape[1])):
            points = self._move(chunk)
            distances, bound = product_squared(moved, norms, points, squared_norms(points))
            low.append(distances - bound)
            high.append(distances + bound)
        last = k - 1 + (own is not None)
        limits = np.partition(np.concatenate(high, axis=1), last, axis=1)[:, last]
        possible = np.concatenate(low, axis=1) <= limits[:, None]
        squared, indices = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
        for row, query in enumerate(queries):
            found = np.flatnonzero(possible[row])
            exact = exact_squared(
                self.base[found], np.broadcast_to(query, (len(found), len(query)))
            )
            if own is not None:
                exact[found == own[row]] = np.inf
            order = np.argsort(exact, kind="stable")[:k]
            squared[row], indices[row] = exact[order], found[order]
        return squared, indices
