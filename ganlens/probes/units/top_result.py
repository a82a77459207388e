"""Result of the top-images probe: the pictures that activate units most, and its panels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.result import Number, Result
from ganlens.probes.units.pictures import Gallery, scale_of, sheet


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


def panels(result: TopImagesResult) -> list[Panel]:
    """Return patches and whole pictures, trained and untrained, selectivity, and a table."""
    found: list[Panel] = [_patches(result, "trained"), _whole(result)]
    if result.untrained is not None:
        found.append(_patches(result, "untrained"))
    if len(result.trained.auc):
        found.append(_selectivity(result))
    return [*found, _table(result)]


def _chosen(result: TopImagesResult) -> str:
    if result.chosen:
        return "The units are those of the settings."
    if len(result.trained.auc):
        return f"The units are the {len(result.trained.gallery.units)} that tell a label best."
    return "The units are evenly spaced over the layer."


def _patches(result: TopImagesResult, which: str) -> ImagePanel:
    shown = result.networks[which].gallery
    k, patches, about = shown.scores.shape[1], shown.patches(), result.about
    verb = "depends on" if about["network"] == "discriminator" else "can draw on"
    note = (
        "The same of the network before any training: what remains alike here is owed to its "
        "architecture, not to what it learned."
    )
    return ImagePanel(
        title=f"What activates {about['layer']} of the {which} {about['network']} most",
        caption=f"Each row is one unit, its number on the left: the {k} of "
        f"{about['images']:,} pictures ({result.source}) with its highest activations, strongest "
        f"first, cut to the {result.size} x {result.size} px that the position {verb}; grey is "
        f"outside the picture. {_chosen(result) if which == 'trained' else note} "
        f"{result.note}".strip(),
        image=sheet(shown.units.tolist(), patches, scale_of(patches.shape[2])),
        alt=f"rows of {k} patches, one row for each of the units "
        f"{', '.join(map(str, shown.units))}",
        scale=1,
    )


def _whole(result: TopImagesResult) -> ImagePanel:
    shown = result.trained.gallery
    return ImagePanel(
        title="Where these patches are from",
        caption="The whole pictures in the same order, with the window of each patch outlined, "
        "as far as it lies inside the picture.",
        image=sheet(shown.units.tolist(), shown.framed()),
        alt="whole pictures with outlined windows, one row per unit",
        scale=1,
    )


def _selectivity(result: TopImagesResult) -> FigurePanel:
    plot = figure(
        barmode="overlay",
        xaxis={"title": "AUC of the label that the unit tells best"},
        yaxis={"title": "units"},
        legend={"orientation": "h", "y": 1.12},
    )
    best = f"the best unit reaches {result.trained.auc.max():.2f}"
    if result.untrained and len(result.untrained.auc):
        best += f", the best untrained one {result.untrained.auc.max():.2f}"
    looks = {"trained": (PALETTE[0], ""), "untrained": (PALETTE[3], "/")}
    for name, one in result.networks.items():
        if len(one.auc):
            colour, pattern = looks[name]
            plot.add_histogram(
                x=one.auc, name=name, opacity=0.6,
                xbins={"start": 0.5, "end": 1, "size": 0.01},
                marker={"color": colour, "pattern": {"shape": pattern}},
            )  # fmt: skip
    return FigurePanel(
        title="How selective the units are",
        caption=f"For each of the {len(result.trained.auc)} units of {result.about['layer']}, how "
        "often a picture with the label scores above one without it, by the unit's highest "
        "activation: "
        "0.5 is chance, 1 a perfect detector. The label is the one each unit tells best, which "
        "lifts both networks above 0.5; only the distance from the untrained one counts. Look "
        f"at the right end, where detectors are: {best}.",
        figure=plot,
    )


def _table(result: TopImagesResult) -> TablePanel:
    numbered = (
        "their places in the split, from 0" if result.about["split"] else "the seeds of the samples"
    )
    return TablePanel(
        title="The units shown",
        caption="Activations are the highest in the best picture and in the last one shown. "
        "The share of the label among the pictures shown is to be read beside its share among "
        f"all that were scanned. pictures: {numbered}.",
        columns=("network", "unit", "highest", "last shown", "best label", "AUC",
                 "share shown", "share scanned", "pictures"),
        rows=[row for name, one in result.networks.items() for row in _rows(name, one)],
    )  # fmt: skip


def _rows(name: str, one: TopUnits) -> Iterator[tuple[Any, ...]]:
    shown = one.gallery
    for row, unit in enumerate(shown.units.tolist()):
        label: tuple[Any, ...] = (None,) * 4
        if len(one.auc):
            areas, scanned = float(one.auc[unit]), float(one.base[unit])
            label = one.labels[unit], areas, float(one.purity[row]), scanned
        scores, numbers = shown.scores[row], ", ".join(map(str, shown.numbers[row]))
        yield name, unit, float(scores[0]), float(scores[-1]), *label, numbers
