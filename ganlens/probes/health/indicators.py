"""Indicators of health: one number each, and on which side of two known checkpoints it lies."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from ganlens.probes.health.measurements import Measurements

LEAST_RATIO = 1.5  # two references whose values differ by less do not settle a ratio
LEAST_SHARE = 0.05  # nor a share
TINY = 1e-9  # stands for 0, which has no logarithm
HEALTHY, COLLAPSED = "like the healthy one", "like the collapsed one"
ALIKE = "no verdict: the two references are alike here"
ALONE = "no verdict: no references beside it"
UNDEFINED = "no verdict: not defined here"


@dataclass(frozen=True)
class Indicator:
    """A number that tells a healthy GAN from a collapsed one.

    Attributes:
        key: short name.
        title: what it is, for a table.
        meaning: what a collapse does to it.
        value: takes it from a checkpoint's measurements; None where it is not defined.
        ratio: it compares by its logarithm, else by differences (shares).
    """

    key: str
    title: str
    meaning: str
    value: Callable[[Measurements], float | None]
    ratio: bool = False


@dataclass(frozen=True)
class Verdict:
    """One indicator of one checkpoint beside the references.

    Attributes:
        value: of this checkpoint, None where it is not defined.
        healthy: of the healthy reference, None without.
        collapsed: of the collapsed one, None without.
        threshold: halfway between the references, geometrically for a ratio; None without.
        verdict: in words.
    """

    value: float | None
    healthy: float | None
    collapsed: float | None
    threshold: float | None
    verdict: str


def _over(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _gradient(measured: Measurements, network: str) -> float | None:
    return None if measured.gradients is None else measured.gradients.relative[network]


INDICATORS: tuple[Indicator, ...] = (
    Indicator("spread", "mean distance of two samples / of two real images",
              "falls when samples become alike",
              lambda v: _over(*v.spread), ratio=True),
    Indicator("rank", "effective rank of dG/dz / most that it can be",
              "falls when few directions of the latent space change the picture",
              lambda v: v.rank and v.rank / v.spectra.shape[1], ratio=True),
    Indicator("dead", "dead units of the generator, share",
              "rises when rectifiers shut for good",
              lambda v: _over(*v.dead("generator"))),
    Indicator("saturated", "values at the ends of tanh, share above that of real images",
              "rises when the output saturates",
              lambda v: v.saturated[0] - v.saturated[1]),
    Indicator("sure", "images of which D is more than 99 % sure, and right, share",
              "rises when D has won",
              lambda v: v.certain),
    Indicator("told apart", "AUC of D, real images against samples",
              "near 1 when D has won, 0.5 when it cannot tell",
              lambda v: v.separated),
    Indicator("gradient of D", "gradient norm of D's loss / norm of its weights",
              "falls when D has nothing left to learn",
              lambda v: _gradient(v, "discriminator"), ratio=True),
    Indicator("gradient of G", "gradient norm of G's loss / norm of its weights",
              "rises when D is steep, falls when it is flat",
              lambda v: _gradient(v, "generator"), ratio=True),
)  # fmt: skip


def verdict(
    indicator: Indicator,
    measured: Measurements,
    references: tuple[Measurements, Measurements] | None,
) -> Verdict:
    """Compare an indicator with the healthy and the collapsed reference, measured in the same way.

    The threshold lies halfway between the two; where they differ by less than 1.5 times, or 0.05
    of a share, there is none.
    """
    value = indicator.value(measured)
    if references is None:
        return Verdict(value, None, None, None, ALONE)
    healthy, collapsed = (indicator.value(one) for one in references)
    known = [one for one in (value, healthy, collapsed) if one is not None]
    if len(known) < 3:
        return Verdict(value, healthy, collapsed, None, UNDEFINED)
    own, good, bad = (math.log(max(one, TINY)) if indicator.ratio else one for one in known)
    if abs(good - bad) < (math.log(LEAST_RATIO) if indicator.ratio else LEAST_SHARE):
        return Verdict(value, healthy, collapsed, None, ALIKE)
    middle = (good + bad) / 2
    words = HEALTHY if (own > middle) == (good > middle) else COLLAPSED
    threshold = math.exp(middle) if indicator.ratio else middle
    return Verdict(value, healthy, collapsed, threshold, words)
