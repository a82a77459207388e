"""Panels of the interpolate probe, in the order of the report."""

import numpy as np

from ganlens import images
from ganlens.figures import Line, lines
from ganlens.panels import PALETTE, AnimationPanel, FigurePanel, ImagePanel, Panel, picture_scale
from ganlens.probes.latent.result import InterpolationResult

MILLISECONDS = 80  # a frame: a leg of 12 takes a second
SHOWN = 12  # seeds named in a caption
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
        _strip(result),
        _film(result),
        _pair(result),
        _norms(result),
        _steps(result),
        _plane(result),
        result.table("Numbers of the walk", UNITS),
    ]
    return [one for one in found if one is not None]


def _corners(result: InterpolationResult) -> str:
    seeds = [str(seed) for seed in result.seeds[:SHOWN]]
    if not seeds:
        return "given latents"
    more = ["..."] if len(result.seeds) > SHOWN else []
    return f"seeds {', '.join(seeds + more)}"


def _strip(result: InterpolationResult) -> ImagePanel:
    back = " The last row leads back to the first corner." if result.walk.loop else ""
    return ImagePanel(
        title="A walk through the latent space",
        caption=f"Each row goes by {result.route(result.walk)} from one latent to the next "
        f"({_corners(result)}); the next row starts where it ends.{back} Every picture on the way "
        "should be a plausible sample and change a little at a time: sharp jumps between a few "
        "pictures would suggest memorization (Radford 2015, section 6.1).",
        image=images.grid(result.pictures, result.walk.steps),
        alt=f"{result.walk.legs} rows of {result.walk.steps} generated pictures, each row an "
        "interpolation",
        scale=picture_scale(result.pictures),
        recipe=result.recipes["walk"],
    )


def _film(result: InterpolationResult) -> AnimationPanel | None:
    if result.film is None:
        return None
    frames = images.as_rgb(result.film)
    ending = (
        "It closes into a loop."
        if result.walk.loop
        else "From the last corner it jumps to the first; with `loop` it walks back."
    )
    return AnimationPanel(
        title="The walk as a film",
        caption=f"The same walk in smaller steps, {len(frames)} pictures, each corner once. "
        "Faces or things should turn into each other; pictures that blink in and out, or a "
        f"cross-fade between a few, would suggest memorization. {ending}",
        frames=frames,
        milliseconds=MILLISECONDS,
        alt=f"a generated picture that changes step by step, {len(frames)} frames",
        scale=2 * picture_scale(frames),
        recipe=result.recipes["film"],
    )


def _pair(result: InterpolationResult) -> ImagePanel:
    other, dip = result.route(result.curved), result["shortest_norm_of_lerp_over_corners"]
    return ImagePanel(
        title=f"The same two corners, by lerp and by {other}",
        caption="Above: the straight line (lerp). Halfway its latents shrink to "
        f"{dip:.0%} of the length of its two ends (the prior draws "
        f"{result.expected_norm:.2f}), where the generator was hardly ever trained; washed-out "
        f"middles come from there. Below: {_why(result.curved.mode, result.prior.kind)}",
        image=images.grid(result.pair, result.walk.steps),
        alt=f"two rows of pictures between the same two samples, lerp above and {other} below",
        scale=picture_scale(result.pair),
        recipe=result.recipes["pair"],
    )


def _why(mode: str, prior: str) -> str:
    if mode == "auto":
        return (
            "each part of the latent goes by the route that keeps to where it has its mass; a "
            "one-hot part goes straight from one category to another, which nothing in between "
            "was trained on."
        )
    if mode == "gaussian":
        return (
            "the gaussian route takes each coordinate through the prior's distribution to a "
            "normal one, goes by slerp there and returns; it keeps the length and the range."
        )
    if prior == "uniform":
        return (
            "slerp keeps the length, but takes coordinates out of the range [-1, 1] in which a "
            "uniform prior draws; the gaussian route does not."
        )
    return (
        "slerp turns the direction and moves the length evenly, so it stays where the prior has "
        "its mass (after White 2016)."
    )


def _norms(result: InterpolationResult) -> FigurePanel:
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
    measured = [("pixels", result.step_rmse, result.unrelated_rmse, "circle")]
    caution = "; there is no discriminator to measure in."
    if not result.distance.startswith("pixels"):
        perceptual = (result.step_perceptual, result.unrelated_perceptual, "diamond")
        measured.append(("the discriminator's features", *perceptual))
        caution = (
            f" and {_times(result['max_over_mean_step_perceptual'])} in the discriminator's "
            "features: those of all its layers, each scaled to unit length (LPIPS without learned "
            "weights, Zhang 2018), which also notice what changes few pixels."
        )
    return lines(
        "How evenly the picture changes",
        "Distance from each picture to the next, in percent of the mean distance between "
        f"unrelated samples ({result.unrelated_rmse:.1%} of the brightness range in pixels, RMSE). "
        "A smooth generator has no spikes; here the longest step is "
        f"{_times(result['max_over_mean_step'])} in pixels{caution}",
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


def _plane(result: InterpolationResult) -> ImagePanel | None:
    found = result.plane
    if found is None:
        return None
    seeds, side = ", ".join(map(str, found.patch.seeds)), found.patch.down
    names = f" (seeds {seeds}, row by row)" if seeds else ""
    if result.walk.mode == "lerp":
        lengths = (
            f"By straight lines the latent in the middle keeps only {found.middle:.0%} of the "
            "corners' length, far from anything that the prior draws: trust the edges more."
        )
    else:
        lengths = (
            f"The latent in the middle keeps {found.middle:.0%} of the corners' length; by "
            f"straight lines it would keep {found.middle_by_lerp:.0%}, far from anything that the "
            "prior draws."
        )
    return ImagePanel(
        title="A plane between four samples",
        caption=f"The first four corners of the walk stand in the corners{names}; the two edges "
        f"across are walked by {result.route(result.walk)}, then every column between them. "
        f"Neighbours should be alike in both directions. {lengths}",
        image=images.grid(found.pictures, side),
        alt=f"{side} by {side} pictures that change gradually in both directions",
        scale=picture_scale(found.pictures),
        recipe=result.recipes["plane"],
    )
