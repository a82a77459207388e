"""What units agree with, and how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure

LABEL_IOU = 0.05  # a unit with a larger IoU carries the label (Bau 2019, section 3.1)


@dataclass(frozen=True)
class DissectResult:
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
        marked: share of the pixels that the masks mark, over all samples that were looked at.
        tops: (R, T, 3 H, 3 W, 3) uint8: the top images of R units, enlarged, the unit outlined.
        top_units: the R units.
        top_labels: the concept of each.
        about: which checkpoint, data, judge and settings.
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
    top_units: tuple[int, ...]
    top_labels: tuple[str, ...]
    about: dict[str, Any]

    @property
    def strengths(self) -> np.ndarray:
        """(C,) the largest |AUC - 0.5| of each unit."""
        return np.abs(self.aucs - 0.5).max(1)

    @property
    def highest_possible_iou(self) -> float:
        """IoU of a unit whose strongest positions all lie in the marks, or fill them."""
        low, high = sorted((self.about["share"], self.marked))
        return float(low / high)

    def summary(self) -> dict[str, Any]:
        """Return the share of units that agree with a concept, beside the untrained control."""
        best = np.unravel_index(np.abs(self.aucs - 0.5).argmax(), self.aucs.shape)
        bare = np.abs(self.untrained - 0.5).max(1) if self.untrained.size else None
        return {
            **self.about,
            "layer": self.layer,
            "units": len(self.aucs),
            "concepts": list(self.concepts),
            "threshold_auc": 0.5 + self.threshold,
            "units_that_agree": float((self.strengths > self.threshold).mean()),
            "units_that_agree_untrained": (
                None if bare is None else float((bare > self.threshold).mean())
            ),
            "units_above_0.7": float((self.strengths > 0.2).mean()),
            "units_above_0.7_untrained": None if bare is None else float((bare > 0.2).mean()),
            "best_unit": int(best[0]),
            "best_concept": self.concepts[best[1]],
            "best_auc": float(self.aucs[best]),
            "units_with_iou_above_0.05": (
                float((self.ious > LABEL_IOU).mean()) if self.ious.size else None
            ),
            "best_iou": float(self.ious.max()) if self.ious.size else None,
            "best_iou_untrained": (
                float(self.untrained_ious.max()) if self.untrained_ious.size else None
            ),
            "highest_possible_iou": self.highest_possible_iou if self.ious.size else None,
            "best_iou_unit": int(self.ious.argmax()) if self.ious.size else None,
        }

    def panels(self) -> list[Panel]:
        """Return the top images, all areas, the control, and the table."""
        tables: Sequence[Panel] = [self._table()]
        if self.ious.size:
            tables = [*tables, self._masks()]
        return [self._tops(), self._map(), self._control(), *tables]

    def _tops(self) -> ImagePanel:
        rows, across = self.tops.shape[:2]
        told = ", ".join(
            f"{unit} ({label})" for unit, label in zip(self.top_units, self.top_labels, strict=True)
        )
        return ImagePanel(
            title="Top images of units",
            caption=f"One row for each unit of {self.layer}, top to bottom: {told}. Each row shows "
            f"the {across} samples that excite the unit most on average; outlined where "
            f"it is among its strongest {self.about['share']:.1%} of positions (Bau 2019); a "
            "sample without an outline excites it evenly.",
            image=images.grid(self.tops.reshape(rows * across, *self.tops.shape[2:]), across),
            alt="rows of samples in which the place that excites a unit is outlined",
            scale=1,
        )

    def _map(self) -> FigurePanel:
        order = np.argsort(-self.strengths, kind="stable")
        plot = figure(
            xaxis={"title": "unit, the most selective first", "type": "category"},
            yaxis={"autorange": "reversed"},
            height=max(340, 18 * len(self.concepts) + 100),
        )
        plot.add_heatmap(
            z=self.aucs[order].T, x=[str(one) for one in order], y=list(self.concepts),
            zmin=0, zmax=1, colorscale="RdBu", colorbar={"title": "AUC"},
        )  # fmt: skip
        return FigurePanel(
            title="Every unit against every concept",
            caption="How often a unit is more active, over its whole map, in a sample with the "
            "concept than in one without: 1 (blue) always, 0.5 (white) by chance, 0 (red) never.",
            figure=plot,
        )

    def _control(self) -> FigurePanel:
        plot = figure(
            xaxis={"title": "units, the most selective first (%)"},
            yaxis={"title": "largest |AUC - 0.5| over the concepts", "rangemode": "tozero"},
            legend={"orientation": "h", "y": 1.12},
        )
        kinds = [("trained", self.aucs, "solid"), ("untrained", self.untrained, "dot")]
        for i, (name, areas, dash) in enumerate(kinds):
            if areas.size:
                best = np.sort(np.abs(areas - 0.5).max(1))[::-1]
                plot.add_scatter(
                    x=100 * (np.arange(len(best)) + 1) / len(best), y=best, name=name,
                    line={"dash": dash, "color": PALETTE[i]},
                )  # fmt: skip
        plot.add_hline(
            y=self.threshold, line={"dash": "dash", "color": PALETTE[7]},
            annotation_text="shuffled labels",
        )  # fmt: skip
        return FigurePanel(
            title="Selective units, trained and untrained",
            caption="Each unit's agreement with the concept that it agrees with most. The dashed "
            "line is what the best of all units reaches in one of 20 shuffles of the labels; the "
            "dotted curve is the untrained network on the same latents and labels. Only what lies "
            "above both was learned.",
            figure=plot,
        )

    def _table(self) -> TablePanel:
        rows = []
        for k, concept in enumerate(self.concepts):
            order = np.argsort(-self.aucs[:, k], kind="stable")[:3]
            bare = float(self.untrained[:, k].max()) if self.untrained.size else None
            rows.append((
                concept, 100 * float(self.frequencies[k]),
                ", ".join(f"{unit} ({self.aucs[unit, k]:.3f})" for unit in order),
                int((np.abs(self.aucs[:, k] - 0.5) > self.threshold).sum()), bare,
            ))  # fmt: skip
        return TablePanel(
            title="Units of each concept",
            caption="The three units whose mean activation tells best that a sample shows the "
            "concept, with their AUC; how many units agree with it, or with its absence, more than "
            "shuffled labels do; and the best unit of the untrained network.",
            columns=("concept", "samples (%)", "best units (AUC)", "units that agree",
                     "best untrained"),
            rows=rows,
        )  # fmt: skip

    def _masks(self) -> TablePanel:
        order = np.argsort(-self.ious, kind="stable")[:10]
        bare = np.sort(self.untrained_ious)[::-1].tolist() or [None] * len(order)
        return TablePanel(
            title="Units against the marked places",
            caption=f"Overlap (intersection over union, IoU) of a unit's strongest "
            f"{self.about['share']:.1%} of positions with the marks, which cover {self.marked:.1%} "
            f"of the samples' pixels: no unit can reach more than {self.highest_possible_iou:.2f} "
            f"here, and a larger --share can. Above {LABEL_IOU} a unit carries the label (Bau "
            "2019). Untrained: the units of the network before training, the best one first too.",
            columns=("unit", "IoU", "labelled", "untrained"),
            rows=[
                (int(u), float(self.ious[u]), bool(self.ious[u] > LABEL_IOU), one)
                for u, one in zip(order, bare, strict=False)
            ],
        )
