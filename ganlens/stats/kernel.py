"""The kernel distance (KID where the features are Inception's): unbiased MMD^2 over subsets.

Bińkowski et al. 2018 (arXiv 1801.01401), with the cubic polynomial kernel
``(gamma x.y + coef0)^3``; the subsets are those that torch-fidelity draws.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from ganlens.errors import GanlensError
from ganlens.stats.arrays import check_range, feature_array, same_width

SUBSETS, SUBSET_SIZE = 100, 1000  # as in the paper's code, torch-fidelity and the literature
SEED = 2020  # torch-fidelity's
TILE = 1024  # rows and columns of kernel values held at a time


@dataclass(frozen=True)
class KernelDistance:
    """A kernel distance and what belongs to it.

    Attributes:
        mean: the distance, the mean of the unbiased MMD^2 of all subsets; can be below 0.
        std: spread of the subsets' values (divisor: their number), what torch-fidelity reports.
            It tells how noisy one subset is, not how noisy ``mean`` is; 0 where N is the subset
            size, since all subsets are then the same.
        standard_error: of ``mean`` as an estimate for the two populations: first-order variance of
            the U-statistic at these N (Serfling 1980, section 5.5.1), and the draw of the subsets.
        subsets: how many.
        subset_size: rows of either side in each.
    """

    mean: float
    std: float
    standard_error: float
    subsets: int
    subset_size: int


def kernel_distance(
    x: ArrayLike,
    y: ArrayLike,
    *,
    subsets: int = SUBSETS,
    subset_size: int = SUBSET_SIZE,
    degree: int = 3,
    gamma: float | None = None,
    coef0: float = 1.0,
    seed: int = SEED,
) -> KernelDistance:
    """Kernel distance between two sets of features, in float64.

    Where the sets are small, the kernel of every pair is computed once, in tiles, and every subset
    sums its own; where they are large, every subset computes its pairs. Both give the same.

    Args:
        x: (N, d) features, N at least ``subset_size``. Which set comes first changes the subsets.
        y: (M, d) features, M at least ``subset_size``.
        subsets: subsets drawn.
        subset_size: rows drawn of either side, without replacement.
        degree: power of the kernel.
        gamma: its scale, above 0; None for 1/d.
        coef0: its constant, at least 0: with a negative one it is no kernel.
        seed: of the draw; the default gives torch-fidelity's subsets.

    Raises:
        GanlensError: fewer rows than ``subset_size``, or less than 2 of it, no subsets, a degree
            below 1, gamma or coef0 out of range, different d, NaN or infinity.
    """
    x, y = feature_array(x, "the first set"), feature_array(y, "the second set")
    same_width(x, y)
    _check(min(len(x), len(y)), subsets, subset_size, degree)
    if (gamma is not None and not 0 < gamma < np.inf) or not 0 <= coef0 < np.inf:
        raise GanlensError(
            f"a kernel with gamma {gamma} and coef0 {coef0}: give a finite gamma above 0, or None, "
            "and a finite coef0 of at least 0"
        )
    if not 0 <= seed < 2**32:
        raise GanlensError(f"seed {seed} of a kernel distance: give 0 to {2**32 - 1}")
    kernel = _Kernel(degree, 1 / x.shape[1] if gamma is None else gamma, coef0)
    draws = _draws(len(x), len(y), subsets, subset_size, seed)
    whole = (len(x) + len(y)) ** 2 < subsets * (2 * subset_size) ** 2
    values, variance = (_from_all_pairs if whole else _subset_by_subset)(x, y, kernel, draws)
    std = float(values.std())
    error = np.sqrt(variance[0] / len(x) + variance[1] / len(y) + std**2 / subsets)
    check_range(float(values.mean()), float(error))
    return KernelDistance(float(values.mean()), std, float(error), subsets, subset_size)


def _check(available: int, subsets: int, subset_size: int, degree: int) -> None:
    whole = all(isinstance(one, Integral) for one in (subsets, subset_size, degree))
    if not whole or subset_size < 2 or subsets < 1 or degree < 1:
        raise GanlensError(
            f"a kernel distance of {subsets} subsets of {subset_size} rows and degree {degree}: "
            "give whole numbers of at least 1 subset, 2 rows and degree 1"
        )
    if available < subset_size:
        raise GanlensError(
            f"a kernel distance with subsets of {subset_size:,} needs at least {subset_size:,} "
            f"rows on either side and got {available:,}: give more, or a smaller subset size, "
            "which is then to be named beside the value"
        )


@dataclass(frozen=True)
class _Kernel:
    degree: int
    gamma: float
    coef0: float

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Kernel of all pairs of float64 rows; numpy computes one triangle where y is x."""
        products = x @ y.T
        products *= self.gamma
        products += self.coef0
        values = products.copy()
        for _ in range(self.degree - 1):
            values *= products
        return values

    def diagonal(self, x: np.ndarray) -> np.ndarray:
        """Kernel of every row with itself."""
        squared = np.einsum("ij,ij->i", x, x, dtype=np.float64)
        return (self.gamma * squared + self.coef0) ** self.degree


