"""The excess at each layer's period, traced to a layer: tables and bars."""

import plotly.graph_objects as go

from ganlens.panels import PALETTE, FigurePanel, TablePanel, figure
from ganlens.probes.artifacts.result import ArtifactsResult
from ganlens.stats.excess import Excess

PATTERNS = ("/", "\\", "x", "-", "|", "+", ".")  # bars are told apart without colours


def excesses(result: ArtifactsResult) -> TablePanel:
    """Every layer's period: the excess, its interval, and the same of real images."""
    own, real, before = result.own, result.real, result.untrained
    rows = [
        (
            stage.period,
            stage.layer,
            with_interval(own.alone[i]),
            with_interval(real.alone[i]),
            with_interval(own.over[i]),
            own.verdict.p_values[i],
            with_interval(real.by_chance[i]),
            real.by_chance[i].p_above(),
            own.grey_levels[i],
            None if before is None else with_interval(before.alone[i]),
        )
        for i, stage in enumerate(own.stages)
    ]
    return TablePanel(
        title="Does a checkerboard stand out?",
        caption="The spectrum at each layer's period in dB over the frequencies around it, 0 where "
        "nothing stands out, with 95 % intervals; generated minus real is what real images do not "
        f"have. p: of a peak that exceeds real images by {result.least:g} dB, adjusted for the "
        "number of layers. The amplitude is that of the waves that stand out, in grey levels of "
        "255; real images have such waves too. Real minus real, and its p, is "
        f"what chance gives. {own.verdict.reason}",
        columns=("period (px)", "layer", "generated (dB)", "real (dB)", "generated - real (dB)",
                 "p", "real - real (dB)", "p (real - real)", "amplitude (of 255)",
                 "untrained (dB)"),
        rows=rows,
    )  # fmt: skip


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
    _bars(drawn, places, own.alone, "as it is", 0)
    for k, stage in enumerate(own.stages):
        left = [a.value - r.value for a, r in zip(own.alone, own.removed[k], strict=True)]
        drawn.add_bar(
            x=places, y=left, name=f"{stage.layer} evened",
            marker={"color": PALETTE[(k + 1) % 7], "pattern": {"shape": PATTERNS[k % 7]}},
            error_y={"array": [1.96 * r.error for r in own.removed[k]], "thickness": 1},
        )  # fmt: skip
    _bars(drawn, places, result.real.alone, "real images", 7)
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
    rows = [
        (
            stage.layer,
            stage.kind,
            f"{stage.side} x {stage.side}",
            stage.unevenness,
            stage.unevenness_weights,
            with_interval(own.maps[i]),
            None if before is None else with_interval(before.maps[i]),
            with_interval(own.removed[i][i]) if own.removed else None,
        )
        for i, stage in enumerate(own.stages)
    ]
    return TablePanel(
        title="Upsampling layers: predicted and measured",
        caption="Predicted: how unevenly a kernel of ones stamps its output (standard deviation "
        "over mean: 0 is even, 5x5 at stride 2 gives 0.286), and the layer's own absolute weights. "
        "Measured: the excess in the layer's own output maps, in dB; later layers may cancel it, "
        "as the last column shows: what evening the kernel takes off the images' excess.",
        columns=("layer", "kind", "maps", "unevenness predicted", "of its weights", "its maps",
                 "its maps, untrained", "evening takes away"),
        rows=rows,
    )  # fmt: skip


def with_interval(one: Excess) -> str:
    """Write an excess as "4.1 (3.5 to 4.7)"."""
    low, high = one.interval
    return f"{one.value:.1f} ({low:.1f} to {high:.1f})"


def _bars(
    drawn: go.Figure, places: list[str], found: "tuple[Excess, ...]", name: str, color: int
) -> None:
    drawn.add_bar(
        x=places, y=[one.value for one in found], name=name, marker={"color": PALETTE[color]},
        error_y={"array": [1.96 * one.error for one in found], "thickness": 1},
    )  # fmt: skip
