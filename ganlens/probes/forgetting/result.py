"""Result of the forget probe: what changing maps did to held-out samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.edits import Blend
from ganlens.probes.forgetting.trial import Outcome, mean_of
from ganlens.probes.result import Number, Result


@dataclass(frozen=True)
class Curve:
    """What happens over the number of maps, beside equally many random ones.

    Attributes:
        counts: (K,) numbers of maps.
        turned: (K, 2) share whose concept went or came, for chosen and random maps; NaN where no
            classifier measured it.
        others: (K, 2) mean share of other attributes that changed.
        moved: (K, 2) mean change of a pixel inside the box, of 255.
    """

    counts: np.ndarray
    turned: np.ndarray
    others: np.ndarray
    moved: np.ndarray

    @classmethod
    def of(cls, counts: Sequence[int], rows: Sequence[Sequence[Outcome]]) -> "Curve":
        """Gather the outcomes of chosen and random maps at each number."""
        found = np.array([[(o.turned, o.mean, o.inside) for o in row] for row in rows], dtype=float)
        return cls(np.array(counts), *np.moveaxis(found, 2, 0))


@dataclass(frozen=True)
class ForgetResult(Result):
    """A concept, the maps that draw it, and what changing them did to held-out samples.

    Attributes:
        concept: in words.
        mode: "scale", "drop" or "insert".
        aucs: (h, w) how well each cell's channels tell whether a sample shows the concept.
        box: the concept's place: left, top, right, bottom in shares of the side.
        unit_auc: held-out area under the ROC curve of the classifier of channel vectors.
        unit_cells: cells behind it.
        weights: (C,) of that classifier.
        outcomes: what each way of choosing maps did; the first is that of the settings.
        random: what equally many random maps did, one for each draw.
        curve: the same over the number of maps.
        edit: that of the settings.
        pictures: (2 S, H, W, C) uint8 samples before and after in turn, and what draws them again:
            by the maps of the settings, by random ones, and in the paper's way.
        fd_before: Fréchet distance of the samples before to the real images.
    """

    concept: str
    mode: str
    aucs: np.ndarray
    box: tuple[float, ...]
    unit_auc: float | None
    unit_cells: int
    weights: np.ndarray
    outcomes: tuple[Outcome, ...]
    random: tuple[Outcome, ...]
    curve: Curve
    edit: Blend
    pictures: tuple[tuple[np.ndarray, dict[str, Any]], ...]
    fd_before: float | None

    @property
    def control(self) -> Outcome:
        """The mean over the draws of random maps."""
        return mean_of("equally many random maps, the same way (mean of draws)", self.random)

    def numbers(self) -> list[Number]:
        """Return the shares, each beside its control."""
        own, control = self.outcomes[0], self.control
        unread = "no attribute classifier measured it: no data, or too few samples with the concept"
        undefined = ("turned", "turned_interval", "turned_random_maps", "others_changed_mean",
                     "others_changed_worst", "others_changed_mean_random_maps")  # fmt: skip
        return Number.each(
            {
                "concept": self.concept,
                "mode": self.mode,
                "verb": "comes" if self.mode == "insert" else "goes",
                "unit_auc_held_out": self.unit_auc,
                "unit_cells_held_out": self.unit_cells,
                "best_cell_auc_held_out": self.aucs.max(),
                "box": self.box,
                "maps_changed": own.maps,
                "maps_in_layer": len(self.weights),
                "turned": own.turned,
                "turned_interval": own.interval,
                "turned_random_maps": control.turned,
                "others_changed": own.others,
                "others_changed_mean": own.mean,
                "others_changed_worst": own.worst,
                "others_changed_random_maps": control.others,
                "others_changed_mean_random_maps": control.mean,
                "score_change": own.score,
                "score_change_random_maps": control.score,
                "pixel_change_inside": own.inside,
                "pixel_change_outside": own.outside,
                "fd_before": self.fd_before,
                "fd_after": own.fd,
                "ways": {
                    one.name: {"maps": one.maps, "turned": one.turned, "others_mean": one.mean,
                               "others_worst": one.worst}
                    for one in self.outcomes
                },
            },
            {
                **dict.fromkeys(undefined, unread),
                **dict.fromkeys(("score_change", "score_change_random_maps"), "no discriminator"),
                **dict.fromkeys(("fd_before", "fd_after"), "no real images to compare with"),
                "unit_auc_held_out": "the samples held out lack one kind of cell",
                "pixel_change_outside": "maps are changed everywhere",
            },
        )  # fmt: skip
