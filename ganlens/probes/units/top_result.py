"""The pictures that activate units most, and how it is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.units.pictures import Exhibit, enlarge_tiles, scale_of, sheet


@dataclass(frozen=True)
class TopUnits:
    """What one network contributes.

    Attributes:
        exhibit: the units shown, with their strongest pictures.
        auc: (U,) for all units of the layer: the area under the ROC curve of the label that each
            unit's highest activation tells best; empty without labels.
        labels: these U labels.
        base: (U,) share of the scanned pictures that have the unit's label.
        purity: (n,) share of the strongest pictures of each unit shown that have it.
    """

    exhibit: Exhibit
    auc: np.ndarray
    labels: tuple[str, ...]
    base: np.ndarray
    purity: np.ndarray


@dataclass(frozen=True)
class TopImagesResult:
    """The strongest pictures of some units, and how selective all units are.

    Attributes:
        network: "discriminator" or "generator".
        layer: its name.
        size: side of the largest window in pixels: what a position sees, or draws on.
        trained: the checkpoint's network.
        untrained: the same with random weights, or None.
        source: what was scanned.
        note: why there is no untrained network, or empty.
        chosen: whether the units were asked for.
        about: which checkpoint, data, counts and seeds.
    """

    network: str
    layer: str
    size: int
    trained: TopUnits
    untrained: TopUnits | None
    source: str
    note: str
    chosen: bool
    about: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """Return the units shown, and how selective the layer's units are beside untrained ones."""
        networks = {"trained": self.trained, "untrained": self.untrained}
        found: dict[str, Any] = {**self.about, "source": self.source, "field_px": self.size}
        for name, one in networks.items():
            known = one is not None and len(one.auc) > 0
            found[f"best_auc_{name}"] = float(one.auc.max()) if one and known else None
            found[f"median_auc_{name}"] = float(np.median(one.auc)) if one and known else None
        best = int(self.trained.auc.argmax()) if len(self.trained.auc) else None
        return {
            **found,
            "best_unit": best,
            "best_label": None if best is None else self.trained.labels[best],
            "units_in_layer": len(self.trained.auc) or None,
            "units_shown": self.trained.exhibit.units.tolist(),
            "selectivity_note": None if best is not None else "no labels that are common enough",
            "note": self.note or None,
        }

    def panels(self) -> list[Panel]:
        """Return patches and whole pictures, trained and untrained, selectivity, and a table."""
        found: list[Panel] = [self._patches("trained", self.trained), self._whole()]
        if self.untrained is not None:
            found.append(self._patches("untrained", self.untrained))
        if len(self.trained.auc):
            found.append(self._selectivity())
        return [*found, self._table()]

    def _chosen(self) -> str:
        if self.chosen:
            return "The units are those that were asked for"
        if len(self.trained.auc):
            return f"The units are the {len(self.trained.exhibit.units)} that tell a label best"
        return "The units are evenly spaced over the layer"

    def _patches(self, which: str, one: TopUnits) -> ImagePanel:
        shown = one.exhibit
        k, patches = shown.scores.shape[1], shown.patches()
        verb = "sees" if self.network == "discriminator" else "can draw on"
        whose = {
            "trained": f"{self._chosen()}.",
            "untrained": "The same of the network before any training: what remains alike here is "
            "owed to its architecture, not to what it learned.",
        }
        return ImagePanel(
            title=f"What activates {self.layer} of the {which} {self.network} most",
            caption=f"Each row is one unit, its number on the left: the {k} of "
            f"{self.about['images']:,} pictures "
            f"({self.source}) with its highest activations, strongest first, cut to the "
            f"{self.size} x {self.size} px that the position {verb}; grey is outside the picture. "
            f"{whose[which]} {'' if self.untrained else self.note}".strip(),
            image=sheet(shown.units.tolist(), enlarge_tiles(patches, scale_of(patches.shape[2]))),
            alt=f"rows of {k} patches, one row for each of the units "
            f"{', '.join(map(str, shown.units))}",
            scale=1,
        )

    def _whole(self) -> ImagePanel:
        shown = self.trained.exhibit
        return ImagePanel(
            title="Where these patches are from",
            caption="The whole pictures in the same order, with the window of each patch outlined, "
            "as far as it lies inside the picture.",
            image=sheet(shown.units.tolist(), shown.framed()),
            alt="whole pictures with outlined windows, one row per unit",
            scale=1,
        )

    def _selectivity(self) -> FigurePanel:
        plot = figure(
            barmode="overlay",
            xaxis={"title": "AUC of the label that the unit tells best"},
            yaxis={"title": "units"},
            legend={"orientation": "h", "y": 1.12},
        )
        both = [
            ("trained", self.trained, PALETTE[0], ""),
            ("untrained", self.untrained, PALETTE[3], "/"),
        ]
        for name, one, colour, pattern in both:
            if one is not None and len(one.auc):
                plot.add_histogram(
                    x=one.auc,
                    name=name,
                    xbins={"start": 0.5, "end": 1, "size": 0.01},
                    marker={"color": colour, "pattern": {"shape": pattern}},
                    opacity=0.6,
                )
        return FigurePanel(
            title="How selective the units are",
            caption=f"For each of the {len(self.trained.auc)} units of {self.layer}, how often a "
            "picture with the label scores above one without it, by the unit's highest activation: "
            "0.5 is chance, 1 a perfect detector. The label is the one each unit tells best, which "
            "lifts both networks above 0.5; only the distance from the untrained one counts. Look "
            f"at the right end, where detectors are: {self._best()}.",
            figure=plot,
        )

    def _best(self) -> str:
        best = f"the best unit reaches {self.trained.auc.max():.2f}"
        if self.untrained is None or not len(self.untrained.auc):
            return best
        return f"{best}, the best untrained one {self.untrained.auc.max():.2f}"

    def _numbered(self) -> str:
        return (
            "their places in the split, from 0"
            if self.about["split"]
            else "the seeds of the samples"
        )

    def _table(self) -> TablePanel:
        both = (("trained", self.trained), ("untrained", self.untrained))
        return TablePanel(
            title="The units shown",
            caption="Activations are the highest in the best picture and in the last one shown. "
            "The share of the label among the pictures shown is to be read beside its share among "
            f"all that were scanned. pictures: {self._numbered()}.",
            columns=("network", "unit", "highest", "last shown", "best label", "AUC",
                     "share shown", "share scanned", "pictures"),
            rows=[row for name, one in both if one for row in _rows(name, one)],
        )  # fmt: skip


def _rows(name: str, one: TopUnits) -> list[tuple[Any, ...]]:
    rows = []
    for row, unit in enumerate(one.exhibit.units.tolist()):
        scores = one.exhibit.scores[row]
        label: tuple[Any, ...] = (None,) * 4
        if len(one.auc):
            label = (
                one.labels[unit],
                float(one.auc[unit]),
                float(one.purity[row]),
                float(one.base[unit]),
            )
        numbers = ", ".join(map(str, one.exhibit.numbers[row]))
        rows.append((name, unit, float(scores[0]), float(scores[-1]), *label, numbers))
    return rows
