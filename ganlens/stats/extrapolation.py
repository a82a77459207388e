"""The Fréchet distance at infinitely many samples (Chong and Forsyth 2020, arXiv 1911.07023)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ganlens.errors import GanlensError
from ganlens.stats.arrays import check_range, feature_array, same_width
from ganlens.stats.frechet import frechet_distance_from_features
from ganlens.stats.influence import frechet_influence

POINTS = 15  # as in the paper
SMALLEST = 1 / 3  # share of the rows at the smallest size
VARY = ("both", "second")


@dataclass(frozen=True)
class FrechetInfinity:
    """A Fréchet distance extrapolated to infinite samples.

    Attributes:
        value: the intercept at 1/N = 0; noise can bring it below 0.
        standard_error: of ``value``: the residuals of the fit and the sampling of the rows, added
            as variances (the fit alone sees only the draw of the subsets, not of the rows).
        slope: how the distance grows, per share of the rows inverted (1 at all rows).
        sizes: rows of either set at every point of the fit.
        distances: the distance at every point, the last with all rows.
        vary: which sets became smaller.
    """

    value: float
    standard_error: float
    slope: float
    sizes: tuple[tuple[int, int], ...]
    distances: tuple[float, ...]
    vary: str


def frechet_infinity(
    a: ArrayLike,
    b: ArrayLike,
    *,
    points: int = POINTS,
    smallest: float = SMALLEST,
    vary: Literal["both", "second"] = "both",
    seed: int = 0,
) -> FrechetInfinity:
    """Fit the Fréchet distance of random subsets against 1/N and read it off at 1/N = 0.

    The bias of the distance is the sum of one term ~1/N for each finite set. With ``both``, every
    point takes the same share of the rows of either set, so that both terms shrink together and the
    intercept estimates the distance of the two populations, whether N equals M or not. With
    ``second`` only the generated set varies, as in the paper, where the reference is a fixed
    Gaussian: the intercept then still holds the bias of the reference's own finite size.

    Sizes are evenly spaced in N, as in the paper, which starts at a tenth of the rows; a third was
    less biased here where few rows go with a dimension (1/N is a straight line only for N well
    above d: with N = 2 d, read the value as a hint).

    Args:
        a: (N, d) features of the reference.
        b: (M, d) features of the generated images.
        points: sizes in the fit, at least 3.
        smallest: share of the rows at the smallest size, below 1; it must leave 2 rows.
        vary: "both" or "second".
        seed: of the subsets, which are drawn without replacement.

    Raises:
        GanlensError: too few rows or points, an unknown ``vary``, different d, NaN or infinity.
    """
    a, b = feature_array(a, "the reference"), feature_array(b, "the generated set")
    same_width(a, b)
    if vary not in VARY or points < 3 or not 0 < smallest < 1:
        raise GanlensError(
            f"vary={vary!r} with {points} points from a share of {smallest}: choose vary from "
            f"{', '.join(VARY)}, at least 3 points and a share between 0 and 1"
        )
    fewest = len(b) if vary == "second" else min(len(a), len(b))
    if smallest * fewest < 2 or len(a) < 2:
        raise GanlensError(
            f"an extrapolation from {fewest:,} rows down to {smallest:.3g} of them leaves fewer "
            f"than 2: give at least {int(np.ceil(2 / smallest)):,}"
        )
    shares = np.linspace(smallest, 1, points)
    sizes = [(len(a) if vary == "second" else int(len(a) * s), int(len(b) * s)) for s in shares]
    generator = np.random.default_rng(seed)
    distances = [
        frechet_distance_from_features(_subset(a, n, generator), _subset(b, m, generator))
        for n, m in sizes
    ]
    value, slope, variance = _intercept(len(b) / np.array([m for _, m in sizes]), distances)
    _, *changes = frechet_influence(a, b)
    for change in changes[vary == "second" :]:
        variance += change.var(ddof=1) / len(change)
    error = float(np.sqrt(variance))
    check_range(value, error)
    return FrechetInfinity(value, error, slope, tuple(sizes), tuple(distances), vary)


def _subset(x: np.ndarray, size: int, generator: np.random.Generator) -> np.ndarray:
    return x if size == len(x) else x[generator.choice(len(x), size, replace=False)]


def _intercept(x: np.ndarray, y: list[float]) -> tuple[float, float, float]:
    """Intercept and slope of the least-squares line, and the intercept's variance."""
    design = np.stack([np.ones_like(x), x], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    line = inverse @ design.T @ y
    residual = float(np.square(y - design @ line).sum()) / (len(x) - 2)
    return float(line[0]), float(line[1]), float(inverse[0, 0]) * residual
