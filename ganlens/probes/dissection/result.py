"""Result of the dissect probe: units of a layer against every concept."""

from dataclasses import dataclass

import numpy as np

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
