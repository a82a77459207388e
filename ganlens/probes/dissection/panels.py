"""Panels of the dissect probe: top images, areas of all units, the control, tables."""

import numpy as np

from ganlens import images
from ganlens.figures import Line, heatmap, lines
from ganlens.panels import FigurePanel, ImagePanel, Panel, TablePanel
from ganlens.probes.dissection.result import LABEL_IOU, DissectResult


def panels(result: DissectResult) -> list[Panel]:
    """Return the top images, all areas, the control, and the table."""
    found: list[Panel] = [_tops(result), _map(result), _control(result), _table(result)]
    return [*found, _masks(result)] if result.ious.size else found


def _tops(result: DissectResult) -> ImagePanel:
    rows, across = result.tops.shape[:2]
    named = ", ".join(f"{unit} ({label})" for unit, label in result.top_units.items())
    return ImagePanel(
        title="Top images of units",
        caption=f"One row for each unit of {result.layer}, top to bottom: {named}. Each row shows "
        f"the {across} samples that excite the unit most on average; outlined where "
        f"it is among its strongest {result.about['share']:.1%} of positions (Bau 2019); a "
        "sample without an outline excites it evenly.",
        image=images.grid(result.tops.reshape(rows * across, *result.tops.shape[2:]), across),
        alt="rows of samples in which the place that excites a unit is outlined",
        scale=1,
    )


def _map(result: DissectResult) -> FigurePanel:
    order = np.argsort(-result.strengths, kind="stable")
    return heatmap(
        "Every unit against every concept",
        "How often a unit is more active, over its whole map, in a sample with the concept than in "
        "one without: 1 (blue) always, 0.5 (white) by chance, 0 (red) never.",
        result.aucs[order].T,
        x=[str(one) for one in order],
        y=list(result.concepts),
        xaxis={"title": "unit, the most selective first", "type": "category"},
        span=(0, 1),
        unit="AUC",
        colours="RdBu",
        height=max(340, 18 * len(result.concepts) + 100),
    )


def _control(result: DissectResult) -> FigurePanel:
    kinds = (("trained", result.aucs, "solid"), ("untrained", result.untrained, "dot"))
    best = [
        (name, np.sort(np.abs(a - 0.5).max(1))[::-1], dash) for name, a, dash in kinds if a.size
    ]
    return lines(
        "Selective units, trained and untrained",
        "Each unit's agreement with the concept that it agrees with most. The dashed line is what "
        "the best of all units reaches in one of 20 shuffles of the labels; the dotted curve is "
        "the untrained network on the same latents and labels. Only what lies above both was "
        "learned.",
        None,
        [
            Line(name, y, 100 * (np.arange(len(y)) + 1) / len(y), dash=dash)
            for name, y, dash in best
        ],
        xaxis="units, the most selective first (%)",
        yaxis={"title": "largest |AUC - 0.5| over the concepts", "rangemode": "tozero"},
        levels={"shuffled labels": result.threshold},
    )


def _table(result: DissectResult) -> TablePanel:
    orders = np.argsort(-result.aucs, axis=0, kind="stable")[:3].T
    return TablePanel.of(
        "Units of each concept",
        "The three units whose mean activation tells best that a sample shows the "
        "concept, with their AUC; how many units agree with it, or with its absence, more than "
        "shuffled labels do; and the best unit of the untrained network.",
        {
            "concept": result.concepts,
            "samples (%)": (100 * result.frequencies).tolist(),
            "best units (AUC)": [
                ", ".join(f"{unit} ({result.aucs[unit, k]:.3f})" for unit in order)
                for k, order in enumerate(orders)
            ],
            "units that agree": (np.abs(result.aucs - 0.5) > result.threshold).sum(0).tolist(),
            "best untrained": result.untrained.max(0).tolist()
            if result.untrained.size
            else [None] * len(orders),
        },
    )


def _masks(result: DissectResult) -> TablePanel:
    order = np.argsort(-result.ious, kind="stable")[:10]
    bare = np.sort(result.untrained_ious)[::-1].tolist() or [None] * len(order)
    return TablePanel.of(
        "Units against the marked places",
        f"Overlap (intersection over union, IoU) of a unit's strongest "
        f"{result.about['share']:.1%} of positions with the marks, which cover {result.marked:.1%} "
        f"of the samples' pixels: no unit can reach more than {result.highest_possible_iou:.2f} "
        f"here, and a larger --share can. Above {LABEL_IOU} a unit carries the label (Bau "
        "2019). Untrained: the units of the network before training, the best one first too.",
        {
            "unit": order.tolist(),
            "IoU": result.ious[order].tolist(),
            "labelled": (result.ious[order] > LABEL_IOU).tolist(),
            "untrained": bare[: len(order)],
        },
    )
