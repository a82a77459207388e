"""Result of the dissect probe: units of a layer against every concept, and its panels."""

from dataclasses import dataclass

import numpy as np

from ganlens import images
from ganlens.figures import Line, heatmap, lines
from ganlens.panels import FigurePanel, ImagePanel, Panel, TablePanel
from ganlens.probes.result import Number, Result

LABEL_IOU = 0.05  # a unit with a larger IoU carries the label (Bau 2019, section 3.1)


@dataclass(frozen=True)
class DissectResult(Result):
    """Units of one generator layer against every concept.

    Attributes:
        layer: the layer.
        concepts: K expressions.
        frequencies: (K,) share of the samples that show each.
        aucs: (C, K) area under the ROC curve of a unit's mean activation.
        threshold: |AUC - 0.5| beyond which a unit counts: what no shuffled labels exceed, in 19 of
            20 shuffles, over all units and concepts.
        untrained: (C, K) the same areas of the same network untrained, on the same labels; of size
            0 where it cannot be built.
        ious: (C,) IoU with the marked masks, of size 0 without any.
        untrained_ious: (C,) the same of the network untrained, of size 0 where there is none.
        marked: share of the pixels that the masks mark, over all samples that have boxes.
        tops: (R, T, 3 H, 3 W, 3) uint8: the top images of R units, enlarged, the unit outlined.
        top_units: the R units, and the concept of each.
    """

    layer: str
    concepts: tuple[str, ...]
    frequencies: np.ndarray
    aucs: np.ndarray
    threshold: float
    untrained: np.ndarray
    ious: np.ndarray
    untrained_ious: np.ndarray
    marked: float
    tops: np.ndarray
    top_units: dict[int, str]

    @property
    def strengths(self) -> np.ndarray:
        """(C,) the largest |AUC - 0.5| of each unit."""
        return np.abs(self.aucs - 0.5).max(1)

    @property
    def highest_possible_iou(self) -> float:
        """IoU of a unit whose strongest positions all lie in the marks, or fill them."""
        low, high = sorted((self.about["share"], self.marked))
        return float(low / high)

    def numbers(self) -> list[Number]:
        """Return the share of units that agree with a concept, beside the untrained control."""
        best = np.unravel_index(np.abs(self.aucs - 0.5).argmax(), self.aucs.shape)
        bare = np.abs(self.untrained - 0.5).max(1) if self.untrained.size else None
        masks, plain = self.ious, self.untrained_ious
        control = ("units_that_agree_untrained", "units_above_0.7_untrained")
        marked = ("units_with_iou_above_0.05", "best_iou", "best_iou_untrained",
                  "highest_possible_iou", "best_iou_unit")  # fmt: skip
        return Number.each(
            {
                "layer": self.layer,
                "units": len(self.aucs),
                "concepts": self.concepts,
                "threshold_auc": 0.5 + self.threshold,
                "units_that_agree": (self.strengths > self.threshold).mean(),
                control[0]: None if bare is None else (bare > self.threshold).mean(),
                "units_above_0.7": (self.strengths > 0.2).mean(),
                control[1]: None if bare is None else (bare > 0.2).mean(),
                "best_unit": best[0],
                "best_concept": self.concepts[best[1]],
                "best_auc": self.aucs[best],
                marked[0]: (masks > LABEL_IOU).mean() if masks.size else None,
                "best_iou": masks.max() if masks.size else None,
                "best_iou_untrained": plain.max() if plain.size else None,
                "highest_possible_iou": self.highest_possible_iou if masks.size else None,
                "best_iou_unit": masks.argmax() if masks.size else None,
            },
            {
                **dict.fromkeys(control, "the checkpoint does not say how to build it untrained"),
                **dict.fromkeys(marked, "no boxes or masks were given: --boxes FILE"),
            },
        )  # fmt: skip


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
