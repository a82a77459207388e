"""Panels of the invert probe: reconstructions, residuals, the test, an edit."""

from typing import Any

import numpy as np

from ganlens import images
from ganlens.figures import DASHES, Line, lines
from ganlens.panels import FigurePanel, ImagePanel, Panel, TablePanel, picture_scale
from ganlens.probes.inversion.result import InversionResult

SMALLEST = 1e-7  # residuals below it are drawn there, on the logarithmic axis
RESIDUALS = {  # measure -> what a residual in it is
    "pixels": "the mean squared difference of its pixels, in [-1, 1], from those of its "
    "reconstruction",
    "features": "the mean squared difference of its features in the discriminator, in units of "
    "their variance over samples (about 2 for unrelated images), from those of its reconstruction",
}
UNITS = {"pixels": "mean squared difference in [-1, 1]", "features": "variances over samples"}
ENOUGH = 200  # images of each kind from which a missing difference says something


def panels(result: InversionResult) -> list[Panel]:
    """Return the pairs, the strip, the distributions, the numbers, the tests and the edit."""
    return [
        _pairs(result),
        _strip(result),
        *([_own(result)] if result.names else []),
        *(_distribution(result, measure) for measure in result.tests),
        _numbers(result),
        _tests(result),
        _edit(result),
    ]


def _pairs(result: InversionResult) -> ImagePanel:
    gap = np.abs(result.originals.astype(np.int16) - result.drawn).astype(np.uint8)
    sheet = np.concatenate([result.originals, result.drawn, gap])
    return _picture(
        result,
        "Images and what the generator makes of them",
        "Above the image, in the middle the nearest picture that was found in latent "
        f"space, below their absolute difference (black is none). {_columns(result)}. What is "
        "missing from the middle row, the generator cannot draw, or the search did not find; "
        "the generated images, whose answer is known, show which.",
        images.grid(sheet, len(result.examples)),
        "images above their reconstructions above the differences",
    )


def _strip(result: InversionResult) -> ImagePanel:
    return _picture(
        result,
        "The reconstructions alone",
        "The middle row again, drawn from the latents that were found: this picture's recipe holds "
        f"them, so they can be replayed and moved on from. {_columns(result)}.",
        result.strip,
        "reconstructions of train, held-out and generated images",
        result.strip_recipe,
    )


def _picture(
    result: InversionResult, title: str, caption: str, image: np.ndarray, alt: str,
    recipe: dict[str, Any] | None = None,
) -> ImagePanel:  # fmt: skip
    return ImagePanel(title, caption, image, alt, picture_scale(result.drawn), recipe)


def _own(result: InversionResult) -> TablePanel:
    columns: dict[str, Any] = {"picture": result.names}
    for measure in result.tests:
        columns[f"{measure}: residual ({UNITS[measure]})"] = result.of("own", measure)
        columns[f"{measure}: percentile (%)"] = result.percentiles("own", measure)
    return TablePanel.of(
        "Your own pictures",
        "Residual, and the share of held-out images that invert at least as well, as "
        "percentile: near 0 means that the picture lies unusually well within the generator's "
        "reach, near 100 that it is unlike what the generator draws.",
        columns,
    )


def _distribution(result: InversionResult, measure: str) -> FigurePanel:
    kinds = ("train", "held-out", "generated")
    curves = [np.sort(result.of(kind, measure)).clip(SMALLEST) for kind in kinds]
    series = [
        Line(kind, 100 * np.arange(1, len(x) + 1) / len(x), x, dash=DASHES[i], steps=True)
        for i, (kind, x) in enumerate(zip(kinds, curves, strict=True))
    ]
    return lines(
        f"How well images invert, in {measure}",
        f"An image's residual is {RESIDUALS[measure]}. The curves: the share of each kind of image "
        "(N is in the table) whose residual is at most this large; further left is better. "
        "Generated images show what the search can reach where an exact answer exists. If the "
        "train curve runs to the left of the held-out one, the generator draws its training images "
        "better than others like them.",
        None,
        series,
        xaxis={"title": f"residual in {measure} ({UNITS[measure]})", "type": "log", "dtick": 1,
               "exponentformat": "power", "range": _decades(np.concatenate(curves))},
        yaxis={"title": "share of images (%)", "range": [0, 101]},
    )  # fmt: skip


