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
    stages: Sequence[Stage], alone: Sequence[Excess], over: Sequence[Excess],
    removed: Sequence[Sequence[Excess]], least: float,
) -> Verdict:  # fmt: skip
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
    at = found[0]
    taken = {one.layer: row[at] for one, row in zip(stages, removed, strict=False)}
    layer, confirmed, reason = _traced(stages[at], alone[at].value, taken)
    return Verdict(layer, stages[at].period, confirmed, reason, p_values)


def _traced(stage: Stage, excess: float, taken: dict[str, Excess]) -> tuple[str, bool, str]:
    """Name the layer whose evening takes away most of a stage's excess, else the stage's own.

    Returns:
        The layer, whether its evening takes most away, and a sentence that says so.
    """
    what = f"The spectrum stands out by {excess:.1f} dB at a period of {stage.period} pixels"
    if not taken:
        return stage.layer, False, f"{what}, that of {stage.layer}."
    best = max(taken, key=lambda layer: taken[layer].value)
    off = taken[best]
    if len(taken) * off.p_above() < ALPHA and off.value >= MIN_REMOVED * excess:
        said = f"{what}, and evening the kernel of {best} takes {off.value:.1f} dB away."
        return best, True, said
    said = (
        f"{what}, that of {stage.layer}, but evening no single kernel takes most of it away: it is "
        "in what the layer draws, not in how its kernel overlaps."
    )
    return stage.layer, False, said
