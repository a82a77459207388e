"""Panels of the forget probe: pairs of pictures, the place, the curve, the ways compared."""

import numpy as np

from ganlens import images
from ganlens.edits import EVERYWHERE
from ganlens.figures import Line, heatmap, lines
from ganlens.panels import (
    PALETTE,
    FigurePanel,
    ImagePanel,
    Panel,
    TablePanel,
    percent,
    picture_scale,
)
from ganlens.probes.forgetting.result import ForgetResult
from ganlens.probes.forgetting.trial import PAIRS

VERBS = {"scale": "loses", "drop": "loses", "insert": "gains"}


def panels(result: ForgetResult) -> list[Panel]:
    """Return pictures, the place, the curve, and the tables."""
    pairs = [_pairs(result, i) for i in range(len(result.pictures))]
    others = [_attributes(result)] if result.outcomes[0].others else []
    return [*pairs, _place(result), _curve(result), _selections(result), *others]


def _pairs(result: ForgetResult, index: int) -> ImagePanel:
    own, (pictures, recipe) = result.outcomes[0], result.pictures[index]
    few = len(result.weights) < 2 * own.maps
    others = "random (some of the same, as too few are left)" if few else "other"
    where = own.name.partition(", ")[2] or own.name
    title, said, outcome = (
        ("Before and after", f"{own.maps} maps of {result.edit.layer}, {where}", own),
        ("Random maps instead",
         f"The control: equally many {others} maps, changed in the same way", result.control),
        ("The paper's way", "The paper's way: every map to which the classifier of units gives a "
         "positive weight, changed everywhere", result.outcomes[-1]),
    )[index]  # fmt: skip
    if outcome.turned is not None:
        verb = "gain" if result.mode == "insert" else "lose"
        said += f": {outcome.turned:.0%} of {result.about['samples']} samples {verb} it"
    return ImagePanel(
        title=title,
        caption="Pairs: a held-out sample and, right of it, the same latent with the maps "
        f"changed. {said}. Look for {result.concept} in the right one of "
        "each pair, and for whatever else is different there.",
        image=images.grid(pictures, 2 * PAIRS),
        alt="pairs of samples before and after maps were changed",
        scale=picture_scale(pictures),
        recipe=recipe,
    )


def _place(result: ForgetResult) -> FigurePanel:
    height, width = result.aucs.shape
    where = "everywhere" if result.edit.box == EVERYWHERE else "inside it"
    panel = heatmap(
        "Where the layer knows the concept",
        "Each cell: how well its channels alone tell, on samples not fitted to, "
        f"whether a sample shows {result.concept} (0.5: guessing, 1: always right). The frame "
        f"is the place of the concept; maps are changed {where}.",
        result.aucs,
        xaxis={"title": "column of the layer", "constrain": "domain"},
        yaxis={"title": "row", "scaleanchor": "x"},
        span=(0.5, 1),
        unit="AUC",
        colours="Cividis",
    )
    left, top, right, bottom = result.box
    panel.figure.add_shape(
        type="rect", x0=left * width - 0.5, x1=right * width - 0.5,
        y0=top * height - 0.5, y1=bottom * height - 0.5,
        line={"color": PALETTE[3], "width": 3},
    )  # fmt: skip
    return panel


def _curve(result: ForgetResult) -> FigurePanel:
    curve = result.curve
    measured, scale = np.isfinite(curve.turned).all(), 100
    series = {f"{VERBS[result.mode]} the concept": curve.turned,
              "other attributes changed": curve.others}  # fmt: skip
    if not measured:
        series, scale = {"change inside the place": curve.moved}, 1
    shown = [
        Line(f"{name}, {kind} maps", values[:, j] * scale, colour=PALETTE[i],
             dash=("solid", "dot")[j], mode="lines+markers", symbol=("circle", "square")[i])
        for i, (name, values) in enumerate(series.items())
        for j, kind in enumerate(("chosen", "random"))
    ]  # fmt: skip
    return lines(
        "How many maps it takes",
        "The most important maps replaced in full (solid), beside as many random ones "
        f"(dotted, mean of {len(result.random)} draws), on {result.about['samples']} held-out "
        f"samples. Well-chosen maps {'bring' if result.mode == 'insert' else 'remove'} the concept "
        "while little else changes.",
        curve.counts,
        shown,
        xaxis={"title": "maps replaced", "type": "log", "tickvals": curve.counts.tolist()},
        yaxis="share of samples (%)" if measured else "pixel change (of 255)",
        legend={"orientation": "h", "y": -0.3},
        height=400,
    )


def _selections(result: ForgetResult) -> TablePanel:
    verb, ways = VERBS[result.mode], [*result.outcomes, result.control]
    area = "unknown" if result.unit_auc is None else f"{result.unit_auc:.3f}"
    measured = "not measured here: no data, or too few samples"
    if result.outcomes[0].turned is not None:
        measured = "by a network on pixels that had no part in choosing the maps"
    toward = f"real images {'with' if result.mode == 'insert' else 'without'} the concept"
    return TablePanel.of(
        "Ways of choosing maps",
        f"On {result.about['samples']} held-out samples: how often a sample {verb} the concept "
        f"({measured}), how often its other attributes are predicted differently (mean and worst "
        "attribute), the change of the discriminator's score and of pixels (of 255), and the "
        f"Fréchet distance to {toward} in that network's features (small N: only rows of this "
        f"table compare). The classifier of units has a held-out AUC of {area} over "
        f"{result.unit_cells:,} cells.",
        {
            "maps chosen": [*(one.name for one in ways), "nothing changed"],
            "maps": [*(one.maps for one in ways), 0],
            f"{verb} it (%)": [*(percent(one.turned) for one in ways), None],
            "others changed (%)": [*(percent(one.mean) for one in ways), None],
            "worst (%)": [*(percent(one.worst) for one in ways), None],
            "D's score (logit)": [*(one.score for one in ways), 0.0],
            "pixels inside (of 255)": [*(one.inside for one in ways), 0.0],
            "outside (of 255)": [*(one.outside for one in ways), None],
            "FD": [*(one.fd for one in ways), result.fd_before],
        },
    )


def _attributes(result: ForgetResult) -> TablePanel:
    ways = [*result.outcomes, result.control]
    return TablePanel.of(
        "What else changed",
        f"Share (%) of the {result.about['samples']} samples of which an attribute, one to "
        "a column, reads differently from before, by a network on pixels that saw real images "
        "only. Attributes in the same place as the concept suffer first; the row of random maps "
        "is what any damage does.",
        [
            {"maps chosen": one.name} | {name: 100 * v for name, v in one.others.items()}
            for one in ways
        ],
    )
