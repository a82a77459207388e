"""Shares of variance: how much of a picture the condition decides, and how much the latent.

Every latent is drawn under every condition. Of pictures x(z, c) with c one of these K conditions,
each as likely, the variance falls apart into that of the mean picture of a condition, that of the
mean picture of a latent, and what neither explains alone (analysis of variance; Fisher 1925). All
sums of squares are read off the Gram matrix of the pictures, so that their size costs little.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

GROUPS = 8  # of latents, each left out in turn for the intervals
T_95 = 2.365  # of Student's distribution with GROUPS - 1 degrees of freedom
CHUNK = 4096  # values of a picture at a time


@dataclass(frozen=True)
class Shares:
    """Where the variance of pictures lies.

    Attributes:
        condition: share of the condition alone, 0 to 1.
        latent: share of the latent alone.
        both: what depends on both together.
        interval: 95 % of the condition's share, by leaving out groups of latents in turn.
        within: variance under one condition, summed over all values: latent and both.
    """

    condition: float
    latent: float
    both: float
    interval: tuple[float, float]
    within: float


def gram(x: np.ndarray) -> np.ndarray:
    """Return the (N, N) inner products of the rows of (N, P) after their mean is taken off."""
    found = np.zeros((len(x), len(x)))
    for first in range(0, x.shape[1], CHUNK):
        piece = x[:, first : first + CHUNK].astype(np.float64)
        piece -= piece.mean(0)
        found += piece @ piece.T
    return found


def two_way(products: np.ndarray, latents: int, conditions: int) -> Shares | None:
    """Return the shares of variance; None where nothing varies.

    Unbiased for the prior that the latents were drawn from: the condition's part is lessened by
    what the finite number of latents adds to it.

    Args:
        products: (L * K, L * K) inner products of pictures, all conditions of the first latent
            first.
        latents: L, at least 2.
        conditions: K.
    """
    cells = products.reshape(latents, conditions, latents, conditions)
    parts = _components(cells)
    total = sum(parts)
    if total <= 1e-12 * max(np.abs(products).max(), 1e-300):
        return None
    latent, both = parts[1] / total, parts[2] / total
    share = parts[0] / total
    low, high = _jackknife(cells, lambda some: _share(_components(some)), share)
    return Shares(share, latent, both, (low, high), parts[1] + parts[2])


def _components(cells: np.ndarray) -> tuple[float, float, float]:
    """Return the variances of condition, latent and both of an (L, K, L, K) Gram matrix."""
    n, k = cells.shape[:2]
    of_latents, of_conditions = cells.mean((1, 3)), cells.mean((0, 2))
    grand = float(cells.mean())
    each = float(np.trace(cells.reshape(n * k, n * k))) - n * k * grand
    rows = k * (float(np.trace(of_latents)) - n * grand)
    columns = n * (float(np.trace(of_conditions)) - k * grand)
    latent = rows / (k * (n - 1))
    both = max((each - rows - columns) / ((n - 1) * k), 0.0)
    return max(columns / (n * k) - both / n, 0.0), max(latent, 0.0), both


def _share(parts: tuple[float, float, float]) -> float:
    return parts[0] / max(sum(parts), 1e-300)


def _jackknife(
    cells: np.ndarray, statistic: Callable[[np.ndarray], float], value: float
) -> tuple[float, float]:
    """Return a 95 % interval within [0, 1], by leaving out groups of latents in turn."""
    groups = min(GROUPS, len(cells) // 2)
    member = np.arange(len(cells)) % groups
    kept = [np.flatnonzero(member != group) for group in range(groups)]
    found = np.array([statistic(cells[rows][:, :, rows]) for rows in kept])
    spread = float(np.sqrt((groups - 1) / groups * np.square(found - found.mean()).sum()))
    return max(value - T_95 * spread, 0.0), min(value + T_95 * spread, 1.0)


@dataclass(frozen=True)
class OneWay:
    """The variance of real images, within groups and between them.

    Attributes:
        between: share of it that the group explains, 0 to 1 (adjusted for the number of images).
        within: variance within a group, summed over all values.
        n: images in groups of at least 2.
        groups: how many of these.
    """

    between: float
    within: float
    n: int
    groups: int


def one_way(x: np.ndarray, group: np.ndarray) -> OneWay | None:
    """Return how much of the variance of (N, P) rows their (N,) group explains.

    Groups of one row are left out; None where fewer than 2 groups are left, or nothing varies.
    """
    _, place, counts = np.unique(group, return_inverse=True, return_counts=True)
    kept = counts[place] > 1
    if (groups := int((counts > 1).sum())) < 2:
        return None
    x, place = x[kept], place[kept]
    spread = inside = 0.0
    for first in range(0, x.shape[1], CHUNK):
        piece = x[:, first : first + CHUNK].astype(np.float64)
        spread += float(np.square(piece - piece.mean(0)).sum())
        for one in np.flatnonzero(counts > 1):
            rows = piece[place == one]
            inside += float(np.square(rows - rows.mean(0)).sum())
    total, within = spread / (len(x) - 1), inside / (len(x) - groups)
    if total <= 0:
        return None
    return OneWay(min(max(1 - within / total, 0.0), 1.0), within, len(x), groups)
