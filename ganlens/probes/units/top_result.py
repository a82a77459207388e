"""Result of the top-images probe: the pictures that activate units most."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.result import Number, Result
from ganlens.probes.units.pictures import Gallery


@dataclass(frozen=True)
class TopUnits:
    """Units of one network.

    Attributes:
        gallery: the units shown, with their strongest pictures.
        auc: (U,) for all units of the layer: the area under the ROC curve of the label that each
            unit's highest activation tells best; empty without labels.
        labels: these U labels.
        base: (U,) share of the scanned pictures that have the unit's label.
        purity: (n,) share of the strongest pictures of each unit shown that have it.
    """

    gallery: Gallery
    auc: np.ndarray
    labels: tuple[str, ...]
    base: np.ndarray
    purity: np.ndarray


@dataclass(frozen=True)
class TopImagesResult(Result):
    """The strongest pictures of some units, and how selective all units are.

    Attributes:
        size: side of the largest window in pixels: what a position depends on, or draws on.
        trained: the checkpoint's network.
        untrained: the same with random weights, or None.
        source: what was scanned.
        note: why there is no untrained network, or empty.
        chosen: whether the units are those of the settings.
    """

    size: int
    trained: TopUnits
    untrained: TopUnits | None
    source: str
    note: str
    chosen: bool

    @property
    def networks(self) -> dict[str, TopUnits]:
        """Trained, and untrained where there is one."""
        return {"trained": self.trained} | ({"untrained": self.untrained} if self.untrained else {})

    def numbers(self) -> list[Number]:
        """Return the units shown, and how selective the layer's units are beside untrained ones."""
        found: dict[str, Any] = {}
        for name, one in {"trained": self.trained, "untrained": self.untrained}.items():
            areas = one.auc if one and len(one.auc) else None
            found[f"best_auc_{name}"] = None if areas is None else areas.max()
            found[f"median_auc_{name}"] = None if areas is None else np.median(areas)
        best = int(self.trained.auc.argmax()) if len(self.trained.auc) else None
        none = "no labels that are common enough"
        undefined = ("best_unit", "best_label", "units_in_layer", "best_auc_trained",
                     "median_auc_trained")  # fmt: skip
        return Number.each(
            {
                "source": self.source,
                "field_px": self.size,
                **found,
                "best_unit": best,
                "best_label": None if best is None else self.trained.labels[best],
                "units_in_layer": len(self.trained.auc) or None,
                "units_shown": self.trained.gallery.units,
                "selectivity_note": None if best is not None else none,
                "note": self.note or None,
            },
            {
                **dict.fromkeys(undefined, none),
                **dict.fromkeys(("best_auc_untrained", "median_auc_untrained"), self.note or none),
            },
        )
