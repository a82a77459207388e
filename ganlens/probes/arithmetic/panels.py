"""Panels of the arithmetic probe: the result, its exemplars, the control on pixels, the numbers."""

from ganlens import images
from ganlens.panels import ImagePanel, Panel, picture_scale
from ganlens.probes.arithmetic.classifiers import classifier_table
from ganlens.probes.arithmetic.result import TERMS, ArithmeticResult


def panels(result: ArithmeticResult) -> list[Panel]:
    """Return the result, the exemplars, the pixel-space control and two tables."""
    notes = ("A result about as long as the prior's latents needs no rescaling.", *result.notes)
    supply = zip(TERMS, result.supply, strict=False)
    more = [(f"samples of {result.pool:,} that show {term}", count) for term, count in supply]
    table = result.table("Numbers of the arithmetic", " ".join(notes), more)
    classifiers = [classifier_table(result.classifiers)] if result.classifiers else []
    return [_grid(result), _exemplars(result), _control(result), table, *classifiers]


def _verdict(result: ArithmeticResult) -> str:
    success = result["success_rate_of_9"]
    if success is None:
        return "No attribute values follow for the result, so nothing is counted here."
    base = "" if result.base_rate is None else f" Of random samples {result.base_rate:.1%} do."
    return (
        f"Expected: {' & '.join(result.expected)}. {round(9 * success)} of the 9 pictures "
        f"show that.{base} They are measured by a network on pixels that had no part in "
        "finding the exemplars."
    )


def _grid(result: ArithmeticResult) -> ImagePanel:
    return ImagePanel(
        title="The result of the arithmetic",
        caption=f"{result.formula}, each the mean of {result.seeds.shape[1]} latents. The "
        "result is in the centre; its 8 neighbours have uniform noise added. "
        f"{_verdict(result)}",
        image=images.grid(result.grid, 3),
        alt=f"3 by 3 generated pictures of {result.formula}",
        scale=2 * picture_scale(result.grid),
        recipe=result.recipes["grid"],
    )


def _exemplars(result: ArithmeticResult) -> ImagePanel:
    named = "; ".join(f"{t}: {c}" for t, c in zip(TERMS, result.concepts, strict=False))
    return ImagePanel(
        title="Exemplars and their means",
        caption=f"Rows A, B, C ({named or 'seeds given by the user'}): the exemplars, and "
        "last in each row what the generator draws from the mean of their latents. The mean "
        "of a concept should show the concept more plainly than one exemplar.",
        image=images.grid(result.exemplars, result.seeds.shape[1] + 1),
        alt="three rows of exemplars, each ending with the picture of the mean latent",
        scale=picture_scale(result.exemplars),
        recipe=result.recipes["exemplars"],
    )


def _control(result: ArithmeticResult) -> ImagePanel:
    return ImagePanel(
        title="Control: the same arithmetic on pixels",
        caption="Means of the exemplars' pixels (A, B, C), then A - B + C of these images. "
        "Overlaid ghosts here and clean pictures above show that the arithmetic works on "
        "what is drawn, not on brightness.",
        image=images.grid(result.control, 4),
        alt="four pictures: pixel means of A, B and C, and their arithmetic",
        scale=picture_scale(result.control),
        recipe=result.recipes["control"],
    )
