"""Which layer a checkerboard comes from: the first that stands out, and what confirms it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ganlens.probes.artifacts.stages import Stage
from ganlens.stats.excess import Excess, holm

ALPHA = 0.05
MIN_REMOVED = 0.5  # share of the excess, in dB, that evening a layer's overlap must take away


@dataclass(frozen=True)
class Verdict:
    """What was concluded.

    Attributes:
        layer: where a checkerboard arises first, or None.
        period: its period in pixels, or None.
        confirmed: the checkerboard goes once the layer's kernel lays equally much on every pixel.
        reason: one sentence on why this layer, or why none.
        p_values: stage by stage, that a checkerboard is there, adjusted by Holm.
    """

    layer: str | None
    period: int | None
    confirmed: bool
    reason: str
    p_values: tuple[float, ...]


def blame(
    stages: Sequence[Stage],
    alone: Sequence[Excess],
    over: Sequence[Excess],
    removed: Sequence[Sequence[Excess]],
    least: float,
) -> Verdict:
    """Name the layer where a checkerboard arises first.

    A checkerboard stands out of its own spectrum (an excess above 0), and by more than ``least``
    over what real images have at its place; the larger of both p-values counts (an
    intersection-union test). The bar is on the comparison because a natural spectrum falls towards
    its corners: that nothing is there means an excess below 0, in real images -3 dB and less.

    Of several the one with the longest period is named: a layer repeats spectra at its own period
    and rectifiers make harmonics at shorter ones, but no later layer reaches a longer one.

    Every generator's spectrum differs a little from the real one, and enough images make that
    significant: less than ``least`` dB over real images is not called a checkerboard. The excesses
    are those of ``Measurement``; ``removed`` is empty where no layer was evened.
    """
    if not stages:
        return Verdict(None, None, False, "No layer of this generator enlarges maps.", ())
    p_values = tuple(
        holm([max(a.p_above(), b.p_above(least)) for a, b in zip(alone, over, strict=True)])
    )
    found = [s for s, p in enumerate(p_values) if p < ALPHA]
    if not found:
        reason = (
            "At no layer's period does the spectrum stand out of its surroundings and exceed real"
            f" images' by significantly more than {least:g} dB."
        )
        return Verdict(None, None, False, reason, p_values)
    return _confirmed(stages, found[0], alone[found[0]].value, removed, p_values)


def _confirmed(
    stages: Sequence[Stage],
    at: int,
    excess: float,
    removed: Sequence[Sequence[Excess]],
    p_values: tuple[float, ...],
) -> Verdict:
    """Name the layer whose evening takes away most of the excess of stage ``at``, else its own."""
    period, layer = stages[at].period, stages[at].layer
    what = f"The spectrum stands out by {excess:.1f} dB at a period of {period} pixels"
    if not removed:
        return Verdict(layer, period, False, f"{what}, that of {layer}.", p_values)
    best = max(range(len(stages)), key=lambda k: removed[k][at].value)
    taken = removed[best][at]
    confirmed = len(stages) * taken.p_above() < ALPHA and taken.value >= MIN_REMOVED * excess
    reason = (
        f"{what}, that of {layer}, but evening no single kernel takes most of it away: it is in "
        "what the layer draws, not in how its kernel overlaps."
    )
    if confirmed:
        layer = stages[best].layer
        reason = f"{what}, and evening the kernel of {layer} takes {taken.value:.1f} dB away."
    return Verdict(layer, period, confirmed, reason, p_values)
