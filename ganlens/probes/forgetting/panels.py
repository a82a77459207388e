"""How what forgetting did is shown."""

from typing import TYPE_CHECKING

import numpy as np

from ganlens import images
from ganlens.edits import EVERYWHERE
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.latent import picture_scale

if TYPE_CHECKING:
    from ganlens.probes.forgetting.numbers import ForgetNumbers, Sheet
    from ganlens.probes.forgetting.trial import Outcome

PAIRS = 5  # pictures before and after, on a row
VERBS = {"scale": "loses", "drop": "loses", "insert": "gains"}


def panels_of(result: "ForgetNumbers") -> list[Panel]:
    """Return pictures, the place, the curve, and the tables."""
    sheets = [_sheet(result, one, i) for i, one in enumerate(result.pictures)]
    judged = [_attributes(result)] if result.outcomes[0].others else []
    return [*sheets, _place(result), _curve(result), _ways(result), *judged]


def _sheet(result: "ForgetNumbers", sheet: "Sheet", index: int) -> ImagePanel:
    own = result.outcomes[0]
    few = len(result.weights) < 2 * own.maps
    others = "random (some of the same, as too few are left)" if few else "other"
    where = own.name.partition(", ")[2] or own.name
    told, outcome = (
        (f"{own.maps} maps of {result.about['layer']}, {where}", own),
        (f"The control: equally many {others} maps, changed in the same way", result.control),
        ("The paper's way: every map to which the classifier of units gives a positive weight, "
         "changed everywhere", result.outcomes[-1]),
    )[index]  # fmt: skip
    return ImagePanel(
        title=sheet.title,
        caption="Pairs: a held-out sample and, right of it, the same latent with the maps "
        f"changed. {told}{_share(result, outcome)}. Look for {result.concept} in the right one of "
        "each pair, and for whatever else is different there.",
        image=images.grid(sheet.pictures, 2 * PAIRS),
        alt="pairs of samples before and after maps were changed",
        scale=picture_scale(sheet.pictures),
        recipe=sheet.recipe,
    )


def _share(result: "ForgetNumbers", outcome: "Outcome") -> str:
    """Say how often it worked, where somebody could read that."""
    if outcome.turned is None:
        return ""
    who = f"{outcome.turned:.0%} of {result.about['samples']} samples"
    return f": {who} {'gain' if result.mode == 'insert' else 'lose'} it"


def _place(result: "ForgetNumbers") -> FigurePanel:
    height, width = result.aucs.shape
    plot = figure(
        xaxis={"title": "column of the layer", "constrain": "domain"},
        yaxis={"title": "row", "autorange": "reversed", "scaleanchor": "x"},
    )
    plot.add_heatmap(
        z=result.aucs, zmin=0.5, zmax=1, colorscale="Cividis", colorbar={"title": "AUC"}
    )
    left, top, right, bottom = result.box
    plot.add_shape(
        type="rect", x0=left * width - 0.5, x1=right * width - 0.5,
        y0=top * height - 0.5, y1=bottom * height - 0.5,
        line={"color": PALETTE[3], "width": 3},
    )  # fmt: skip
    return FigurePanel(
        title="Where the layer knows the concept",
        caption="Each cell: how well its channels alone tell, on samples not fitted to, "
        f"whether a sample shows {result.concept} (0.5: guessing, 1: always right). The frame "
        f"is the place of the concept; maps are changed {_where(result)}.",
        figure=plot,
    )


def _where(result: "ForgetNumbers") -> str:
    return "everywhere" if result.edit.box == EVERYWHERE else "inside it"


def _curve(result: "ForgetNumbers") -> FigurePanel:
    judged, verb = np.isfinite(result.curve.turned).all(), VERBS[result.mode]
    plot = figure(
        xaxis={"title": "maps replaced", "type": "log", "tickvals": result.curve.counts.tolist()},
        yaxis={"title": "share of samples (%)" if judged else "pixel change of 255"},
        legend={"orientation": "h", "y": -0.3},
        height=400,
    )
    series = (
        (
            (f"{verb} the concept", result.curve.turned),
            ("other attributes changed", result.curve.others),
        )
        if judged
        else (("change inside the place", result.curve.moved),)
    )
    for i, (name, values) in enumerate(series):
        for j, (who, dash) in enumerate((("chosen", "solid"), ("random", "dot"))):
            plot.add_scatter(
                x=result.curve.counts, y=values[:, j] * (100 if judged else 1),
                name=f"{name}, {who} maps", mode="lines+markers",
                line={"color": PALETTE[i], "dash": dash},
                marker={"symbol": ("circle", "square")[i]},
            )  # fmt: skip
    return FigurePanel(
        title="How many maps it takes",
        caption="The most important maps replaced in full (solid), beside as many random ones "
        f"(dotted, mean of {result.about['draws']} draws), on {result.about['samples']} held-out "
        f"samples. Well-chosen maps {'bring' if result.mode == 'insert' else 'remove'} the concept "
        "while little else changes.",
        figure=plot,
    )


def _ways(result: "ForgetNumbers") -> TablePanel:
    verb = VERBS[result.mode]
    rows = [
        (one.name, one.maps, _percent(one.turned), _percent(one.mean), _percent(one.worst),
         one.score, one.inside, one.outside, one.fd)
        for one in (*result.outcomes, result.control)
    ]  # fmt: skip
    rows.append(("nothing changed", 0, None, None, None, 0.0, 0.0, None, result.fd_before))
    area = "unknown" if result.unit_auc is None else f"{result.unit_auc:.3f}"
    judged = "which nobody reads here: no data, or too few samples"
    if result.outcomes[0].turned is not None:
        judged = "as a network on pixels reads it that had no part in choosing the maps"
    toward = f"real images {'with' if result.mode == 'insert' else 'without'} the concept"
    return TablePanel(
        title="Ways of choosing maps",
        caption=f"On {result.about['samples']} held-out samples: how often a sample {verb} the "
        f"concept ({judged}), how often its other attributes read differently (mean and worst "
        "attribute), the change of the discriminator's score and of pixels (of 255), and the "
        f"Fréchet distance to {toward} in that network's features (small N: only rows of this "
        "table compare). The classifier of units has a held-out AUC of "
        f"{area} over {result.unit_cells:,} cells.",
        columns=("maps chosen", "maps", f"{verb} it (%)", "others changed (%)", "worst (%)",
                 "D's score", "pixels inside", "outside", "FD"),
        rows=rows,
    )  # fmt: skip


def _attributes(result: "ForgetNumbers") -> TablePanel:
    names = result.outcomes[0].others
    return TablePanel(
        title="What else changed",
        caption=f"Share (%) of the {result.about['samples']} samples of which an attribute, one to "
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
