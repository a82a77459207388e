"""What guided backpropagation showed, trained beside untrained."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.units.gradients import as_pictures
from ganlens.probes.units.pictures import Exhibit, beside, enlarge_tiles, scale_of, sheet
from ganlens.stats.auc import auc

MEASURES = ("concentration", "smoothness")
KINDS = ("guided", "plain")
AXES = {
    "concentration": "concentration (0: spread evenly, 1: one pixel)",
    "smoothness": "smoothness (0: noise, 1: edges and blobs)",
}


@dataclass(frozen=True)
class Gradients:
    """What one network contributes.

    Attributes:
        exhibit: the strongest images of the units shown.
        guided: (n, k, C, s, s) guided gradients in their windows; NaN outside the picture.
        plain: the same by plain backpropagation.
        statistics: (2, S, 2): guided and plain; S units; concentration and smoothness. NaN where
            it is undefined.
    """

    exhibit: Exhibit
    guided: np.ndarray
    plain: np.ndarray
    statistics: np.ndarray


@dataclass(frozen=True)
class GuidedBackpropResult:
    """Figure 5 of Radford 2015, with numbers.

    Attributes:
        layer: of the discriminator.
        size: side of its receptive field in pixels.
        measured: (S,) units that the statistics are over.
        trained: the checkpoint's discriminator.
        untrained: the same network with random weights, or None.
        note: why there is no untrained one, or empty.
        about: which checkpoint, data, counts and seeds.
    """

    layer: str
    size: int
    measured: np.ndarray
    trained: Gradients
    untrained: Gradients | None
    note: str
    about: dict[str, Any]

    def compare(self, kind: str, measure: str) -> dict[str, float | int | None]:
        """Compare the units of both networks: means, AUC and the p-value of Mann and Whitney.

        AUC is how often a trained unit's value exceeds an untrained one's; a unit without a value
        does not count.
        """
        trained, untrained = self.values(kind, measure)
        found: dict[str, float | int | None] = {
            "trained": float(trained.mean()) if len(trained) else None,
            "untrained": float(untrained.mean()) if len(untrained) else None,
            "units_trained": len(trained),
            "units_untrained": len(untrained),
            "auc": None,
            "p": None,
        }
        if len(trained) and len(untrained):
            from scipy.stats import mannwhitneyu

            both = np.concatenate([trained, untrained])
            found["auc"] = auc(both, np.arange(len(both)) < len(trained))
            found["p"] = float(mannwhitneyu(trained, untrained).pvalue)
        return found

    def values(self, kind: str, measure: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the defined values of trained and untrained units."""
        place = KINDS.index(kind), slice(None), MEASURES.index(measure)
        found = [one.statistics[place] if one else np.empty(0) for one in self.both]
        return found[0][~np.isnan(found[0])], found[1][~np.isnan(found[1])]

    @property
    def both(self) -> tuple[Gradients, Gradients | None]:
        """Trained and untrained."""
        return self.trained, self.untrained

    def summary(self) -> dict[str, Any]:
        """Return how trained and untrained units differ, by each measure and kind of gradient."""
        compared = {
            f"{measure}_{kind}": self.compare(kind, measure)
            for kind in KINDS
            for measure in MEASURES
        }
        main = compared["concentration_guided"]
        return {
            **self.about,
            "layer": self.layer,
            "receptive_field_px": self.size,
            "concentration_trained": main["trained"],
            "concentration_untrained": main["untrained"],
            "auc_trained_above_untrained": main["auc"],
            "p": main["p"],
            **compared,
            "note": self.note or None,
        }

    def panels(self) -> list[Panel]:
        """Return both kinds of gradients, the images, the statistics as a figure and a table."""
        return [self._gradients("guided"), self._images(), self._gradients("plain"),
                self._figure(), self._table()]  # fmt: skip

    def _sheets(self, tiles: list[np.ndarray]) -> np.ndarray:
        scale = scale_of(tiles[0].shape[2])
        shown = [one for one in self.both if one]
        return beside(
            [
                sheet(one.exhibit.units.tolist(), enlarge_tiles(tile, scale))
                for one, tile in zip(shown, tiles, strict=True)
            ]
        )

    def _where(self) -> str:
        return "Left trained, right untrained. " if self.untrained else f"{self.note} "

    def _told(self) -> str:
        if self.untrained is None:
            return "Without it, what was learned cannot be told from what the image itself brings."
        return (
            "Shapes on the left alone were put there by training; edges that show on both sides "
            "are the image's own, which any network lets through (Adebayo 2018)."
        )

    def _gradients(self, kind: str) -> ImagePanel:
        how = {
            "guided": "Guided backpropagation keeps only what excites the unit on every rectifier "
            "of the way (Springenberg 2014; figure 5 of Radford 2015).",
            "plain": "Plain gradients of the same units in the same images, which also hold what "
            "inhibits them.",
        }
        k = self.trained.guided.shape[1]
        tiles = [as_pictures(getattr(one, kind)) for one in self.both if one]
        return ImagePanel(
            title=f"{kind.capitalize()} backpropagation to {self.layer}",
            caption=f"Each row is one unit, each tile the colours that would raise it most in one "
            f"of the {k} real images that activate it most, cut to its receptive field of "
            f"{self.size} px; grey is no influence, and each tile has its own scale. {how[kind]} "
            f"{self._where()}{self._told()}",
            image=self._sheets(tiles),
            alt=f"{len(self.trained.exhibit.units)} rows of {k} {kind} gradients",
            scale=1,
        )

    def _images(self) -> ImagePanel:
        return ImagePanel(
            title=f"The images that activate {self.layer} most",
            caption="The real patches that belong to the gradients, tile by tile; grey is outside "
            f"the picture. {self._where()}",
            image=self._sheets([one.exhibit.patches() for one in self.both if one]),
            alt="rows of real patches, one row per unit",
            scale=1,
        )

    def _figure(self) -> FigurePanel:
        plot = figure(
            xaxis={"title": AXES["concentration"]},
            yaxis={"title": AXES["smoothness"]},
            legend={"orientation": "h", "y": 1.15},
        )
        for kind, fill in zip(KINDS, ("", "-open"), strict=True):
            for index, (name, one) in enumerate(
                zip(("trained", "untrained"), self.both, strict=True)
            ):
                if one:
                    plot.add_scatter(
                        x=one.statistics[KINDS.index(kind), :, 0],
                        y=one.statistics[KINDS.index(kind), :, 1],
                        mode="markers",
                        name=f"{name}, {kind}",
                        marker={"symbol": ("circle", "diamond")[index] + fill,
                                "color": PALETTE[(0, 3)[index]], "size": 7},
                        customdata=self.measured,
                        hovertemplate="unit %{customdata}<extra></extra>",
                    )  # fmt: skip
        found = self.compare("guided", "concentration")
        verdict = ""
        if found["auc"] is not None:
            verdict = (
                "A trained unit's guided gradient is the more concentrated one in "
                f"{found['auc']:.0%} of pairs (50 % by chance)."
            )
        return FigurePanel(
            title="Do the gradients tell a trained network from a random one?",
            caption=f"Each mark is one of {len(self.measured)} units, evenly spaced over the "
            "layer: to the right the gradient sits in fewer pixels, further up it is smoother. "
            f"Circles are trained, diamonds untrained; filled guided, open plain. {verdict}",
            figure=plot,
        )

    def _table(self) -> TablePanel:
        rows = []
        for kind in KINDS:
            for measure in MEASURES:
                found = self.compare(kind, measure)
                rows.append((measure, kind, *found.values()))
        return TablePanel(
            title="Trained beside untrained gradients",
            caption="Means over units of the mean over each unit's patches; AUC is how often a "
            "trained unit exceeds an untrained one. The p-value takes units as independent draws, "
            "which units of one network are only roughly. Units whose gradient is 0 are left out.",
            columns=("measure", "gradients", "trained", "untrained", "units", "units untrained",
                     "AUC", "p"),
            rows=rows,
        )  # fmt: skip
