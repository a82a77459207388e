"""The excess at each layer's period, traced to a layer: tables and bars."""

from collections.abc import Sequence
from typing import Any

from ganlens.panels import PALETTE, FigurePanel, TablePanel, figure
from ganlens.probes.artifacts.result import ArtifactsResult
from ganlens.stats.excess import Excess

PATTERNS = ("/", "\\", "x", "-", "|", "+", ".")  # bars are told apart without colours


def excesses(result: ArtifactsResult) -> TablePanel:
    """Every layer's period: the excess, its interval, and the same of real images."""
    own, real, before = result.own, result.real, result.untrained
    return TablePanel.of(
        "Does a checkerboard stand out?",
        "The spectrum at each layer's period in dB over the frequencies around it, 0 where "
        "nothing stands out, with 95 % intervals; generated minus real is what real images do not "
        f"have. p: of a peak that exceeds real images by {result.least:g} dB, adjusted for the "
        "number of layers. The amplitude is that of the waves that stand out, in grey levels of "
        "255; real images have such waves too. Real minus real, and its p, is "
        f"what chance gives. {own.verdict.reason}",
        {
            "period (px)": [stage.period for stage in own.stages],
            "layer": [stage.layer for stage in own.stages],
            "generated (dB)": with_intervals(own.alone),
            "real (dB)": with_intervals(real.alone),
            "generated - real (dB)": with_intervals(own.over),
            "p": own.verdict.p_values,
            "real - real (dB)": with_intervals(real.by_chance),
            "p (real - real)": [one.p_above() for one in real.by_chance],
            "amplitude (of 255)": own.grey_levels,
            "untrained (dB)": with_intervals(before.alone if before else [None] * len(own.stages)),
        },
    )


def trace(result: ArtifactsResult) -> list[FigurePanel]:
    """The excess as it is and with one layer evened; empty without upsampling layers."""
    own = result.own
    if not own.stages:
        return []
    drawn = figure(
        barmode="group", yaxis={"title": "excess (dB)"}, legend={"orientation": "h", "y": 1.2},
        height=380,
    )  # fmt: skip
    places = [f"period {stage.period}<br>{stage.layer}" for stage in own.stages]

    def add(name: str, heights: Sequence[float], of: Sequence[Excess], marker: Any) -> None:
        error = {"array": [1.96 * one.error for one in of], "thickness": 1}
        drawn.add_bar(x=places, y=heights, name=name, marker=marker, error_y=error)

    add("as it is", [one.value for one in own.alone], own.alone, {"color": PALETTE[0]})
    for k, (stage, removed) in enumerate(zip(own.stages, own.removed, strict=True)):
        left = [a.value - r.value for a, r in zip(own.alone, removed, strict=True)]
        marker = {"color": PALETTE[(k + 1) % 7], "pattern": {"shape": PATTERNS[k % 7]}}
        add(f"{stage.layer} evened", left, removed, marker)
    real = result.real.alone
    add("real images", [one.value for one in real], real, {"color": PALETTE[7]})
    return [
        FigurePanel(
            title="Traced to a layer",
            caption="Each group is the period of one upsampling layer: how far the generated "
            "images' spectrum stands out there, then the same samples drawn with one layer's "
            "kernel evened (all output positions stamped alike). The layer whose evening takes the "
            f"excess away is where it arises; whiskers are 95 % intervals. {own.verdict.reason}",
            figure=drawn,
        )
    ]


def layers(result: ArtifactsResult) -> TablePanel:
    """What each upsampling layer should do by its kernel, and what its maps show."""
    own, before = result.own, result.untrained
    stages, none = own.stages, [None] * len(own.stages)
    removed = [taken[i] for i, taken in enumerate(own.removed)]
    return TablePanel.of(
        "Upsampling layers: predicted and measured",
        "Predicted: how unevenly a kernel of ones stamps its output (standard deviation "
        "over mean: 0 is even, 5x5 at stride 2 gives 0.286), and the layer's own absolute weights. "
        "Measured: the excess in the layer's own output maps, in dB; later layers may cancel it, "
        "as the last column shows: what evening the kernel takes off the images' excess.",
        {
            "layer": [stage.layer for stage in stages],
            "kind": [stage.kind for stage in stages],
            "maps": [f"{stage.side} x {stage.side}" for stage in stages],
            "unevenness predicted": [stage.unevenness for stage in stages],
            "of its weights": [stage.unevenness_weights for stage in stages],
            "its maps": with_intervals(own.maps),
            "its maps, untrained": with_intervals(before.maps if before else none),
            "evening takes away": with_intervals(removed or none),
        },
    )


def comparison(result: ArtifactsResult) -> TablePanel:
    """Generators trained alike, which differ in their upsampling layers, and this one."""
    measured = [*result.beside, result.own]
    stages = [(one, stage) for one in measured for stage in one.stages]
    return TablePanel.of(
        "Three ways of upsampling, trained alike",
        "Small generators of the same width, trained with the same data, seed, settings "
        "and number of steps, that differ in their upsampling layers only; last the generator of "
        "this page, which was trained otherwise. Excesses in dB with 95 % intervals: over the "
        "surrounding frequencies, and over real images at the same place.",
        {
            "generator": [one.name for one, _ in stages],
            "upsampling": [stage.kind for _, stage in stages],
            "period (px)": [stage.period for _, stage in stages],
            "unevenness predicted": [stage.unevenness for _, stage in stages],
            "excess": with_intervals([a for one in measured for a in one.alone]),
            "over real": with_intervals([a for one in measured for a in one.over]),
            "amplitude": [level for one in measured for level in one.grey_levels],
            "arises in": [
                one.verdict.layer if one.verdict.period == stage.period else None
                for one, stage in stages
            ],
        },
    )


def with_intervals(found: Sequence[Excess | None]) -> list[str | None]:
    """Write excesses as "4.1 (3.5 to 4.7)"."""
    return [None if one is None else _with_interval(one) for one in found]


def _with_interval(one: Excess) -> str:
    low, high = one.interval
    return f"{one.value:.1f} ({low:.1f} to {high:.1f})"
