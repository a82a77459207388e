"""The pictures of a walk: strip, film, two modes side by side, plane."""

from ganlens import images
from ganlens.panels import AnimationPanel, ImagePanel, picture_scale
from ganlens.probes.latent.result import InterpolationResult

MILLISECONDS = 80  # a frame: a leg of 12 takes a second
SHOWN = 12  # seeds named in a caption


def _corners(result: InterpolationResult) -> str:
    seeds = [str(seed) for seed in result.seeds[:SHOWN]]
    if not seeds:
        return "given latents"
    more = ["..."] if len(result.seeds) > SHOWN else []
    return f"seeds {', '.join(seeds + more)}"


def strip(result: InterpolationResult) -> ImagePanel:
    """Every picture of the walk, one leg per row."""
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


def film(result: InterpolationResult) -> AnimationPanel | None:
    """The same walk in smaller steps, as an animation; None if it was left out."""
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


def pair(result: InterpolationResult) -> ImagePanel:
    """The first leg by a straight line, and by another mode below it."""
    other = result.route(result.curved)
    return ImagePanel(
        title=f"The same two corners, by lerp and by {other}",
        caption="Above: the straight line (lerp). Halfway its latents shrink to "
        f"{result.norm_dip:.0%} of the length of its two ends (the prior draws "
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


def plane(result: InterpolationResult) -> ImagePanel | None:
    """The grid between the first four corners; None where there is none."""
    found = result.plane
    if found is None:
        return None
    names = f" (seeds {', '.join(map(str, found.seeds))}, row by row)" if found.seeds else ""
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
        image=images.grid(found.pictures, found.side),
        alt=f"{found.side} by {found.side} pictures that change gradually in both directions",
        scale=picture_scale(found.pictures),
        recipe=result.recipes["plane"],
    )
