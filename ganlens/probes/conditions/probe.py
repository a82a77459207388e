"""The Conditions probe: asks for everything that training had, and reads what comes."""

from dataclasses import dataclass
from itertools import starmap
from typing import Annotated, Any

import numpy as np
import torch

from ganlens import images
from ganlens.attributes import AttributeClassifier, attribute_classifier, open_classifier
from ganlens.classifier.targets import targets_of
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import ClassifierExtractor, DataImages
from ganlens.latents import Seeds
from ganlens.limits import Count, Limits, Seed
from ganlens.models.conditions import Condition
from ganlens.models.prior import check_seed
from ganlens.paths import OrPath
from ganlens.probes.base import Needs, Probe, Progress, Steps, images_for
from ganlens.probes.conditions.accuracy import correlation
from ganlens.probes.conditions.asked import (
    different_entries,
    pairs,
    seen_entries,
    trained_on,
    unseen_entries,
)
from ganlens.probes.conditions.crossed import Cross, Crossed, Truncated
from ganlens.probes.conditions.distances import distances_by_class
from ganlens.probes.conditions.panels import panels
from ganlens.probes.conditions.questions import Questions
from ganlens.probes.conditions.readable import readable
from ganlens.probes.conditions.reading import HeldOut, Reader, rows_of
from ganlens.probes.conditions.remarks import remarks
from ganlens.probes.conditions.result import ConditionsResult, Shown, confusions
from ganlens.probes.conditions.shares import OneWay
from ganlens.probes.conditions.walks import ConditionWalk, walk
from ganlens.probes.fidelity.extractors import WORDS, ChosenExtractor, choose_extractor
from ganlens.probes.identity import identity
from ganlens.recipe import Recipe, draw
from ganlens.subject import Subject

KINDS = ("classes", "attributes")
ROWS, COLUMNS = 10, 8  # of the picture
WALKED = 50  # latents of each walk
OWN = (
    "The features are those of the classifier that reads the samples too: they tell its classes "
    "apart, and hold little else."
)

NAMED = (
    "The classifier was named: that it saw neither generated nor held-out images is for whoever "
    "trained it to say."
)


