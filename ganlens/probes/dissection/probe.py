"""Dissect probe: units of a generator layer, by their agreement with concepts (Bau 2019)."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import numpy as np
from torch import Tensor

from ganlens import images
from ganlens.attributes import Predictions, attribute_classifier
from ganlens.data import ImageSet
from ganlens.limits import Count, Limits, Seed
from ganlens.probes.base import Needs, Probe, Progress, Steps, images_for
from ganlens.probes.dissection.agreement import permuted_threshold, unit_ious, unit_mask
from ganlens.probes.dissection.result import DissectResult, panels
from ganlens.probes.forgetting.boxes import Marks, read_marks
from ganlens.probes.forgetting.concept_maps import generator_layer, maps_of
from ganlens.probes.identity import identity, untrained
from ganlens.stats.auc import auc_table
from ganlens.subject import Subject

FEW = 10  # samples with, and without, a concept that is compared
UNITS, TOPS = 8, 10  # units that are shown, and top images of each
DIMMED = 0.7  # brightness that is left outside of a unit's mask
ENLARGED = 3  # so that an outline is thinner than a pixel
EDGE = (255, 0, 255)


@dataclass(frozen=True)
class Dissect(Probe):
    """Compare every unit of a generator layer with every attribute, as GAN Dissection does.

    A network on pixels labels generated samples; each unit's mean activation is compared with each
    attribute value, beside shuffled labels and an untrained generator. Where masks or boxes are
    given, units are also compared with these by intersection over union (Bau 2019, arXiv
    1811.10597).

    Attributes:
        layer: generator layer; "auto" is what the second-highest convolution leads to.
        samples: how many are labelled: seeds from ``seed`` on.
        share: of a unit's positions that count as active.
        shuffles: of the labels, to tell what chance gives.
        boxes: a JSON file of boxes or an npz of masks drawn on samples, as ``forget`` takes.
        seed: the first sample's seed; of the shuffles.
        batch_size: images at a time.
    """

    title = "Dissection"
    group = "Inside the networks"
    help = "which units of a layer agree with which attribute"
    headline = (
        "{units_that_agree:.0%} of {units} units agree with an attribute",
        "untrained {units_that_agree_untrained:.0%}",
        "unit {best_unit} with {best_concept}: AUC {best_auc}",
    )
    reading = (
        "A unit is about a concept if it is on where the concept is and off elsewhere: look for "
        "agreement far above that of the untrained generator."
    )
    papers = (("Bau 2019", "https://arxiv.org/abs/1811.10597"),)
    requires = Needs(frozenset({"generator"}), "required", labels=True)
    drawn = "samples"
    demo = MappingProxyType({"samples": 500})

    layer: str = "auto"
    samples: Annotated[int, Limits(low=2 * FEW)] = 1000
    share: Annotated[float, Limits(above=0, below=1)] = 0.005
    shuffles: Annotated[int, Limits(low=20)] = 100
    boxes: Path | None = None
    seed: Seed = 0
    batch_size: Count = 64

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[DissectResult]:
        """Label samples, compare units with labels, and do the same untrained."""
        data = images_for(subject, data, "dissect")
        layer = generator_layer(subject, self.layer)
        marks = None if self.boxes is None else read_marks(self.boxes, subject.image_shape[1:])
        classifier = yield from attribute_classifier(data, device=subject.device)
        z = subject.latents(range(self.seed, self.seed + self.samples))
        yield Progress(0, 1, "samples read")
        x = subject.generate(z, batch_size=self.batch_size)
        concepts, truths, rule = _labels(classifier.predict(x))
        maps, aucs, ious = yield from self._units(subject, layer, z, truths, marks)
        yield Progress(0, 1, "shuffled labels")
        levels = maps.mean((2, 3)).numpy()
        bound = permuted_threshold(levels, truths, self.shuffles, self.seed)
        control, _ = untrained(subject, self.seed)
        bare, bare_ious = np.zeros((0, len(concepts))), np.zeros(0)
        if control is not None:
            # Its own pictures show no attribute, so the labels stay those of the trained one's.
            _, bare, bare_ious = yield from self._units(control, layer, z, truths, marks)
        chosen = _chosen(aucs, concepts)
        return DissectResult(
            layer=layer,
            concepts=concepts,
            frequencies=truths.mean(0),
            aucs=aucs,
            threshold=bound,
            untrained=bare,
            ious=ious,
            untrained_ious=bare_ious,
            marked=0.0 if marks is None else float(marks.masks.mean()),
            tops=_tops(x, maps, chosen, self.share),
            top_units=chosen,
            draw=panels,
            about={
                **identity(subject, data),
                **classifier.about(),
                "samples": self.samples,
                "labelled_by": rule,
                "share": self.share,
                "shuffles": self.shuffles,
                "seed": self.seed,
            },
        )

    def _units(
        self, subject: Subject, layer: str, z: Tensor, truths: np.ndarray, marks: Marks | None
    ) -> Steps[tuple[Tensor, np.ndarray, np.ndarray]]:
        """Return (N, C, h, w) maps, their (C, K) areas, and (C,) overlaps with any marks."""
        maps, ious = (yield from maps_of(subject, layer, z, self.batch_size)), np.zeros(0)
        if marks is not None:
            own = yield from maps_of(subject, layer, subject.latents(marks.seeds), self.batch_size)
            ious = unit_ious(own, self.share, marks.masks)
        return maps, auc_table(maps.mean((2, 3)).numpy(), truths), ious


def _labels(predictions: Predictions) -> tuple[tuple[str, ...], np.ndarray, str]:
    """Return K concepts, (N, K) which samples show them, and by which rule.

    Values that nearly all samples or hardly any have are left out. Where that leaves
    nothing (an untrained generator), the likelier half of the samples is taken for each value.
    """
    pairs = [(name, value) for name, values in predictions.classes.items() for value in values]
    shown = np.stack([predictions.shows(*pair) for pair in pairs], axis=1)
    rule, counts = "the likeliest value", shown.sum(0)
    common = (counts >= FEW) & (counts <= len(shown) - FEW)
    if not common.any():
        likely = np.stack([predictions.probability(*pair) for pair in pairs], axis=1)
        ranks = likely.argsort(0, kind="stable").argsort(0, kind="stable")
        shown, rule = ranks >= len(ranks) // 2, "the likelier half of the samples"
        common[:] = True
    names = tuple(
        f"{name}={value}" for (name, value), one in zip(pairs, common, strict=True) if one
    )
    return names, shown[:, common], rule


def _chosen(aucs: np.ndarray, concepts: tuple[str, ...]) -> dict[int, str]:
    """Return the units with the highest areas, one for each concept, the best concepts first."""
    best, found = aucs.max(0), dict[int, str]()
    for k in np.argsort(-best, kind="stable"):
        found.setdefault(int(aucs[:, k].argmax()), f"{concepts[k]}, AUC {best[k]:.2f}")
    return dict(list(found.items())[:UNITS])


def _tops(x: Tensor, maps: Tensor, units: Iterable[int], share: float) -> np.ndarray:
    """Return (R, T, H, W, 3) uint8: the samples that excite units most, the place outlined."""
    rows = []
    for own in (maps[:, unit] for unit in units):
        best = own.mean((1, 2)).argsort(descending=True, stable=True)[:TOPS]
        active = unit_mask(own, share, (x.shape[2], x.shape[3]))[best.numpy()]
        rows.append(_outlined(images.as_rgb(images.to_uint8(x[best])), active))
    return np.stack(rows)


def _outlined(pictures: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Enlarge (T, H, W, 3) pictures, dim them outside of the (T, H, W) masks, and draw the edge."""
    from scipy.ndimage import binary_erosion

    dimmed = np.where(masks[..., None], pictures, (DIMMED * pictures).astype(np.uint8))
    large = images.enlarge(dimmed, ENLARGED)
    inside = images.enlarge(masks[..., None], ENLARGED)[..., 0]
    square = np.ones((1, 3, 3), dtype=bool)
    large[inside & ~binary_erosion(inside, square, border_value=1)] = EDGE
    return large
