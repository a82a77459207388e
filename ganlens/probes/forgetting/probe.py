"""Forget a concept: find its maps, change them, and measure on samples not looked at before."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from torch import Tensor

from ganlens.attributes import attribute_reader
from ganlens.edits import EVERYWHERE, Blend
from ganlens.errors import GanlensError, one_of
from ganlens.models.prior import check_seed
from ganlens.probes.base import RADFORD, Group, Needs, Probe, Progress, images_for
from ganlens.probes.forgetting import ways
from ganlens.probes.forgetting.boxes import Marks, read_marks
from ganlens.probes.forgetting.effect import Search, optimise
from ganlens.probes.forgetting.evidence import mean_levels
from ganlens.probes.forgetting.finder import Finder, fit_finder
from ganlens.probes.forgetting.held_out import ENOUGH, FIRST, held_out
from ganlens.probes.forgetting.look import Look, generator_layer, look, maps_of
from ganlens.probes.forgetting.numbers import Curve
from ganlens.probes.forgetting.result import ForgetResult, pictures_of
from ganlens.probes.forgetting.target import Target, target_of
from ganlens.probes.forgetting.trial import Outcome, Trial, mean_of
from ganlens.probes.forgetting.ways import Material
from ganlens.probes.identity import identity

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

SPARSE = 0.01  # price of a full strength in the search: what does nothing is left alone
RARE = 0.05  # share of samples below which a reading is taken by rank instead


@dataclass(frozen=True)
class Forget(Probe):
    """Find the maps of a generator layer that draw a concept, change them, and draw again.

    The window experiment (Radford 2015, section 6.3.1) for any attribute, or for boxes drawn on
    samples, with the interventions of GAN Dissection (Bau 2019). Maps are chosen by readers on the
    discriminator's features; what happened is read by a network on pixels, on other samples.

    Attributes:
        concept: an expression about one attribute, such as "glasses=dark | glasses=clear"; "auto"
            takes one of the data's attributes.
        boxes: a JSON file of boxes, or an npz of masks, drawn on samples: where the concept is.
        layer: generator layer; "auto" is what the second-highest convolution leads to.
        mode: "drop" sets maps to zero, "scale" brings them to their mean level in samples without
            the concept, "insert" to that in samples with it.
        choose: maps by their measured "effect", or by their "weights" in the classifier of units.
        place: change maps where the "concept" is, or "everywhere".
        maps: how many are changed; 0 leaves it to the way of choosing.
        pool: samples that maps are chosen by, where no boxes are given: seeds 0 to pool - 1.
        samples: held-out samples with the concept (or without, to insert) that are changed.
        probe_images: training images that the readers are fitted to, at most.
        search_steps: steps of the search by effect.
        kept: how much what else changes counts in that search.
        draws: sets of random maps, the control.
        seed: of every choice.
        batch_size: images at a time.
    """

    title: ClassVar[str] = "Forgetting"
    group: ClassVar[Group] = "Inside the networks"
    help: ClassVar[str] = "change the maps that draw a concept, and see it go"
    headline: ClassVar[tuple[str, ...]] = (
        "{concept}: it {verb} in {turned:.0%} of held-out samples",
        "random maps {turned_random_maps:.0%}",
        "other attributes change in {others_changed_mean:.0%}",
        "unit AUC {unit_auc_held_out}",
    )
    reading: ClassVar[str] = (
        "In the right picture of each pair the concept should be gone and all else unchanged; the"
        " same number of random maps shows how much of that any damage would do."
    )
    papers: ClassVar[tuple[tuple[str, str], ...]] = (
        RADFORD,
        ("Bau 2019", "https://arxiv.org/abs/1811.10597"),
    )
    demo: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"pool": 400, "samples": 100, "probe_images": 800, "search_steps": 50, "draws": 2}
    )

    concept: str = "auto"
    boxes: Path | None = None
    layer: str = "auto"
    mode: Literal["scale", "drop", "insert"] = "scale"
    choose: Literal["effect", "weights"] = "effect"
    place: Literal["concept", "everywhere"] = "concept"
    maps: int = 0
    pool: int = 600
    samples: int = 150
    probe_images: int = 1500
    search_steps: int = 70
    kept: float = 1.0
    draws: int = 3
    seed: int = 0
    batch_size: int = 64

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        if self.boxes is not None:
            object.__setattr__(self, "boxes", Path(self.boxes))
        valid = {"mode": ("scale", "drop", "insert"), "choose": ("effect", "weights"),
                 "place": ("concept", "everywhere")}  # fmt: skip
        for name, choices in valid.items():
            if getattr(self, name) not in choices:
                raise one_of(name, getattr(self, name), choices)
        least = {"maps": 0, "pool": 50, "samples": ENOUGH, "probe_images": 20, "search_steps": 1,
                 "draws": 1, "batch_size": 1}  # fmt: skip
        for name, low in least.items():
            if getattr(self, name) < low:
                raise GanlensError(f"{name} {getattr(self, name)} is too small: give {low} or more")
        if not 0 <= self.kept < float("inf"):
            raise GanlensError(f"kept {self.kept} is out of range: give a number from 0")
        check_seed(self.seed)

    def settings(self) -> dict[str, Any]:
        """Return the settings as JSON-able values."""
        return {**super().settings(), "boxes": None if self.boxes is None else str(self.boxes)}

    def needs(self) -> Needs:
        """Return what it cannot do without: boxes and weights say what data would say else."""
        if self.boxes is not None and self.choose == "weights":
            return Needs(frozenset({"generator"}), "optional")
        return Needs(frozenset({"generator", "discriminator"}), "required", labels=True)

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, ForgetResult]:
        """Find the concept in the layer, choose maps, change them, and measure."""
        marks, target = self._asked(subject, data)
        layer = generator_layer(subject, self.layer)
        finder = judged = None
        if data is not None and target is not None:
            judged = (data, target, (yield from attribute_reader(data)))
            if subject.discriminator is not None and (marks is None or self.choose == "effect"):
                finder = yield from fit_finder(
                    subject, data, target,
                    limit=self.probe_images, seed=self.seed, batch_size=self.batch_size,
                )  # fmt: skip
        seeds = tuple(range(self.pool)) if marks is None else marks.seeds
        z = subject.latents(seeds)
        maps = yield from maps_of(subject, layer, z, self.batch_size)
        found = look(maps, self._shows(subject, z, marks, finder), marks, self.seed)
        material = yield from self._material(subject, layer, z, found, finder)
        trial = yield from held_out(
            subject, found.box, self.samples, self.batch_size,
            insert=self.mode == "insert", judged=judged,
        )  # fmt: skip
        edits = material.compared(self._own, self.maps)
        outcomes = []
        for done, (name, edit) in enumerate(edits.items()):
            yield Progress(done, len(edits), "ways of choosing maps")
            outcomes.append(trial.run(name, edit))
        random = yield from self._random(trial, material, edits[self._own])
        curve = yield from self._curve(trial, material)
        control = material.random(edits[self._own], np.random.default_rng(self.seed))
        return self._result(
            subject, data, found, trial, edits, (tuple(outcomes), tuple(random), curve), control,
            {"layer": layer, "seeds_looked_at": len(seeds), "by_effect": finder is not None},
        )  # fmt: skip

    @property
    def _own(self) -> str:
        """The name of the way that the settings ask for."""
        if self.choose == "effect":
            return ways.EFFECT if self.place == "concept" else ways.EFFECT_EVERYWHERE
        return ways.PLACE if self.place == "concept" else ways.FEWER

    def _asked(
        self, subject: "Subject", data: "ImageSet | None"
    ) -> tuple[Marks | None, Target | None]:
        """Check what can be checked before the long work."""
        _, height, width = subject.image_shape
        marks = None if self.boxes is None else read_marks(str(self.boxes), (height, width))
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
        self, subject: "Subject", z: Tensor, marks: Marks | None, finder: Finder | None
    ) -> np.ndarray:
        """Return (N,) bool: which of the samples that maps are chosen by show the concept."""
        if marks is not None:
            return np.asarray(marks.masks.any((1, 2)))
        if finder is None:  # said before the long work
            raise GanlensError("samples are found with data, or boxes are given")
        x = subject.generate(z, batch_size=self.batch_size)
        return finder.shows(subject, x, self.batch_size, RARE)

    def _material(
        self, subject: "Subject", layer: str, z: Tensor, found: Look, finder: Finder | None
    ) -> Generator[Progress, None, Material]:
        insert = self.mode == "insert"
        box = found.box if self.place == "concept" else EVERYWHERE
        some = found.maps[found.shows if insert else ~found.shows]
        levels = mean_levels(some, box)
        if self.mode == "drop":
            levels = np.zeros_like(levels)
        strengths = None
        if self.choose == "effect" and finder is not None:
            search = Search(layer, box, insert, self.search_steps, self.kept, SPARSE, self.seed)
            start = z[found.shows != insert]
            strengths = yield from optimise(subject, finder, start, levels, search)
        return Material(layer, box, found.units.weights, levels, strengths, insert)

    def _random(
        self, trial: Trial, material: Material, edit: Blend
    ) -> Generator[Progress, None, list[Outcome]]:
        rng, found = np.random.default_rng(self.seed), []
        for draw in range(self.draws):
            yield Progress(draw, self.draws, "random maps")
            found.append(trial.run("random maps", material.random(edit, rng)))
        return found

    def _curve(self, trial: Trial, material: Material) -> Generator[Progress, None, Curve]:
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

    def _result(
        self,
        subject: "Subject",
        data: "ImageSet | None",
        found: Look,
        trial: Trial,
        edits: dict[str, Blend],
        measured: tuple[tuple[Outcome, ...], tuple[Outcome, ...], Curve],
        control: Blend,
        about: dict[str, Any],
    ) -> ForgetResult:
        outcomes, random, curve = measured
        judged = {} if trial.judge is None else trial.judge.about()
        return ForgetResult(
            concept="what the boxes mark" if trial.target is None else trial.target.text,
            mode=self.mode,
            aucs=found.aucs,
            box=found.box,
            unit_auc=found.units.auc,
            unit_cells=found.units.held_out,
            weights=found.units.weights,
            outcomes=outcomes,
            random=random,
            curve=curve,
            edit=edits[self._own],
            pictures=pictures_of(trial, edits[self._own], edits[ways.PAPER], control),
            fd_before=trial.distance(trial.before),
            about={
                **identity(subject, data),
                **judged,
                **about,
                "samples": len(trial.seeds),
                "n_real_of_distance": None if trial.real is None else len(trial.real),
                "first_seed": FIRST,
                "shown_among_looked_at": float(found.shows.mean()),
                "choose": self.choose,
                "place": self.place,
                "draws": self.draws,
                "seed": self.seed,
            },
        )
