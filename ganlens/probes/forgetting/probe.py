"""Forget probe: find the maps of a concept, change them, and measure on held-out samples."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from torch import Tensor

from ganlens.attributes import attribute_classifier
from ganlens.data import ImageSet
from ganlens.edits import EVERYWHERE, Blend
from ganlens.errors import GanlensError
from ganlens.limits import Amount, Count, Limits, Seed
from ganlens.probes.base import RADFORD, Needs, Probe, Progress, Steps, images_for
from ganlens.probes.forgetting.boxes import Marks, read_marks
from ganlens.probes.forgetting.concept_maps import generator_layer, locate, maps_of
from ganlens.probes.forgetting.concept_source import ConceptSource, fit_concept_source
from ganlens.probes.forgetting.effect import optimise
from ganlens.probes.forgetting.panels import panels
from ganlens.probes.forgetting.result import Curve, ForgetResult
from ganlens.probes.forgetting.target import Target, target_of
from ganlens.probes.forgetting.trial import ENOUGH, FIRST, Outcome, Trial, held_out, mean_of
from ganlens.probes.forgetting.unit_classifier import UnitClassifier, mean_levels
from ganlens.probes.forgetting.unit_selection import PAPER, WAYS, Material
from ganlens.probes.identity import identity
from ganlens.subject import Subject

SPARSE = 0.01  # price of a full strength in the search: what does nothing is left alone
RARE = 0.05  # share of samples below which a prediction is taken by rank instead


@dataclass(frozen=True)
class Forget(Probe):
    """Find the maps of a generator layer that draw a concept, change them, and draw again.

    The window experiment (Radford 2015, section 6.3.1) for any attribute, or for boxes drawn on
    samples, with the interventions of GAN Dissection (Bau 2019). Maps are chosen by linear
    classifiers on the discriminator's features; the outcome is measured by a network on pixels, on
    other samples.

    Attributes:
        concept: an expression about one attribute, such as "glasses=dark | glasses=clear"; "auto"
            takes one of the data's attributes.
        boxes: a JSON file of boxes, or an npz of masks, drawn on samples: where the concept is.
        layer: generator layer; "auto" is what the second-highest convolution leads to.
        mode: "drop" sets maps to zero, "scale" brings them to their mean level in samples without
            the concept, "insert" to that in samples with it.
        choose: maps by their measured "effect", or by their "weights" in the classifier of units.
        place: change maps where the "concept" is, or "everywhere".
        maps: how many are changed; 0 leaves it to the selection.
        pool: samples that maps are chosen by, where no boxes are given: seeds 0 to pool - 1.
        samples: held-out samples with the concept (or without, to insert) that are changed.
        probe_images: training images that the classifiers are fitted to, at most.
        search_steps: steps of the search by effect.
        others_weight: how much what else changes counts in that search.
        draws: sets of random maps, the control.
        seed: of every choice.
        batch_size: images at a time.
    """

    title = "Forgetting"
    group = "Inside the networks"
    help = "change the maps that draw a concept, and see it go"
    headline = (
        "{concept}: it {verb} in {turned:.0%} of held-out samples",
        "random maps {turned_random_maps:.0%}",
        "other attributes change in {others_changed_mean:.0%}",
        "unit AUC {unit_auc_held_out}",
    )
    reading = (
        "In the right picture of each pair the concept should be gone and all else unchanged; the"
        " same number of random maps shows how much of that any damage would do."
    )
    papers = (RADFORD, ("Bau 2019", "https://arxiv.org/abs/1811.10597"))
    demo = MappingProxyType(
        {"pool": 400, "samples": 100, "probe_images": 800, "search_steps": 50, "draws": 2}
    )

    renamed = MappingProxyType({"kept": "others_weight"})

    concept: str = "auto"
    boxes: Path | None = None
    layer: str = "auto"
    mode: Literal["scale", "drop", "insert"] = "scale"
    choose: Literal["effect", "weights"] = "effect"
    place: Literal["concept", "everywhere"] = "concept"
    maps: Annotated[int, Limits(low=0)] = 0
    pool: Annotated[int, Limits(low=50)] = 600
    samples: Annotated[int, Limits(low=ENOUGH)] = 150
    probe_images: Annotated[int, Limits(low=20)] = 1500
    search_steps: Count = 70
    others_weight: Amount = 1.0
    draws: Count = 3
    seed: Seed = 0
    batch_size: Count = 64

    def needs(self) -> Needs:
        """Return what it cannot do without: boxes and weights say what data would say else."""
        if self.boxes is not None and self.choose == "weights":
            return Needs(frozenset({"generator"}), "optional")
        return Needs(frozenset({"generator", "discriminator"}), "required", labels=True)

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[ForgetResult]:
        """Find the concept in the layer, choose maps, change them, and measure."""
        marks, target = self._materials(subject, data)
        layer = generator_layer(subject, self.layer)
        source = measured = None
        if data is not None and target is not None:
            classifier = yield from attribute_classifier(data, device=subject.device)
            measured = (data, target, classifier)
            if subject.discriminator is not None and (marks is None or self.choose == "effect"):
                source = yield from fit_concept_source(
                    subject, data, target,
                    limit=self.probe_images, seed=self.seed, batch_size=self.batch_size,
                )  # fmt: skip
        seeds = tuple(range(self.pool)) if marks is None else marks.seeds
        z = subject.latents(seeds)
        maps = yield from maps_of(subject, layer, z, self.batch_size)
        shows = self._shows(subject, z, marks, source)
        aucs, box, units = locate(maps, shows, marks, self.seed)
        material = self._material(layer, maps[shows == (self.mode == "insert")], box, units)
        if self.choose == "effect" and source is not None:
            strengths = yield from optimise(
                subject, source, z[shows != material.insert], material, steps=self.search_steps,
                others_weight=self.others_weight, sparse=SPARSE, seed=self.seed,
            )  # fmt: skip
            material = replace(material, strengths=strengths)
        trial = yield from held_out(
            subject, box, self.samples, self.batch_size,
            insert=material.insert, measured=measured,
        )  # fmt: skip
        way, outcomes = WAYS[self.choose, self.place], []
        edits = material.compared(way, self.maps)
        own = edits[way]
        for done, (name, edit) in enumerate(edits.items()):
            yield Progress(done, len(edits), "ways of choosing maps")
            outcomes.append(trial.run(name, edit))
        random = yield from self._random(trial, material, own)
        curve = yield from self._curve(trial, material)
        control = material.random(own, np.random.default_rng(self.seed))
        return ForgetResult(
            concept="what the boxes mark" if target is None else target.text,
            mode=self.mode,
            aucs=aucs,
            box=box,
            unit_auc=units.auc,
            unit_cells=units.held_out,
            weights=units.weights,
            outcomes=tuple(outcomes),
            random=random,
            curve=curve,
            edit=own,
            pictures=tuple(map(trial.pairs, (own, control, edits[PAPER]))),
            fd_before=trial.distance(trial.before),
            draw=panels,
            about={
                **self._about(subject, data, trial),
                "layer": layer,
                "seeds_searched": len(seeds),
                "by_effect": source is not None,
                "shown_among_searched": float(shows.mean()),
            },
        )

    def _about(self, subject: Subject, data: ImageSet | None, trial: Trial) -> dict[str, Any]:
        """Return whose result it is, and on how many samples and draws it rests."""
        return {
            **identity(subject, data, sides=True),
            **({} if trial.classifier is None else trial.classifier.about()),
            "samples": len(trial.seeds),
            "n_real_of_distance": None if trial.real is None else len(trial.real),
            "first_seed": FIRST,
            "choose": self.choose,
            "place": self.place,
            "draws": self.draws,
            "seed": self.seed,
        }

    def _materials(
        self, subject: Subject, data: ImageSet | None
    ) -> tuple[Marks | None, Target | None]:
        """Check what can be checked before the long work."""
        marks = None if self.boxes is None else read_marks(self.boxes, subject.image_shape[1:])
        if data is None and (marks is None or self.choose == "effect"):
            raise GanlensError(
                "forgetting by effect, and without boxes, needs images with attributes: give "
                "--data, or --boxes FILE --choose weights"
            )
        if data is None:
            return marks, None
        data = images_for(subject, data, "forget")
        if self.choose == "effect" and subject.discriminator is None:
            raise GanlensError(
                f"{subject.name} has no discriminator to choose maps by effect: give --boxes and "
                "--choose weights, or another checkpoint"
            )
        if subject.discriminator is None and marks is None:
            raise GanlensError(f"{subject.name} has no discriminator to find samples: give --boxes")
        return marks, target_of(self.concept, data)

    def _shows(
        self, subject: Subject, z: Tensor, marks: Marks | None, source: ConceptSource | None
    ) -> np.ndarray:
        """Return (N,) bool: which of the samples that maps are chosen by show the concept."""
        if marks is not None:
            return np.asarray(marks.masks.any((1, 2)))
        assert source is not None  # said by ``_materials``, before the long work
        x = subject.generate(z, batch_size=self.batch_size)
        return source.shows(subject, x, self.batch_size, RARE)

    def _material(
        self, layer: str, some: Tensor, box: tuple[float, ...], units: UnitClassifier
    ) -> Material:
        """Gather what edits are made of; maps are brought to their level in ``some`` samples."""
        where = box if self.place == "concept" else EVERYWHERE
        levels = mean_levels(some, where)
        if self.mode == "drop":
            levels = np.zeros_like(levels)
        return Material(layer, where, units.weights, levels, None, self.mode == "insert")

    def _random(self, trial: Trial, material: Material, own: Blend) -> Steps[tuple[Outcome, ...]]:
        """Measure what equally many random maps do, the control."""
        rng, found = np.random.default_rng(self.seed), []
        for done in range(self.draws):
            yield Progress(done, self.draws, "random maps")
            found.append(trial.run("random maps", material.random(own, rng)))
        return tuple(found)

    def _curve(self, trial: Trial, material: Material) -> Steps[Curve]:
        """Measure the chosen way, and random maps, over the number of maps."""
        total = len(material.weights)
        counts = [n for n in (2, 4, 8, 16, 32, 64, 128) if n <= total // 2] or [1]
        rng, rows = np.random.default_rng(self.seed + 1), []
        for done, count in enumerate(counts):
            yield Progress(done, len(counts), "numbers of maps")
            edit = material.replaced(material.order[:count])
            random = [material.random(edit, rng) for _ in range(self.draws)]
            own = trial.run("chosen", edit)
            rows.append((own, mean_of("random", [trial.run("random", one) for one in random])))
        return Curve.of(counts, rows)