def _draws(
    n: int, m: int, subsets: int, subset_size: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    # The legacy generator, in torch-fidelity's order: other draws would be other values.
    generator = np.random.RandomState(seed)
    return [
        (
            generator.choice(n, subset_size, replace=False),
            generator.choice(m, subset_size, replace=False),
        )
        for _ in range(subsets)
    ]


def _mmd2(xx: np.ndarray, yy: np.ndarray, xy: np.ndarray, size: int) -> np.ndarray:
    """Unbiased MMD^2 from sums over pairs, each row with itself left out."""
    return (xx + yy) / (size * (size - 1)) - 2 * xy / size**2


def _projected_variance(own: np.ndarray, other: np.ndarray, rows: int, others: int) -> float:
    """N times the first-order variance, from each row's sums over its own and the other set."""
    return float(4 * np.var(own / (rows - 1) - other / others, ddof=1))


Outcome = tuple[np.ndarray, tuple[float, float]]


def _subset_by_subset(
    x: np.ndarray, y: np.ndarray, kernel: _Kernel, draws: list[tuple[np.ndarray, np.ndarray]]
) -> Outcome:
    values, variances = np.empty(len(draws)), np.empty((len(draws), 2))
    for at, (i, j) in enumerate(draws):
        a, b = x[i].astype(np.float64), y[j].astype(np.float64)
        size = len(a)
        own_a = kernel(a, a).sum(axis=1) - kernel.diagonal(a)
        own_b = kernel(b, b).sum(axis=1) - kernel.diagonal(b)
        cross = kernel(a, b)
        values[at] = _mmd2(own_a.sum(), own_b.sum(), cross.sum(), size)
        variances[at] = (
            _projected_variance(own_a, cross.sum(axis=1), size, size),
            _projected_variance(own_b, cross.sum(axis=0), size, size),
        )
    first, second = variances.mean(axis=0)
    return values, (float(first), float(second))


def _from_all_pairs(
    x: np.ndarray, y: np.ndarray, kernel: _Kernel, draws: list[tuple[np.ndarray, np.ndarray]]
) -> Outcome:
    member_x, member_y = (
        _membership(len(side), [draw[at] for draw in draws]) for at, side in enumerate((x, y))
    )
    xx, own_x, _ = _tiled(x, x, kernel, member_x, member_x, same=True)
    yy, own_y, _ = _tiled(y, y, kernel, member_y, member_y, same=True)
    xy, cross_x, cross_y = _tiled(x, y, kernel, member_x, member_y, same=False)
    values = _mmd2(xx, yy, xy, len(draws[0][0]))
    n, m = len(x), len(y)
    return values, (
        _projected_variance(own_x, cross_x, n, m),
        _projected_variance(own_y, cross_y, m, n),
    )


def _membership(rows: int, draws: list[np.ndarray]) -> np.ndarray:
    """(subsets, rows): 1 where a row is in a subset."""
    member = np.zeros((len(draws), rows))
    for subset, drawn in zip(member, draws, strict=True):
        subset[drawn] = 1
    return member


def _tiled(
    x: np.ndarray, y: np.ndarray, kernel: _Kernel,
    member_x: np.ndarray, member_y: np.ndarray, *, same: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Sum a kernel over every subset's pairs, over rows and over columns.

    If y is x, only tiles on and above the diagonal are computed, and no row meets itself.
    """
    sums = np.zeros(len(member_x))
    of_rows, of_columns = np.zeros(len(x)), np.zeros(len(y))
    for rows in _tiles(len(x)):
        a = x[rows].astype(np.float64)
        for columns in _tiles(len(y), rows.start if same else 0):
            on_diagonal = same and rows == columns
            tile = kernel(a, a) if on_diagonal else kernel(a, y[columns].astype(np.float64))
            if on_diagonal:
                np.fill_diagonal(tile, 0)
            twice = 2 if same and not on_diagonal else 1
            held = member_x[:, rows] @ tile
            sums += twice * np.einsum("ij,ij->i", held, member_y[:, columns])
            of_rows[rows] += tile.sum(axis=1)
            if not on_diagonal:
                of_columns[columns] += tile.sum(axis=0)
    if same:  # the mirrored tiles
        of_rows += of_columns
    return sums, of_rows, of_columns


def _tiles(length: int, start: int = 0) -> Iterator[slice]:
    return (slice(at, min(at + TILE, length)) for at in range(start, length, TILE))
