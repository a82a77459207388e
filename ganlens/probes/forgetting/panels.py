"""Panels of the forget probe: pairs of pictures, the place, the curve, the ways compared."""

import numpy as np

from ganlens import images
from ganlens.edits import EVERYWHERE
from ganlens.figures import Line, heatmap, lines
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, picture_scale
from ganlens.probes.forgetting.pictures import PAIRS
from ganlens.probes.forgetting.result import ForgetResult, Pairs
from ganlens.probes.forgetting.trial import Outcome

VERBS = {"scale": "loses", "drop": "loses", "insert": "gains"}


def panels(result: ForgetResult) -> list[Panel]:
    """Return pictures, the place, the curve, and the tables."""
    pairs = [_pairs(result, one, i) for i, one in enumerate(result.pictures)]
    others = [_attributes(result)] if result.outcomes[0].others else []
    return [*pairs, _place(result), _curve(result), _selections(result), *others]


def _pairs(result: ForgetResult, pairs: Pairs, index: int) -> ImagePanel:
    own = result.outcomes[0]
    few = len(result.weights) < 2 * own.maps
    others = "random (some of the same, as too few are left)" if few else "other"
    where = own.name.partition(", ")[2] or own.name
    said, outcome = (
        (f"{own.maps} maps of {result.layer}, {where}", own),
        (f"The control: equally many {others} maps, changed in the same way", result.control),
        ("The paper's way: every map to which the classifier of units gives a positive weight, "
         "changed everywhere", result.outcomes[-1]),
    )[index]  # fmt: skip
    return ImagePanel(
        title=pairs.title,
        caption="Pairs: a held-out sample and, right of it, the same latent with the maps "
        f"changed. {said}{_share(result, outcome)}. Look for {result.concept} in the right one of "
        "each pair, and for whatever else is different there.",
        image=images.grid(pairs.pictures, 2 * PAIRS),
        alt="pairs of samples before and after maps were changed",
        scale=picture_scale(pairs.pictures),
        recipe=pairs.recipe,
    )


def _share(result: ForgetResult, outcome: Outcome) -> str:
    """Say how often it worked, where that was measured."""
    if outcome.turned is None:
        return ""
    verb = "gain" if result.mode == "insert" else "lose"
    return f": {outcome.turned:.0%} of {result.samples} samples {verb} it"


def _place(result: ForgetResult) -> FigurePanel:
    height, width = result.aucs.shape
    panel = heatmap(
        "Where the layer knows the concept",
        "Each cell: how well its channels alone tell, on samples not fitted to, "
        f"whether a sample shows {result.concept} (0.5: guessing, 1: always right). The frame "
        f"is the place of the concept; maps are changed {_where(result)}.",
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


def _where(result: ForgetResult) -> str:
    return "everywhere" if result.edit.box == EVERYWHERE else "inside it"


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
        f"(dotted, mean of {result.draws} draws), on {result.samples} held-out samples. "
        f"Well-chosen maps {'bring' if result.mode == 'insert' else 'remove'} the concept while "
        "little else changes.",
        curve.counts,
        shown,
        xaxis={"title": "maps replaced", "type": "log", "tickvals": curve.counts.tolist()},
        yaxis="share of samples (%)" if measured else "pixel change (of 255)",
        legend={"orientation": "h", "y": -0.3},
        height=400,
    )


def _selections(result: ForgetResult) -> TablePanel:
    verb = VERBS[result.mode]
    rows = [
        (one.name, one.maps, _percent(one.turned), _percent(one.mean), _percent(one.worst),
         one.score, one.inside, one.outside, one.fd)
        for one in (*result.outcomes, result.control)
    ]  # fmt: skip
    rows.append(("nothing changed", 0, None, None, None, 0.0, 0.0, None, result.fd_before))
    area = "unknown" if result.unit_auc is None else f"{result.unit_auc:.3f}"
    measured = "not measured here: no data, or too few samples"
    if result.outcomes[0].turned is not None:
        measured = "by a network on pixels that had no part in choosing the maps"
    toward = f"real images {'with' if result.mode == 'insert' else 'without'} the concept"
    return TablePanel(
        title="Ways of choosing maps",
        caption=f"On {result.samples} held-out samples: how often a sample {verb} the concept "
        f"({measured}), how often its other attributes are predicted differently (mean and worst "
        "attribute), the change of the discriminator's score and of pixels (of 255), and the "
        f"Fréchet distance to {toward} in that network's features (small N: only rows of this "
        f"table compare). The classifier of units has a held-out AUC of {area} over "
        f"{result.unit_cells:,} cells.",
        columns=("maps chosen", "maps", f"{verb} it (%)", "others changed (%)", "worst (%)",
                 "D's score (logit)", "pixels inside (of 255)", "outside (of 255)", "FD"),
        rows=rows,
    )  # fmt: skip


def _attributes(result: ForgetResult) -> TablePanel:
    names = result.outcomes[0].others
    return TablePanel(
        title="What else changed",
        caption=f"Share (%) of the {result.samples} samples of which an attribute, one to "
        "a column, reads differently from before, by a network on pixels that saw real images "
        "only. Attributes in the same place as the concept suffer first; the row of random maps "
        "is what any damage does.",
        columns=("maps chosen", *names),
        rows=[
            (one.name, *(_percent(one.others[name]) for name in names))
            for one in (*result.outcomes, result.control)
        ],
    )


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
