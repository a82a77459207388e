"""Panels of the interpolate probe, in the order of the report."""

import numpy as np

from ganlens.figures import Line, lines
from ganlens.panels import PALETTE, FigurePanel, Panel
from ganlens.probes.latent import pictures
from ganlens.probes.latent.result import InterpolationResult

POSITION = "position on the walk (legs)"
UNITS = (
    "RMSE is in parts of the full brightness range, from 0 to 1. The path length is the mean "
    "squared perceptual distance per squared step, between random pairs of samples (Karras 2019), "
    "without the outermost percent at either end. Its size depends on the distance: compare it "
    "only between generators measured by the same one."
)


def panels(result: InterpolationResult) -> list[Panel]:
    """Return the strip, the film, lerp beside another mode, the curves, the plane, numbers."""
    found: list[Panel | None] = [
        pictures.strip(result),
        pictures.film(result),
        pictures.pair(result),
        _norms(result),
        _steps(result),
        pictures.plane(result),
        result.table("Numbers of the walk", UNITS),
    ]
    return [one for one in found if one is not None]


def _norms(result: InterpolationResult) -> FigurePanel:
    """Length of the latents on the way, beside the other mode's and the prior's mean."""
    ends = result.positions[[0, -1]]
    series = (
        Line("mean of the prior", [result.expected_norm] * 2, ends, "grey", "dash", width=1.5),
        Line(f"{result.route(result.walk)} (taken)", result.norms, colour=PALETTE[0]),
        Line(result.route(result.other), result.other_norms, colour=PALETTE[1], dash="dot"),
    )
    return lines(
        "Length of the latents on the way",
        "A latent of the prior is almost always about as long as the dashed line. Where the walk "
        "falls far below it, the generator draws from a region it hardly knows.",
        result.positions,
        series,
        xaxis=POSITION,
        yaxis={"title": "length of the latent", "rangemode": "tozero"},
    )


def _steps(result: InterpolationResult) -> FigurePanel:
    """How far each picture is from the next, in pixels and in the discriminator's features."""
    measured = [("pixels", result.step_rmse, result.unrelated_rmse, "circle")]
    caution = "; there is no discriminator to measure in."
    if not result.distance.startswith("pixels"):
        perceptual = (result.step_perceptual, result.unrelated_perceptual, "diamond")
        measured.append(("the discriminator's features", *perceptual))
        caution = (
            f" and {_times(result.perceptual_jump)} in the discriminator's features: those of all "
            "its layers, each scaled to unit length (LPIPS without learned weights, Zhang 2018), "
            "which also notice what changes few pixels."
        )
    return lines(
        "How evenly the picture changes",
        "Distance from each picture to the next, in percent of the mean distance between "
        f"unrelated samples ({result.unrelated_rmse:.1%} of the brightness range in pixels, RMSE). "
        f"A smooth generator has no spikes; here the longest step is {_times(result.jump)} in "
        f"pixels{caution}",
        result.step_positions,
        [
            Line(name, _share(values, unrelated), mode="lines+markers", symbol=symbol)
            for name, values, unrelated, symbol in measured
        ],
        xaxis=POSITION,
        yaxis={"title": "change per step (% of unrelated)", "rangemode": "tozero"},
    )


def _share(values: np.ndarray, whole: float) -> np.ndarray:
    return 100 * values / whole if whole > 0 else np.zeros_like(values)


def _times(jump: float | None) -> str:
    return "not defined" if jump is None else f"{jump:.1f} times the mean"
