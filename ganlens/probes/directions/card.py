"""Report cards: what moving along a direction does to fresh samples, by a classifier on pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganlens.attributes import AttributeClassifier, Predictions
from ganlens.directions import Direction
from ganlens.probes.base import Progress, Steps
from ganlens.probes.directions.claims import changed, holds, most_gained
from ganlens.probes.directions.settings import DirectionSettings
from ganlens.stats.auc import auc
from ganlens.subject import Subject

WIDER = 5  # unmoved samples are cheap: so many times more of them stand behind an AUC


@dataclass(frozen=True)
class Card:
    """What one direction does at a distance, in sigmas; all but ``changes`` as the summary has it.

    Attributes:
        changes: attribute -> share of samples whose prediction changes at +distance.
        makes_true: its claim; of a direction that claims nothing, what it makes true most often.
        auc: how well ``z @ unit`` tells samples of which the claim is true from the others.
        true_before: share of samples of which the claim is true unmoved.
        turned_on: of those of which it is false, the share of which it is true at +distance.
        turned_off: of those of which it is true, the share of which it is false at -distance.
        d_logit_change: mean of D's logit at +distance, or None without a discriminator.
        length_change: mean of the latent's length at +distance, as a share of it.
        coordinates_outside_the_prior: share of them at +distance; 0 for a normal one.
        pixel_rmse: root-mean-square difference at +distance, in parts of the brightness range.
    """

    changes: dict[str, float]
    makes_true: str | None = None
    auc: float | None = None
    true_before: float | None = None
    turned_on: float | None = None
    turned_off: float | None = None
    d_logit_change: float | None = None
    length_change: float = 0.0
    coordinates_outside_the_prior: float = 0.0
    pixel_rmse: float = 0.0

    def own(self, names: Sequence[str]) -> float | None:
        """Return the largest change among the attributes of its claim."""
        return max((self.changes[n] for n in names if n in self.changes), default=None)

    def others(self, names: Sequence[str]) -> float | None:
        """Return the mean change of all other attributes."""
        rest = [share for name, share in self.changes.items() if name not in names]
        return float(np.mean(rest)) if rest else None


@dataclass(frozen=True)
class Measurement:
    """Fresh samples before anything moves, and what is needed to measure them when they do.

    Attributes:
        subject: a loaded GAN.
        classifier: had no part in finding the directions; None: attributes are not measured.
        settings: how far samples are moved, and how many images at a time.
        z: (W, d) latents; the first N of them are moved.
        x: (N, C, H, W) images of the first N.
        logits: (N,) of the discriminator, or None.
        predicted: predictions for all W, or None without a classifier.
        first: predictions for the first N.
    """

    subject: Subject
    classifier: AttributeClassifier | None
    settings: DirectionSettings
    z: Tensor
    x: Tensor
    logits: Tensor | None
    predicted: Predictions | None
    first: Predictions | None

    def card(self, one: Direction) -> Card:
        """Move the samples along a direction and say what changed."""
        prior, z = self.subject.prior, self.z[: len(self.x)]
        move = one.move(prior, (self.settings.distance, -self.settings.distance))
        far = move.latents(z, prior, 0)
        x = self._drawn(far)
        card = Card({}, one.claim or None, **self._facts(far, x))
        if self.classifier is None or self.first is None or self.predicted is None:
            return card
        after = self.classifier.predict(x)
        changes = changed(self.first, after)
        claim = one.claim or most_gained(self.first, after, max(changes, key=changes.__getitem__))
        card = replace(card, changes=changes, makes_true=claim)
        truth, now = holds(self.predicted, claim), holds(after, claim)
        if truth is None or now is None:
            return card
        was = truth[: len(self.x)]
        area = auc(self.z.numpy() @ one.unit, truth)
        card = replace(
            card,
            auc=area if np.isfinite(area) else None,
            true_before=float(truth.mean()),
            turned_on=None if was.all() else float(now[~was].mean()),
        )
        if not one.claim or not was.any():
            return card  # a direction that claims nothing has no way back
        back = self._drawn(move.latents(z, prior, 1)[torch.from_numpy(was)])
        still = holds(self.classifier.predict(back), claim)
        return card if still is None else replace(card, turned_off=float(1 - still.mean()))

    def _drawn(self, z: Tensor) -> Tensor:
        return self.subject.generate(z, batch_size=self.settings.batch_size)

    def _facts(self, far: Tensor, x: Tensor) -> dict[str, Any]:
        """Return what needs no classifier: D's score, distance from the prior, pixels' change."""
        score = None
        if self.logits is not None:
            after = self.subject.discriminate(x, batch_size=self.settings.batch_size)
            score = float((after - self.logits).mean())
        lengths = far.norm(dim=1) / self.z[: len(far)].norm(dim=1).clamp_min(1e-12)
        return {
            "d_logit_change": score,
            "length_change": float(lengths.mean()) - 1,
            "coordinates_outside_the_prior": float(self.subject.prior.outside(far).float().mean()),
            "pixel_rmse": float((x - self.x).square().mean(dim=(1, 2, 3)).sqrt().mean()) / 2,
        }


def cards_of(
    subject: Subject,
    classifier: AttributeClassifier | None,
    directions: Sequence[Direction],
    settings: DirectionSettings,
) -> Steps[list[Card]]:
    """Move fresh samples along each direction and measure what changed."""
    yield Progress(0, len(directions) + 1, "report cards")
    first, count, size = settings.samples, settings.measured, settings.batch_size
    z = subject.latents(range(first, first + (WIDER if classifier else 1) * count))
    x, logits = subject.generate(z, batch_size=size), None
    if subject.discriminator is not None:
        logits = subject.discriminate(x[:count], batch_size=size)
    predicted = classifier.predict(x) if classifier else None
    unmoved = predicted.first(count) if predicted else None
    measurement = Measurement(
        subject, classifier, settings, z, x[:count], logits, predicted, unmoved
    )
    cards = []
    for i, one in enumerate(directions, 1):
        yield Progress(i, len(directions) + 1, "report cards")
        cards.append(measurement.card(one))
    return cards
