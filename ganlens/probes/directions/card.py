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
from ganlens.stats.auc import auc
from ganlens.subject import Subject

WIDER = 5  # unmoved samples are cheap: so many times more of them stand behind an AUC


@dataclass(frozen=True)
class Card:
    """What one direction does at a distance, in sigmas.

    Attributes:
        changes: attribute -> share of samples whose prediction changes at +distance.
        claim: what it claims; of a direction that claims nothing, what it makes true most often.
        auc: how well ``z @ unit`` tells samples of which the claim is true from the others.
        before: share of samples of which the claim is true unmoved.
        turned_on: of those of which it is false, the share of which it is true at +distance.
        turned_off: of those of which it is true, the share of which it is false at -distance.
        score: mean change of D's logit at +distance, or None without a discriminator.
        length: mean change of the latent's length at +distance, as a share of it.
        outside: share of coordinates where the prior never draws one; 0 for a normal one.
        rmse: root-mean-square pixel difference at +distance, in parts of the brightness range.
    """

    changes: dict[str, float]
    claim: str = ""
    auc: float | None = None
    before: float | None = None
    turned_on: float | None = None
    turned_off: float | None = None
    score: float | None = None
    length: float = 0.0
    outside: float = 0.0
    rmse: float = 0.0

    def own(self, names: Sequence[str]) -> float | None:
        """Return the largest change among the attributes of its claim."""
        return max((self.changes[n] for n in names if n in self.changes), default=None)

    def others(self, names: Sequence[str]) -> float | None:
        """Return the mean change of all other attributes."""
        rest = [share for name, share in self.changes.items() if name not in names]
        return float(np.mean(rest)) if rest else None


@dataclass(frozen=True)
class Unmoved:
    """Fresh samples as they are before anything moves.

    Attributes:
        z: (W, d) latents; the first N of them are moved.
        x: (N, C, H, W) images of the first N.
        logits: (N,) of the discriminator, or None.
        predicted: predictions for all W, or None without a classifier.
        first: predictions for the first N.
    """

    z: Tensor
    x: Tensor
    logits: Tensor | None
    predicted: Predictions | None
    first: Predictions | None


def cards_of(
    subject: Subject,
    classifier: AttributeClassifier | None,
    directions: Sequence[Direction],
    seeds: range,
    distance: float,
    batch_size: int,
) -> Steps[list[Card]]:
    """Move fresh samples along each direction and measure what changed.

    Args:
        subject: a loaded GAN.
        classifier: a classifier that had no part in finding the directions, or None.
        directions: what to measure.
        seeds: of the samples that are moved; the seeds after them serve the AUCs.
        distance: how far, in sigmas.
        batch_size: images at a time.
    """
    yield Progress(0, len(directions) + 1, "report cards")
    before = _unmoved(subject, classifier, seeds, batch_size)
    cards = []
    for i, one in enumerate(directions, 1):
        yield Progress(i, len(directions) + 1, "report cards")
        cards.append(_card(subject, classifier, one, before, distance, batch_size))
    return cards


def _unmoved(
    subject: Subject, classifier: AttributeClassifier | None, seeds: range, batch_size: int
) -> Unmoved:
    count = len(seeds)
    wide = range(seeds.start, seeds.start + (WIDER if classifier else 1) * count)
    z, logits = subject.latents(wide), None
    x = subject.generate(z, batch_size=batch_size)
    if subject.discriminator is not None:
        logits = subject.discriminate(x[:count], batch_size=batch_size)
    predicted = classifier.predict(x) if classifier else None
    return Unmoved(z, x[:count], logits, predicted, head(predicted, count) if predicted else None)


def head(predicted: Predictions, count: int) -> Predictions:
    """Return the predictions for the first ``count`` images."""
    return Predictions(
        predicted.classes,
        {name: values[:count] for name, values in predicted.probabilities.items()},
        {name: values[:count] for name, values in predicted.numbers.items()},
    )


def _card(
    subject: Subject,
    classifier: AttributeClassifier | None,
    one: Direction,
    before: Unmoved,
    distance: float,
    batch_size: int,
) -> Card:
    prior, z = subject.prior, before.z[: len(before.x)]
    move = one.move(prior, (distance, -distance))
    far = move.latents(z, prior, 0)
    x = subject.generate(far, batch_size=batch_size)
    card = Card({}, one.claim, **_facts(subject, before, far, x, batch_size))
    if classifier is None or before.first is None:
        return card
    card = _answers(card, one, before, classifier.predict(x))
    was = holds(before.first, card.claim)
    if not one.claim or was is None or not was.any():
        return card  # a direction that claims nothing has no way back
    back = subject.generate(move.latents(z, prior, 1)[torch.from_numpy(was)], batch_size=batch_size)
    still = holds(classifier.predict(back), card.claim)
    return card if still is None else replace(card, turned_off=float(1 - still.mean()))


def _facts(
    subject: Subject, before: Unmoved, far: Tensor, x: Tensor, batch_size: int
) -> dict[str, Any]:
    """Return what needs no classifier: D's score, distance from the prior, change of the pixels."""
    score = None
    if before.logits is not None:
        score = float((subject.discriminate(x, batch_size=batch_size) - before.logits).mean())
    lengths = far.norm(dim=1) / before.z[: len(far)].norm(dim=1).clamp_min(1e-12)
    return {
        "score": score,
        "length": float(lengths.mean()) - 1,
        "outside": float(subject.prior.outside(far).float().mean()),
        "rmse": float((x - before.x).square().mean(dim=(1, 2, 3)).sqrt().mean()) / 2,
    }


def _answers(card: Card, one: Direction, before: Unmoved, after: Predictions) -> Card:
    """Add predictions: changes per attribute, the claim, its AUC, how often it came on."""
    assert before.first is not None
    assert before.predicted is not None
    changes = changed(before.first, after)
    claim = one.claim or most_gained(
        before.first, after, max(changes, key=lambda name: changes[name])
    )
    card = replace(card, changes=changes, claim=claim)
    truth, was, now = (holds(found, claim) for found in (before.predicted, before.first, after))
    if truth is None or was is None or now is None:
        return card
    told = auc(before.z.numpy() @ one.unit, truth)
    return replace(
        card,
        auc=told if np.isfinite(told) else None,
        before=float(truth.mean()),
        turned_on=None if was.all() else float(now[~was].mean()),
    )
