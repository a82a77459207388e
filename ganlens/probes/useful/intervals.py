"""Intervals over repeats, and the verdicts that follow from them alone."""

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over repeats and its 95 % interval by Student's t.

    Attributes:
        mean: of the R values.
        low: lower end.
        high: upper end.
    """

    mean: float
    low: float
    high: float

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends."""
        return self.low, self.high


def interval(values: np.ndarray) -> Interval:
    """Return mean ± t(0.975, R - 1) s / sqrt(R) of (R,) values, s with R - 1 in its denominator.

    NaN where a value is; the ends are NaN below 2 values too.
    """
    from scipy.stats import t

    count, mean = len(values), float(np.mean(values))
    if count < 2:
        return Interval(mean, np.nan, np.nan)
    half = t.ppf((1 + LEVEL) / 2, count - 1) * np.std(values, ddof=1) / np.sqrt(count)
    return Interval(mean, float(mean - half), float(mean + half))


def share_interval(values: np.ndarray) -> Interval:
    """Return the interval of (R,) shares, cut off at 0 and 1, which no share exceeds."""
    found = interval(values)
    low, high = np.clip(found.ends, 0, 1).tolist()
    return Interval(found.mean, low, high)


def verdict(difference: Interval, repeats: int, words: tuple[str, str] = ("helps", "hurts")) -> str:
    """Say what an interval of differences shows; "" where it is not defined.

    Args:
        difference: of what is asked about minus its reference.
        repeats: behind it.
        words: where all of it lies above 0, and below.
    """
    if np.isnan(difference.low):
        return ""
    if difference.low > 0:
        return words[0]
    if difference.high < 0:
        return words[1]
    return f"no difference that {repeats} repeats can show"
