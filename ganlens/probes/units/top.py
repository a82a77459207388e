"""Top-images probe: pictures that activate units most, and what they have in common."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from ganlens.activations import Windows
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import DataImages, ImageSource
from ganlens.limits import Count, Seed
from ganlens.probes.base import Needs, Probe, Progress, Steps, images_for
from ganlens.probes.identity import identity, untrained
from ganlens.probes.units.scan import Scan, check_units, last_block, scan, spread, windows_of
from ganlens.probes.units.top_result import TopImagesResult, TopUnits, panels
from ganlens.stats.auc import auc_table
from ganlens.subject import Samples, Subject

SHOWN = 6
LEAST = 20  # images with a label, and without it, for its curve to mean anything


@dataclass(frozen=True)
class TopImages(Probe):
    """Find the pictures and patches that activate each unit of a layer most.

    Every picture counts once, where the unit's map is highest, and is cut to what that position
    depends on (the discriminator) or draws on (the generator). Where the data have labels, the area
    under the ROC curve says how well each unit's highest activation tells one of them.

    Attributes:
        network: "discriminator" or "generator"; the generator's units are about generated samples.
        layer: a layer's name; "auto" is the discriminator's last convolution block, and the
            generator's first.
        units: indices of the units shown; empty shows the 6 that tell a label best, or 6 evenly
            spaced ones without labels.
        k: pictures per unit.
        source: "data", or "generated" samples.
        images: pictures that are scanned, at most.
        split: "train", "test" or "all": where real ones are from.
        seed: of the choice of images and of the untrained network; the first sample's.
        batch_size: pictures at a time.
    """

    title = "Top images"
    group = "Inside the networks"
    help = "the pictures that activate each unit most"
    headline = (
        "unit {best_unit} of {layer} tells {best_label} with AUC {best_auc_trained:.2f}",
        "best untrained {best_auc_untrained:.2f}",
        "medians {median_auc_trained:.2f} and {median_auc_untrained:.2f}",
    )
    reading = (
        "The patches of a row should have something in common: that is what the unit looks for; "
        "rows of the untrained network show what unity arises without learning."
    )
    papers = (("Zeiler and Fergus 2013", "https://arxiv.org/abs/1311.2901"),)
    drawn = "images"
    demo = MappingProxyType({"images": 2000})

    network: Literal["discriminator", "generator"] = "discriminator"
    layer: str = "auto"
    units: tuple[int, ...] = ()
    k: Count = 9
    source: Literal["data", "generated"] = "data"
    images: Count = 10_000
    split: Literal["train", "test", "all"] = "train"
    seed: Seed = 0
    batch_size: Count = 64

    def needs(self) -> Needs:
        """Return what it cannot do without: the network, and what it is shown."""
        if self.network == "generator":
            return Needs(frozenset({"generator"}))
        if self.source == "data":
            return Needs(frozenset({"discriminator"}), "required")
        return Needs(frozenset({"discriminator", "sample"}))

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[TopImagesResult]:
        """Scan with the trained and the untrained network, and classifier every unit."""
        layer = self._layer(subject)
        windows = windows_of(subject, self.network, layer)
        check_units(self.units, windows, layer)
        real: DataImages | None = None
        if self.needs().data != "no":
            part = images_for(subject, data, "top-images").part(self.split)
            real = DataImages.draw(part, self.images, self.seed)
        source: ImageSource = real or Samples.draw(subject, self.images, self.seed)
        yield Progress(0, source.count, "pictures")
        control, note = untrained(subject, self.seed, spread(real) if real else None)
        both = []
        for one in (subject, control) if control else (subject,):
            # An untrained generator's units are about its own pictures; all else is as for the
            # trained network.
            own = source
            if self.network == "generator":
                own = Samples.draw(one, self.images, self.seed)
            found = yield from scan(one, self.network, layer, own, self.k, self.batch_size)
            both.append(self._units(found, own, windows, real))
        return TopImagesResult(
            size=windows.size,
            trained=both[0],
            untrained=both[1] if control else None,
            source=f"real images, {real.data.split} split" if real else "generated samples",
            note=note,
            chosen=bool(self.units),
            draw=panels,
            about={
                **identity(subject, data if real else None, drawn=real is None),
                "network": self.network,
                "layer": layer,
                "images": source.count,
                "split": real.data.split if real else None,
                "k": self.k,
                "seed": self.seed,
            },
        )

    def follow(self, subject: Subject) -> None:
        """Find the windows of the layer."""
        windows_of(subject, self.network, self._layer(subject))

    def _layer(self, subject: Subject) -> str:
        module = subject.network(self.network)
        if self.layer != "auto":
            return self.layer
        if self.network == "discriminator":
            return last_block(subject)
        blocks = [name for name, part in module.named_children() if any(part.children())]
        if len(blocks) < 2:
            raise GanlensError(f"{subject.name}'s generator names no blocks: give a layer")
        return blocks[1]

    def _units(
        self, found: Scan, source: ImageSource, windows: Windows, real: DataImages | None
    ) -> TopUnits:
        labels = labels_of(real.data, real.rows[found.ranked], LEAST) if real else {}
        table = auc_table(found.highest, np.stack([*labels.values()], 1)) if labels else None
        shown = found.gallery(source, self._shown(table, windows.shape[0]))
        if table is None or real is None:
            return TopUnits(shown, np.empty(0), (), np.empty(0), np.empty(0))
        best = [list(labels)[place] for place in table.argmax(1)]
        own = labels_of(real.data, shown.numbers.ravel())
        hits = [
            own[best[unit]].reshape(shown.numbers.shape)[row].mean() if best[unit] in own else 0.0
            for row, unit in enumerate(shown.units)
        ]
        shares = np.array([labels[name].mean() for name in best])
        return TopUnits(shown, table.max(1), tuple(best), shares, np.array(hits))

    def _shown(self, table: np.ndarray | None, count: int) -> np.ndarray:
        if self.units:
            return np.array(self.units)
        if table is None:
            return np.linspace(0, count - 1, min(SHOWN, count)).round().astype(int)
        return np.argsort(-table.max(1), kind="stable")[:SHOWN]


def labels_of(part: ImageSet, rows: np.ndarray, least: int = 0) -> dict[str, np.ndarray]:
    """Return which of some rows have each class and categorical value: "hair=long" -> (N,) bool.

    Those that fewer than ``least`` rows have, or have not, are left out.
    """
    found: dict[str, np.ndarray] = {}
    if part.labels is not None:
        labels = part.labels[rows]
        found = {f"class={name}": labels == i for i, name in enumerate(part.class_names)}
    for name, values in part.attributes.items():
        if values.dtype.kind in "UO":
            own = values[rows].astype(str)
            found |= {f"{name}={value}": own == value for value in np.unique(own) if value}
    most = len(rows) - least
    return {name: own for name, own in found.items() if least <= own.sum() <= most}
