"""Held-out samples: those that had no part in choosing maps, and what is predicted of them."""

import numpy as np

from ganlens.attributes import AttributeClassifier
from ganlens.data import ImageSet
from ganlens.features import ClassifierExtractor
from ganlens.probes.base import Progress, Steps
from ganlens.probes.forgetting.target import Target
from ganlens.probes.forgetting.trial import Trial, answers
from ganlens.subject import Subject

FIRST = 4_000_000  # seed of the first one: far from those that maps are chosen by
ENOUGH = 10  # samples with the concept, below which no share is given
PER_SAMPLE = 4  # samples drawn in search of one with the concept
REAL = 1000  # real images to which distances are taken


def held_out(
    subject: Subject,
    box: tuple[float, ...],
    count: int,
    batch_size: int,
    *,
    insert: bool,
    measured: tuple[ImageSet, Target, AttributeClassifier] | None,
) -> Steps[Trial]:
    """Draw samples, and take the first that have the concept, or lack it where it is inserted.

    Where the classifier finds fewer than 10 of those, the first samples are taken as they are,
    and nothing is predicted of them.

    Args:
        subject: the GAN.
        box: the concept's place, in shares of the side.
        count: how many are taken, at most.
        batch_size: images at a time.
        insert: whether the concept should come.
        measured: the data, the concept and the attribute classifier, or None without data.
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
    condition = target.text if insert else f"!({target.text})"
    rows = part.select(condition)[:REAL]
    if len(rows) < 2:
        return None
    extract = ClassifierExtractor(classifier.model, classifier.hash)
    return extract(part.batch(rows)).numpy()
