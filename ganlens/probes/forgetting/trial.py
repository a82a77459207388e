"""Trial of an edit on samples that had no part in choosing it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ganlens.attributes import AttributeClassifier, Predictions
from ganlens.edits import EVERYWHERE, Blend, cells_in
from ganlens.features import ClassifierExtractor
from ganlens.latents import Seeds
from ganlens.probes.forgetting.target import Target
from ganlens.probes.success import share
from ganlens.recipe import Recipe, draw
from ganlens.stats import frechet_distance_from_features
from ganlens.subject import Subject


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

    def _read(
        self, after: Tensor
    ) -> tuple[float | None, tuple[float, float] | None, dict[str, float]]:
        if self.classifier is None or self.predictions is None or self.target is None:
            return None, None, {}
        found = self.classifier.predict(after)
        shows = self.target.shown(answers(found, self.target.name))
        turned, low, high = share(shows if self.insert else ~shows)
        others = {
            name: float((answers(found, name) != answers(self.predictions, name)).mean())
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
        extract = ClassifierExtractor(self.classifier.model, self.classifier.hash)
        return float(frechet_distance_from_features(self.real, extract(x).numpy()))


def answers(predictions: Predictions, name: str) -> np.ndarray:
    """Return the (N,) likeliest values of an attribute."""
    return np.array(predictions.classes[name])[predictions.probabilities[name].argmax(1)]


def mean_of(name: str, found: Sequence[Outcome]) -> Outcome:
    """Return the mean over several outcomes, at least one, of equally many maps."""
    return Outcome(
        name=name,
        maps=found[0].maps,
        turned=_mean([one.turned for one in found]),
        interval=None,
        others={
            name: float(np.mean([one.others[name] for one in found])) for name in found[0].others
        },
        score=_mean([one.score for one in found]),
        inside=float(np.mean([one.inside for one in found])),
        outside=_mean([one.outside for one in found]),
        fd=_mean([one.fd for one in found]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
