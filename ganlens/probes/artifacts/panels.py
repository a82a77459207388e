"""Panels of the artifacts probe: spectra, excesses traced to a layer, pictures."""

from collections.abc import Sequence

from ganlens.figures import bars
from ganlens.panels import FigurePanel, Panel, TablePanel
from ganlens.probes.artifacts import pictures, spectra
from ganlens.probes.artifacts.result import ArtifactsResult
from ganlens.stats.excess import Excess


def panels(result: ArtifactsResult) -> list[Panel]:
    """Return spectra, excesses, the trace to a layer, the prediction, and the comparison."""
    found: list[Panel] = [
        spectra.plane(result),
        spectra.azimuthal(result),
        _excesses(result),
        *_trace(result),
        _layers(result),
        pictures.overlaps(result),
        pictures.worst(result),
    ]
    if result.beside:
        found += [_comparison(result), pictures.samples(result)]
    return found


def _excesses(result: ArtifactsResult) -> TablePanel:
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
            "generated (dB)": _with_intervals(own.alone),
            "real (dB)": _with_intervals(real.alone),
            "generated - real (dB)": _with_intervals(own.over),
            "p": own.verdict.p_values,
            "real - real (dB)": _with_intervals(real.by_chance),
            "p (real - real)": [one.p_above() for one in real.by_chance],
            "amplitude (of 255)": own.grey_levels,
            "untrained (dB)": _with_intervals(before.alone if before else [None] * len(own.stages)),
        },
    )


def _trace(result: ArtifactsResult) -> list[FigurePanel]:
    """The excess as it is and with one layer evened; empty without upsampling layers."""
    own, real = result.own, result.real.alone
    if not own.stages:
        return []
    heights = {"as it is": [one.value for one in own.alone]}
    for stage, removed in zip(own.stages, own.removed, strict=True):
        left = [a.value - r.value for a, r in zip(own.alone, removed, strict=True)]
        heights[f"{stage.layer} evened"] = left
    heights["real images"] = [one.value for one in real]
    whiskers = dict(zip(heights, (own.alone, *own.removed, real), strict=True))
    panel = bars(
        "Traced to a layer",
        "Each group is the period of one upsampling layer: how far the generated "
        "images' spectrum stands out there, then the same samples drawn with one layer's "
        "kernel evened (all output positions stamped alike). The layer whose evening takes the "
        f"excess away is where it arises; whiskers are 95 % intervals. {own.verdict.reason}",
        [f"period {stage.period}<br>{stage.layer}" for stage in own.stages],
        heights,
        yaxis="excess (dB)",
        errors={name: [1.96 * one.error for one in found] for name, found in whiskers.items()},
        barmode="group",
        height=380,
    )
    return [panel]


def _layers(result: ArtifactsResult) -> TablePanel:
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
            "its maps": _with_intervals(own.maps),
            "its maps, untrained": _with_intervals(before.maps if before else none),
            "evening takes away": _with_intervals(removed or none),
        },
    )


def _comparison(result: ArtifactsResult) -> TablePanel:
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
            "excess": _with_intervals([a for one in measured for a in one.alone]),
            "over real": _with_intervals([a for one in measured for a in one.over]),
            "amplitude": [level for one in measured for level in one.grey_levels],
            "arises in": [
                one.verdict.layer if one.verdict.period == stage.period else None
                for one, stage in stages
            ],
        },
    )


def _with_intervals(found: Sequence[Excess | None]) -> list[str | None]:
    """Write excesses as "4.1 (3.5 to 4.7)"."""
    text = "{:.1f} ({:.1f} to {:.1f})"
    return [None if one is None else text.format(one.value, *one.interval) for one in found]
