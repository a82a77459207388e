"""How far a spectrum stands out at the Nyquist points of an upsampling layer.

A layer that enlarges maps by a stride of 2 repeats their spectrum: what was at frequency 0 comes
back at the Nyquist points (1/2, 0), (0, 1/2) and (1/2, 1/2) of the larger map, unless its kernel
cancels it (Odena 2016). Every later layer halves these frequencies. So a checkerboard of the last
layer has a period of 2 pixels, one of the layer before a period of 4, and so on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from ganlens.errors import GanlensError
from ganlens.stats.spectrum import FLOOR, check_period, power_at

LEVEL = 0.95
_DECIBEL = 10 / np.log(10)
_AROUND = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)])


@dataclass(frozen=True)
class Excess:
    """An excess in dB, with its standard error over images (delta method).

    Attributes:
        value: dB; 0 where nothing stands out, 3 where the power is doubled.
        error: standard error in dB.
    """

    value: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        reach = float(ndtri((1 + LEVEL) / 2)) * self.error
        return self.value - reach, self.value + reach

    def p_above(self, bar: float = 0.0) -> float:
        """Return the one-sided p-value of an excess above a bar in dB."""
        if self.error == 0:
            return 0.0 if self.value > bar else 1.0
        return float(ndtr(-(self.value - bar) / self.error))


def nyquist_points(period: int) -> np.ndarray:
    """Return the (3, 2) points of a checkerboard of a period in pixels, (4, 2) beyond period 2.

    In cycles per pixel: (1/p, 0), (0, 1/p), (1/p, 1/p), and (1/p, -1/p) where it is another one.

    Raises:
        GanlensError: a period below 2 pixels.
    """
    check_period(period)
    points = np.array([(1, 0), (0, 1), (1, 1), (1, -1)]) / period
    return points[:3] if period == 2 else points


def local_power(images: np.ndarray, period: int, coarsest: int) -> np.ndarray:
    """Measure each image at the Nyquist points of a period, and around them.

    Around a point are the eight places midway to the nearest points of any period up to
    ``coarsest``; no other layer's checkerboard falls there. In a DCGAN that is 2 or more frequency
    steps away, where the window lets through less than 1 % of the point's own power.

    Args:
        images: (N, C, S, S).
        period: of the checkerboard in pixels.
        coarsest: the longest period of any layer.

    Returns:
        (N, K, 9): power at each point, then around it.
    """
    points = nyquist_points(period)
    if coarsest < period:
        raise GanlensError(
            f"coarsest {coarsest} is less than the period {period}: give at least it"
        )
    around = points[:, None] + _AROUND / (2 * coarsest)
    places = np.concatenate([points[:, None], around], axis=1)
    return power_at(images, places.reshape(-1, 2)).reshape(len(images), len(points), -1)


def excess(power: np.ndarray) -> Excess:
    """Return how far the points stand out from what is around them.

    Args:
        power: (N, K, 9), see ``local_power``.

    Returns:
        The mean over the points of 10 log10(power / geometric mean of the power around it), each
        power a mean over the images.
    """
    value, change = _terms(power)
    return Excess(value, _error(change))


def excess_over(fake: np.ndarray, real: np.ndarray) -> Excess:
    """Return the excess of one set of images minus that of another, independent one.

    Whatever stands out in real images too (pixel grids, JPEG's blocks) cancels. Two samples of the
    same images differ by chance only, so its p-values are uniform there.
    """
    (a, changes_a), (b, changes_b) = _terms(fake), _terms(real)
    return Excess(a - b, float(np.hypot(_error(changes_a), _error(changes_b))))


def excess_removed(before: np.ndarray, after: np.ndarray) -> Excess:
    """Return how much of the excess a change of the same N images took away, image by image."""
    (a, changes_a), (b, changes_b) = _terms(before), _terms(after)
    return Excess(a - b, _error(changes_a - changes_b))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number (Holm 1979): each may be compared with the level itself.

    Raises:
        GanlensError: a number that is no p-value.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise GanlensError(f"p-values {list(p_values)!r:.80}: give numbers from 0 to 1")
    order = np.argsort(p_values, kind="stable")
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[int(i)] = worst
    return adjusted


def _terms(power: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the excess and the (N,) influence of each image on it."""
    mean = np.maximum(power.mean(0), FLOOR)
    weights = np.full(power.shape[1:], -1 / (power.shape[2] - 1)) / power.shape[1]
    weights[:, 0] = 1 / power.shape[1]
    value = _DECIBEL * float((weights * np.log(mean)).sum())
    return value, _DECIBEL * (weights * (power - mean) / mean).sum((1, 2))


def _error(changes: np.ndarray) -> float:
    if len(changes) < 2:
        raise GanlensError(f"{len(changes)} images give an excess no error: give at least 2")
    return float(changes.std(ddof=1) / np.sqrt(len(changes)))