def _numbers(result: InversionResult) -> TablePanel:
    summary, rows = result.summary(), []
    units = "; ".join(f"{measure}: {UNITS[measure]}" for measure in result.tests)
    for kind, key in result.kind_keys.items():
        for measure in result.tests:
            known = summary[key]
            low, high = np.percentile(result.of(kind, measure), (10, 90))
            rows.append({
                "images": kind, "measure": measure, "N": known["n"],
                "10 %": low, "median": known[f"{measure}_quartiles"][1], "90 %": high,
                "percentile (%)": known.get(f"{measure}_median_percentile_of_held_out"),
                "latent length (prior = 1)": known["mean_shell"],
            })  # fmt: skip
    return TablePanel.of(
        "Residuals",
        f"Quantiles of the residuals of each kind ({units}); percentile: the "
        "median place among held-out images, below 50 for images that invert better; latent "
        "length: the mean squared length of the latents over that of the prior's, near 1 where the "
        "search stayed where the generator was trained.",
        rows,
    )


def _tests(result: InversionResult) -> TablePanel:
    n = min(len(result.of(kind)) for kind in ("train", "held-out"))
    few = f" With {n} of each this finds only coarse copying: set n to {ENOUGH} or more."
    return TablePanel(
        title="Do training images invert better?",
        caption="AUC: how often a train image has the smaller residual of a random pair, 0.5 "
        "where there is no difference, with its 95 % interval. A small p (one-sided "
        "Mann-Whitney; Kolmogorov-Smirnov for any difference) says that chance alone hardly "
        "makes such a gap between the two samples. It does not say that images were copied: "
        "the AUC says how large the gap is, and a split that is not random makes one too. A "
        "large p does not clear the generator: a few copied images among many shift no "
        f"median; `neighbors` looks for those.{few if n < ENOUGH else ''}",
        columns=("measure", "AUC", "95 % from", "to", "p (train smaller)", "KS distance", "p (KS)"),
        rows=[
            (measure, one["auc"], *one["auc_95"],
             *(one[key] for key in ("p_mann_whitney_train_smaller", "ks", "p_ks")))
            for measure, one in result.tests.items()
        ],
    )  # fmt: skip


def _edit(result: InversionResult) -> ImagePanel:
    owner = "your own" if result.names else "the held-out"
    title = "From one inverted image to another"
    caption = (
        f"Each row walks from the latent of one of {owner} images to the next one's. If the "
        "pictures on the way are plausible and change evenly, the latents lie where the "
        "generator works, not in a corner that happens to fit."
    )
    if result.moved is not None:
        name, amounts = result.moved
        title = f"Inverted images moved along {name}"
        caption = (
            f"One row for each of {owner} images: its latent moved along `{name}` by "
            f"{', '.join(f'{a:g}' for a in amounts)} standard deviations of the prior, left "
            "to right. An edit that works on samples and fails here says that the latent, "
            "though it fits the picture, lies off the paths that the generator learned."
        )
    alt = "rows of pictures made from the latents of inverted images"
    return _picture(result, title, caption, result.edit, alt, result.edit_recipe)


def _columns(result: InversionResult) -> str:
    three = ", ".join(kind for kind in result.kind_keys if kind != "own")
    own = "; then your own pictures" if result.names else ""
    return f"Three columns each (best, median, worst) of {three}{own}"


def _decades(values: np.ndarray) -> list[float]:
    """Return where a logarithmic axis begins and ends: at powers of ten, which have its labels."""
    low, high = np.floor(np.log10(values.min())), np.ceil(np.log10(values.max()))
    return [float(low), float(max(high, low + 1))]
