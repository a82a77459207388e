"""Result of the guided-backprop probe: gradients, trained beside untrained, and its panels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganlens.figures import Line, lines
from ganlens.images import beside
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel
from ganlens.probes.result import Number, Result
from ganlens.probes.units.gradients import as_pictures
from ganlens.probes.units.pictures import Gallery, scale_of, sheet
from ganlens.stats.auc import auc

MEASURES = {  # of each unit's gradients -> title of its axis
    "concentration": "concentration (0: spread evenly, 1: one pixel)",
    "smoothness": "smoothness (0: noise, 1: edges and blobs)",
}
KINDS = {  # of gradients -> how they are made
    "guided": "Guided backpropagation keeps only what excites the unit on every rectifier "
    "of the way (Springenberg 2014; figure 5 of Radford 2015).",
    "plain": "Plain gradients of the same units in the same images, which also hold what "
    "inhibits them.",
}
ALONE = "Without it, what was learned cannot be told from what the image itself brings."
BESIDE = (
    "Shapes on the left alone were put there by training; edges that show on both sides are the "
    "image's own, which any network lets through (Adebayo 2018)."
)


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
        place = [*KINDS].index(kind), slice(None), [*MEASURES].index(measure)
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


def panels(result: GuidedBackpropResult) -> list[Panel]:
    """Return both kinds of gradients, the images, the statistics as a figure and a table."""
    return [_gradients(result, "guided"), _images(result), _gradients(result, "plain"),
            _figure(result), _table(result)]  # fmt: skip


def _gradients(result: GuidedBackpropResult, kind: str) -> ImagePanel:
    k, caution = result.trained.guided.shape[1], ALONE if result.untrained is None else BESIDE
    return ImagePanel(
        title=f"{kind.capitalize()} backpropagation to {result.layer}",
        caption=f"Each row is one unit, each tile the colours that would raise it most in one "
        f"of the {k} real images that activate it most, cut to its receptive field of "
        f"{result.size} px; grey is no influence, and each tile has its own scale. {KINDS[kind]} "
        f"{_plain(result) if kind == 'guided' else ''}{_where(result)}{caution}",
        image=_sheets(result, lambda one: as_pictures(getattr(one, kind))),
        alt=f"{len(result.trained.gallery.units)} rows of {k} {kind} gradients",
        scale=1,
    )


def _images(result: GuidedBackpropResult) -> ImagePanel:
    return ImagePanel(
        title=f"The images that activate {result.layer} most",
        caption="The real patches that belong to the gradients, tile by tile; grey is outside "
        f"the picture. {_where(result)}",
        image=_sheets(result, lambda one: one.gallery.patches()),
        alt="rows of real patches, one row per unit",
        scale=1,
    )


def _figure(result: GuidedBackpropResult) -> FigurePanel:
    units = [f"unit {unit}" for unit in result.measured]
    looks = {"trained": ("circle", PALETTE[0]), "untrained": ("diamond", PALETTE[3])}
    marks = [
        Line(f"{name}, {kind}", y, x, looks[name][1], mode="markers",
             symbol=looks[name][0] + fill, text=units)
        for name, one in result.networks.items()
        for kind, fill, (x, y) in zip(KINDS, ("", "-open"), one.statistics.mT, strict=True)
    ]  # fmt: skip
    area, verdict = result.compare("guided", "concentration")["auc"], ""
    if area is not None:
        verdict = (
            "A trained unit's guided gradient is the more concentrated one in "
            f"{area:.0%} of pairs (50 % by chance)."
        )
    return lines(
        "Do the gradients tell a trained network from a random one?",
        f"Each mark is one of {len(result.measured)} units, evenly spaced over the layer: to the "
        "right the gradient sits in fewer pixels, further up it is smoother. Circles are trained, "
        f"diamonds untrained; filled guided, open plain. {verdict}",
        None,
        marks,
        xaxis=MEASURES["concentration"],
        yaxis=MEASURES["smoothness"],
    )


def _table(result: GuidedBackpropResult) -> TablePanel:
    found = [
        (measure, kind, *result.compare(kind, measure).values())
        for kind in KINDS
        for measure in MEASURES
    ]
    return TablePanel(
        title="Trained beside untrained gradients",
        caption="Means over units of the mean over each unit's patches; AUC is how often a "
        "trained unit exceeds an untrained one. The p-value takes units as independent draws, "
        "which units of one network are only roughly. Units whose gradient is 0 are left out.",
        columns=("measure", "gradients", "trained", "untrained", "units", "units untrained",
                 "AUC", "p"),
        rows=found,
    )  # fmt: skip


def _plain(result: GuidedBackpropResult) -> str:
    if not result.plain:
        return ""
    return f"No rectifiers, so that gradients through them stay plain: {', '.join(result.plain)}. "


def _where(result: GuidedBackpropResult) -> str:
    return "Left trained, right untrained. " if result.untrained else f"{result.note} "


def _sheets(
    result: GuidedBackpropResult, tiles_of: Callable[[Gradients], np.ndarray]
) -> np.ndarray:
    tiles = [(one.gallery.units.tolist(), tiles_of(one)) for one in result.networks.values()]
    scale = scale_of(tiles[0][1].shape[2])
    return beside([sheet(units, one, scale) for units, one in tiles])
