"""Panels of the guided-backprop probe: gradients, the images, trained beside untrained."""

from collections.abc import Callable

import numpy as np

from ganlens.figures import Line, lines
from ganlens.images import beside
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel
from ganlens.probes.units.gradients import as_pictures
from ganlens.probes.units.guided_result import KINDS, MEASURES, Gradients, GuidedBackpropResult
from ganlens.probes.units.pictures import scale_of, sheet

HOW = {
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
AXES = {
    "concentration": "concentration (0: spread evenly, 1: one pixel)",
    "smoothness": "smoothness (0: noise, 1: edges and blobs)",
}


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
        f"{result.size} px; grey is no influence, and each tile has its own scale. {HOW[kind]} "
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
        xaxis=AXES["concentration"],
        yaxis=AXES["smoothness"],
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
