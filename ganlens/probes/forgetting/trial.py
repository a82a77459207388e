"""Trial of edits on held-out samples: those that had no part in choosing maps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from ganlens import images
from ganlens.attributes import AttributeClassifier, Predictions
from ganlens.data import ImageSet
from ganlens.edits import EVERYWHERE, Blend, cells_in
from ganlens.features import ClassifierExtractor
from ganlens.latents import Seeds
from ganlens.probes.base import Progress, Steps
from ganlens.probes.concepts import share
from ganlens.probes.forgetting.target import Target
from ganlens.recipe import Recipe, draw
from ganlens.stats import frechet_distance_from_features
from ganlens.subject import Subject

FIRST = 4_000_000  # seed of the first sample: far from those that maps are chosen by
ENOUGH = 10  # samples with the concept, below which no share is given
PER_SAMPLE = 4  # samples drawn in search of one with the concept
REAL = 1000  # real images to which distances are taken
PAIRS = 5  # pictures before and after, on a row
SHOWN = 3 * PAIRS  # samples in pictures: whole rows


@dataclass(frozen=True)
class Outcome:
    """What an edit did to held-out samples; None where no attribute classifier is available.

    Attributes:
        name: of the way.
        maps: how many are changed.
        turned: share whose concept went (or came, where it is inserted).
        interval: 95 % interval of that share.
        others: other attribute -> share that is predicted differently from before.
        score: mean change of the discriminator's logit, or None without a discriminator.
        inside: mean absolute change of a pixel inside the box, of 255.
        outside: the same outside of it, None where the box is everywhere.
        fd: Fréchet distance of the changed samples to real images without (or with) the concept,
            in the classifier's features.
    """

    name: str
    maps: int
    turned: float | None
    interval: tuple[float, float] | None
    others: dict[str, float]
    score: float | None
    inside: float
    outside: float | None
    fd: float | None

    @property
    def worst(self) -> float | None:
        """The largest share among the other attributes."""
        return max(self.others.values(), default=None)

    @property
    def mean(self) -> float | None:
        """The mean share over the other attributes."""
        return float(np.mean(list(self.others.values()))) if self.others else None


@dataclass(frozen=True)
class Trial:
    """Held-out samples and what is known of them before any change.

    Attributes:
        subject: the GAN.
        seeds: of the N samples.
        before: (N, C, H, W) images.
        box: the concept's place, in shares of the side.
        target: the concept, or None without data.
        classifier: classifier of attributes on pixels, or None without data.
        predictions: its predictions before, or None.
        real: features of real images to which distances are taken, or None.
        insert: whether the concept should come.
    """

    subject: Subject
    seeds: tuple[int, ...]
    before: Tensor
    box: tuple[float, ...]
    target: Target | None
    classifier: AttributeClassifier | None
    predictions: Predictions | None
    real: np.ndarray | None
    insert: bool

    def run(self, name: str, edit: Blend) -> Outcome:
        """Draw the samples again under an edit, and measure."""
        recipe = Recipe.of(self.subject, Seeds(self.seeds), edits=[edit])
        after = draw(self.subject, recipe)
        moved = (after - self.before).abs().mean(1) * 127.5
        inside = cells_in(self.box, *moved.shape[1:])
        turned, interval, others = self._read(after)
        return Outcome(
            name=name,
            maps=len(edit.channels),
            turned=turned,
            interval=interval,
            others=others,
            score=self._score(after),
            inside=float(moved[:, inside].mean()),
            outside=None if self.box == EVERYWHERE else float(moved[:, ~inside].mean()),
            fd=self.distance(after),
        )

    def pairs(self, edit: Blend) -> tuple[np.ndarray, dict[str, Any]]:
        """Draw the first samples before and after an edit: (2 SHOWN, H, W, C) uint8, and how."""
        seeds, both = Seeds(self.seeds[:SHOWN]), replace(edit, amounts=(0.0, 1.0))
        recipe = Recipe.of(self.subject, seeds, columns=2 * PAIRS, edits=[both])
        return images.to_uint8(draw(self.subject, recipe)), recipe.to_json()

    def _read(
        self, after: Tensor
    ) -> tuple[float | None, tuple[float, float] | None, dict[str, float]]:
        if self.classifier is None or self.predictions is None or self.target is None:
            return None, None, {}
        found, before = self.classifier.predict(after), self.predictions
        shows = self.target.shown(answers(found, self.target.name))
        turned, low, high = share(shows if self.insert else ~shows)
        others = {
            name: float((answers(found, name) != answers(before, name)).mean())
            for name in found.classes
            if name != self.target.name
        }
        return turned, (low, high), others

    def _score(self, after: Tensor) -> float | None:
        if self.subject.discriminator is None:
            return None
        both = [self.subject.discriminate(x) for x in (after, self.before)]
        return float((both[0] - both[1]).mean())

    def distance(self, x: Tensor) -> float | None:
        """Return the Fréchet distance of images to the real ones, in the classifier's features."""
        if self.classifier is None or self.real is None:
            return None
        return float(frechet_distance_from_features(self.real, _features(self.classifier, x)))


def held_out(
    subject: Subject, box: tuple[float, ...], count: int, batch_size: int, *, insert: bool,
    measured: tuple[ImageSet, Target, AttributeClassifier] | None,
) -> Steps[Trial]:  # fmt: skip
    """Draw samples, and take the first that have the concept, or lack it where it is inserted.

    At most ``count`` are taken. Where the classifier finds fewer than 10 of those, or where there
    are no data to measure it by, the first samples are taken as they are, and nothing is predicted
    of them.
    """
    seeds = np.arange(FIRST, FIRST + (count if measured is None else PER_SAMPLE * count))
    yield Progress(0, len(seeds), "held-out samples")
    x = subject.generate(subject.latents(seeds.tolist()), batch_size=batch_size)
    rows, predictions, real, target, classifier = np.arange(count), None, None, None, None
    if measured is not None:
        data, target, classifier = measured
        shows = target.shown(answers(classifier.predict(x), target.name))
        own = np.flatnonzero(~shows if insert else shows)[:count]
        if len(own) >= ENOUGH:
            rows, predictions = own, classifier.predict(x[own])
        real = _real(data, classifier, target, insert)
    chosen = tuple(seeds[rows].tolist())
    return Trial(subject, chosen, x[rows], box, target, classifier, predictions, real, insert)


def _real(
    data: ImageSet, classifier: AttributeClassifier, target: Target, insert: bool
) -> np.ndarray | None:
    """Return features of held-out real images without (or with) the concept, if there are any."""
    part = data.part("test")
    rows = part.select(target.text if insert else f"!({target.text})")[:REAL]
    return _features(classifier, part.batch(rows)) if len(rows) >= 2 else None


def _features(classifier: AttributeClassifier, x: Tensor) -> np.ndarray:
    return ClassifierExtractor(classifier.model, classifier.hash)(x).numpy()


def answers(predictions: Predictions, name: str) -> np.ndarray:
    """Return the (N,) likeliest values of an attribute."""
    return np.array(predictions.classes[name])[predictions.probabilities[name].argmax(1)]


def mean_of(name: str, found: Sequence[Outcome]) -> Outcome:
    """Return the mean over several outcomes, at least one, of equally many maps."""
    means: dict[str, Any] = {}
    for key in ("turned", "score", "inside", "outside", "fd"):
        values = [getattr(one, key) for one in found]
        means[key] = None if None in values else float(np.mean(values))
    others = {key: float(np.mean([one.others[key] for one in found])) for key in found[0].others}
    return replace(found[0], name=name, interval=None, others=others, **means)
