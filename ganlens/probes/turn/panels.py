"""Panels of the turn probe: strips, measured curves, what else changed, and the numbers."""

from ganlens import images
from ganlens.figures import Line, lines
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, picture_scale
from ganlens.probes.turn.result import TurnResult

THIN = 20  # samples that have a line of their own


def panels(result: TurnResult) -> list[Panel]:
    """Return the panels in the order of the report."""
    drift = [_drift(result)] if result.others else []
    unit = f"{result.attribute} is in the units of the data's attribute."
    more = [("held-out correlation of the measuring classifier", result.classifier_correlation)]
    return [
        _strips(result),
        _curves(result),
        *drift,
        result.table("Numbers of the turn", unit, more),
    ]


def _strips(result: TurnResult) -> ImagePanel:
    return ImagePanel(
        title=f"Turning {result.attribute}",
        caption=f"Each row is one random sample z, drawn at z + t v for t from "
        f"{result.amounts[0]:g} to {result.amounts[-1]:g}; the middle picture is the sample "
        f"itself. The vector v is the mean latent of {result.about['exemplars']} samples with the "
        f"highest {result.attribute}, minus that of as many with the lowest (Radford 2015, section "
        "6.3.2).",
        image=images.grid(result.pictures, len(result.amounts)),
        alt=f"rows of samples whose {result.attribute} changes from left to right",
        scale=picture_scale(result.pictures),
        recipe=result.recipe,
    )


def _curves(result: TurnResult) -> FigurePanel:
    single = [Line("", one, colour=PALETTE[0], width=1, opacity=0.25) for one in result.measured]
    means = (
        Line("mean of all samples", result.measured.mean(0), colour=PALETTE[0], width=3),
        Line("random vectors of equal length", result.control.mean(0), colour=PALETTE[1],
             dash="dot"),
    )  # fmt: skip
    return lines(
        f"Does {result.attribute} follow?",
        f"Thin lines: single samples; bold: the mean of {len(result.measured)}. The measuring "
        "network saw real images only. Spearman's correlation with t is "
        f"{result['spearman_mean']:.3f} on average (1: every sample turns steadily one way), the "
        f"slope {result['slope_mean']:.3g} per unit of t. Along random vectors, one for each "
        "sample, it should go nowhere on average.",
        result.amounts,
        [*single[:THIN], *means],
        xaxis="t in z + t v",
        yaxis=f"measured {result.attribute}",
    )


def _drift(result: TurnResult) -> FigurePanel:
    return lines(
        "What else changes",
        "Share of samples whose other attributes are still predicted as at t = 0. A perfect turn "
        f"would leave all at 100 %; what falls is entangled with {result.attribute} in this latent "
        f"space. Random vectors of equal length keep {result['unchanged_random_vectors_mean']:.0%} "
        f"at the ends, this one {result['unchanged_at_the_ends_mean']:.0%}.",
        result.amounts,
        dict(zip(result.others, 100 * result.unchanged.T, strict=True)),
        xaxis="t in z + t v",
        yaxis={"title": "samples predicted as before (%)", "range": [0, 102]},
    )