@dataclass(frozen=True)
class Conditions(Probe):
    """Ask a conditional generator for classes or attributes, and let a classifier read the samples.

    The classifier was trained on real images only and shares nothing with the GAN; beside each
    number stands what it reads on held-out images, against shuffled conditions, and of the
    untrained generator. Then: distances class by class, how much of the picture the condition
    decides and how much the latent, truncation, and what lies between two conditions.

    Attributes:
        n: samples of conditions that training had: of classes equally many each, of attributes as
            often as training had them.
        unseen: samples of combinations of attributes that training never had.
        classifier: what reads the samples: auto (that of the data's labels or attributes) or a
            classifier's checkpoint.
        extractor: features of the distances and of the shares of variance: classifier (the one that
            reads), inception, discriminator, pixels, vgg16, or a checkpoint; auto as in fid.
        latents: latents that are each drawn under every condition, for the shares of variance.
        conditions: how many conditions these are, at most.
        thresholds: where the prior is cut off for the truncated samples.
        pairs: pairs of conditions to walk between, at most; 0 leaves that out.
        positions: stops of such a walk, both ends included.
        control: read the untrained generator's samples too.
        seed: the first seed of the samples, and of every draw.
        batch_size: images at a time.
    """

    title = "Conditions"
    group = "Against the data"
    help = "does a conditional generator draw what it is asked for?"
    headline = (
        "{accuracy:.1%} of {accuracy_n:,} samples show what was asked for",
        "real images {accuracy_real:.1%}",
        "combinations never trained on {accuracy_unseen:.1%}",
        "the condition decides {condition_share_pixels:.0%} of the pixels' variance",
    )
    reading = (
        "Samples should be read as what was asked for nearly as often as real images are, and the "
        "condition should leave room for the latent: equal pictures of a class are no good either."
    )
    papers = (
        ("Mirza 2014", "https://arxiv.org/abs/1411.1784"),
        ("Miyato 2018", "https://arxiv.org/abs/1802.05637"),
        ("Odena 2017", "https://arxiv.org/abs/1610.09585"),
        ("Shmelkov 2018", "https://arxiv.org/abs/1807.09499"),
    )

    requires = Needs(frozenset({"generator"}), "required", labels=True, conditions=KINDS)

    n: Annotated[int, Limits(low=10)] = 2000
    unseen: Count = 500
    classifier: Annotated[str, OrPath(("auto",))] = "auto"
    extractor: Annotated[str, OrPath(("classifier", *WORDS))] = "classifier"
    latents: Annotated[int, Limits(low=4)] = 64
    conditions: Annotated[int, Limits(low=2)] = 16
    thresholds: Annotated[tuple[float, ...], Limits(above=0)] = (0.5, 1.0, 1.5)
    pairs: Annotated[int, Limits(low=0)] = 4
    positions: Annotated[int, Limits(low=3)] = 9
    control: bool = True
    seed: Seed = 0
    batch_size: Count = 64

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        super().__post_init__()
        check_seed(self.seed, self.n + self.unseen)

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[ConditionsResult]:
        """Ask, read, and measure beside the controls."""
        condition = _condition(self, subject)
        data = images_for(subject, data, "conditions")
        held_out = DataImages.draw(data.part("test"), self.n, self.seed)
        if held_out.count < 2:
            raise GanlensError(f"data {data.spec!r} has no held-out images to compare with")
        yield Progress(0, 1, "classifier")
        if self.classifier == "auto":  # before it is trained
            told = {name: classes for name, (classes, _) in targets_of(data).items()}
            readable(condition, told, (), data)
        network = yield from self._classifier(data, subject.device)
        known = readable(condition, network.classes, network.model.config.numbers, data)
        chosen = yield from self._extractor(subject, network)
        reader = Reader(network, chosen.extractor, known, self.batch_size)
        real = yield from reader.real(held_out)
        trained = trained_on(condition, subject.provenance, data)
        questions = Questions(
            trained,
            asked := seen_entries(condition, self.n, self.seed),
            never := unseen_entries(condition, trained, known, self.unseen, self.seed),
            self.seed,
            self.control,
        )
        found, accuracies = yield from questions.put(subject, reader, real)
        truth = known.truth(asked)
        sides = (truth, found.columns), (real.labels, real.readings.columns)
        matrices = confusions(known.targets, *sides)
        explained = real.explained()
        crossed, truncated = yield from self._crossed(subject, reader, explained[1])
        walks = yield from self._walks(subject, reader)
        numbers = zip(known.asked_numbers(asked).T, found.numbers.T, strict=True)
        return ConditionsResult(
            accuracies=accuracies,
            numbers_read=dict(zip(known.numbers, starmap(correlation, numbers), strict=True)),
            confusions=matrices,
            distances=distances_by_class(known.targets, (real.labels, real.readings.features),
                                         (truth, found.features), self.seed),
            crossed=crossed,
            real_pixels=explained[0],
            real_features=explained[1],
            truncated=truncated,
            walks=walks,
            combinations=trained.to_json() | {"unseen_asked_for": len(np.unique(never, axis=0))},
            unread=known.unread,
            notes=(
                *remarks(accuracies, matrices, found, real.readings),
                *known.notes,
                *_too_few(condition, self.n),
                *([] if self.classifier == "auto" else [NAMED]),
            ),
            shown=self._shown(subject, condition),
            draw=panels,
            about={
                **identity(subject, data, drawn=True, sides=True),
                **network.about(),
                **self._about(condition, chosen, real),
            },
        )  # fmt: skip

    def _about(
        self, condition: Condition, chosen: ChosenExtractor, real: HeldOut
    ) -> dict[str, Any]:
        return {
            "condition": _drawn(condition),
            "extractor": chosen.describe(),
            "extractor_caveat": chosen.caveat,
            "n": self.n,
            "n_real": real.source.count,
            "split": real.source.data.split,
            "interval_method": "Wilson, 95 %",
            "latents": self.latents,
            "seeds": f"{self.seed} to {self.seed + self.n - 1}",
            "seed": self.seed,
        }

    def _classifier(self, data: ImageSet, device: torch.device) -> Steps[AttributeClassifier]:
        if self.classifier == "auto":
            return (yield from attribute_classifier(data, device=device))
        found = open_classifier(self.classifier, device)
        if tuple(found.model.image_shape) != tuple(data.image_shape):
            raise GanlensError(
                f"classifier {self.classifier!r} takes images of {found.model.image_shape} and the"
                f" data are {data.image_shape}: choose another classifier, or auto"
            )
        return found

    def _extractor(self, subject: Subject, network: AttributeClassifier) -> Steps[ChosenExtractor]:
        if self.extractor == "classifier":
            own = ClassifierExtractor(network.model, network.hash)
            return ChosenExtractor(own, "it reads the samples", OWN)
        return (yield from choose_extractor(self.extractor, subject))

    def _crossed(
        self, subject: Subject, reader: Reader, real: OneWay | None
    ) -> Steps[tuple[Crossed | None, tuple[Truncated, ...]]]:
        assert subject.condition is not None
        entries = different_entries(subject.condition, self.conditions, self.seed)
        if len(entries) < 2:
            return None, ()
        z = subject.latents(range(self.seed, self.seed + self.latents))
        cross = Cross(subject, reader, z, entries)
        whole = yield from cross.measured(z, "the same latents under every condition")
        return whole, (yield from cross.truncated(whole, self.thresholds, real))

    def _walks(self, subject: Subject, reader: Reader) -> Steps[tuple[ConditionWalk, ...]]:
        assert subject.condition is not None
        z = subject.latents(range(self.seed, self.seed + WALKED))
        found = list[ConditionWalk]()
        for pair in pairs(subject.condition, reader.readable, self.pairs):
            found.append((yield from walk(subject, reader, pair, z, self.positions)))
        return tuple(found)

    def _shown(self, subject: Subject, condition: Condition) -> Shown:
        rows = rows_of(subject, different_entries(condition, ROWS, self.seed))
        words = tuple(condition.name(row) for row in rows)
        seeds = tuple(range(self.seed, self.seed + COLUMNS))
        each = [word for word in words for _ in seeds]
        recipe = Recipe.of(subject, Seeds(seeds * len(words)), columns=COLUMNS, condition=each)
        return Shown(images.to_uint8(draw(subject, recipe)), words, recipe.to_json())


def _condition(probe: Conditions, subject: Subject) -> Condition:
    """Return the model's condition; an error says what it lacks."""
    if reason := probe.needs().lacking_condition(subject):
        raise GanlensError(f"conditions {reason}")
    assert subject.condition is not None
    return subject.condition


def _drawn(condition: Condition) -> str:
    if condition.kind == "classes":
        return "each class equally often"
    return "as often as the training data had each"


def _too_few(condition: Condition, n: int) -> tuple[str, ...]:
    if condition.kind != "classes" or n >= len(condition.table.entries):
        return ()
    return (f"{n:,} samples are fewer than classes: only the first {n:,} were asked for.",)
