"""Result of the guided-backprop probe: gradients, trained beside untrained."""

from dataclasses import dataclass

import numpy as np

from ganlens.probes.result import Number, Result
from ganlens.probes.units.pictures import Gallery
from ganlens.stats.auc import auc

MEASURES = ("concentration", "smoothness")
KINDS = ("guided", "plain")


@dataclass(frozen=True)
class Gradients:
    """Gradients of one network.

    Attributes:
        gallery: the strongest images of the units shown.
        guided: (n, k, C, s, s) guided gradients in their windows; NaN outside the picture.
        plain: the same by plain backpropagation.
        statistics: (2, S, 2): guided and plain; S units; concentration and smoothness. NaN where
            it is undefined.
    """

    gallery: Gallery
    guided: np.ndarray
    plain: np.ndarray
    statistics: np.ndarray


@dataclass(frozen=True)
class GuidedBackpropResult(Result):
    """Figure 5 of Radford 2015, with numbers.

    Attributes:
        layer: of the discriminator.
        size: side of its receptive field in pixels.
        measured: (S,) units that the statistics are over.
        trained: the checkpoint's discriminator.
        untrained: the same network with random weights, or None.
        note: why there is no untrained one, or empty.
        plain: activations on the way that are no rectifiers, whose gradients stay plain.
    """

    layer: str
    size: int
    measured: np.ndarray
    trained: Gradients
    untrained: Gradients | None
    note: str
    plain: tuple[str, ...] = ()

    @property
    def networks(self) -> dict[str, Gradients]:
        """Trained, and untrained where there is one."""
        return {"trained": self.trained} | ({"untrained": self.untrained} if self.untrained else {})

    def compare(self, kind: str, measure: str) -> dict[str, float | int | None]:
        """Compare the units of both networks: means, AUC and the p-value of Mann and Whitney.

        AUC is how often a trained unit's value exceeds an untrained one's; a unit without a value
        does not count.
        """
        place = KINDS.index(kind), slice(None), MEASURES.index(measure)
        found = {name: one.statistics[place] for name, one in self.networks.items()}
        values = {name: one[~np.isnan(one)] for name, one in found.items()}
        trained, untrained = (values.get(name, np.empty(0)) for name in ("trained", "untrained"))
        area = p = None
        if len(trained) and len(untrained):
            from scipy.stats import mannwhitneyu

            both = np.concatenate([trained, untrained])
            area = auc(both, np.arange(len(both)) < len(trained))
            p = float(mannwhitneyu(trained, untrained).pvalue)
        return {
            "trained": float(trained.mean()) if len(trained) else None,
            "untrained": float(untrained.mean()) if len(untrained) else None,
            "units_trained": len(trained),
            "units_untrained": len(untrained),
            "auc": area,
            "p": p,
        }

    def numbers(self) -> list[Number]:
        """Return how trained and untrained units differ, by each measure and kind of gradient."""
        compared = {
            f"{measure}_{kind}": self.compare(kind, measure)
            for kind in KINDS
            for measure in MEASURES
        }
        main = compared["concentration_guided"]
        control = ("concentration_untrained", "auc_trained_above_untrained", "p")
        return Number.each(
            {
                "layer": self.layer,
                "receptive_field_px": self.size,
                "concentration_trained": main["trained"],
                "concentration_untrained": main["untrained"],
                "auc_trained_above_untrained": main["auc"],
                "p": main["p"],
                **compared,
                "note": self.note or None,
            },
            dict.fromkeys(control, self.note or "every gradient is 0"),
        )
