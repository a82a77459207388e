"""Exemplars: generated samples that show a concept, by scores instead of by hand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from torch import Tensor

from ganlens.data import ImageSet
from ganlens.data.kinds import A_TABLE, LABELS_OR_A_TABLE
from ganlens.errors import GanlensError
from ganlens.features import DataImages
from ganlens.probes.base import Needs, Probe, Progress, Steps
from ganlens.probes.concepts import (
    ENOUGH,
    AttributeValue,
    Concept,
    candidates,
    column,
    equals,
    numeric,
    text,
)
from ganlens.probes.linear_models import LinearClassifier, LinearModels, fit_linear_models
from ganlens.subject import Subject


@dataclass(frozen=True)
class Pool:
    """Samples of the generator, seeds 0 to n - 1, with their scores.

    Attributes:
        models: what scored them: a linear model of each attribute.
        margins: attribute -> (n, K).
        numbers: numeric attribute -> (n,).
    """

    models: LinearModels
    margins: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray]

    def shows(self, concept: Sequence[AttributeValue]) -> np.ndarray:
        """Return (n,) bool: which samples are predicted to meet every condition."""
        return np.all([self._margins(one) > 0 for one in concept], axis=0)

    def score(self, concept: Sequence[AttributeValue]) -> np.ndarray:
        """Return (n,) how plainly each sample shows a concept: above 0 where it does at all.

        The worst of its conditions counts. Each is taken as the rank of the sample's margin in the
        pool, 0 to 1, since margins of different attributes have no common scale.
        """
        margins = [self._margins(one) for one in concept]
        ranks = [(one.argsort(kind="stable").argsort() + 1) / len(one) for one in margins]
        return np.min(ranks, axis=0) - np.any([one <= 0 for one in margins], axis=0)

    def _margins(self, condition: AttributeValue) -> np.ndarray:
        column = self.models.classifiers[condition.name].index(condition.value)
        return self.margins[condition.name][:, column]


class ExemplarProbe(Probe):
    """Base of the probes that take exemplars from a pool of scored samples.

    After settings of its own each has these: ``pool`` samples are scored by linear models that are
    fitted to at most ``probe_images`` training images, chosen by ``seed``, in the discriminator's
    features, pooled to ``feature_pool`` cells a side.
    """

    pool: int
    probe_images: int
    feature_pool: int
    seed: int
    batch_size: int

    def needs(self) -> Needs:
        """Return what it cannot do without."""
        return Needs(frozenset({"generator", "discriminator"}), "required", labels=True)


def labelled_data(
    subject: Subject, data: ImageSet | None, more: str = " and a checkpoint with a discriminator"
) -> ImageSet:
    """Return the data; a GanlensError that says what to give where exemplars cannot be found."""
    if data is None or subject.discriminator is None:
        needed = "exemplars are found with labelled data and a discriminator"
        raise GanlensError(f"{needed}: give --data{more}")
    return data


# The latest pool of each subject: several probes of one report score the same samples.
_POOLS: WeakKeyDictionary[Subject, tuple[Any, Pool]] = WeakKeyDictionary()


def score_pool(
    subject: Subject, data: ImageSet, concepts: Iterable[Concept], search: ExemplarProbe
) -> Steps[Pool]:
    """Fit linear models to the concepts, all candidates and all numbers, and score the pool.

    The candidates are scored even where the concepts leave them out: what one probe of a report
    scores, the next one need not score again.

    Raises:
        GanlensError: nothing to fit to, or as ``fit_attribute_models``.
    """
    names = {one.name for concept in concepts for one in concept}
    wanted = tuple(sorted({*names, *candidates(data)}))
    if not wanted and not numeric(data):
        raise GanlensError(
            f"data {data.spec!r} has no attributes and no classes to calculate with: add "
            f"{LABELS_OR_A_TABLE}, or give seeds for A, B and C"
        )
    size, n = search.batch_size, search.pool
    how = {"limit": search.probe_images, "pool": search.feature_pool, "seed": search.seed}
    key = (wanted, n, size, how, data.fingerprint)
    cached = _POOLS.get(subject)
    if cached is not None and cached[0] == key:
        yield Progress(n, n, "samples scored")
        return cached[1]
    models = yield from fit_attribute_models(subject, data, wanted, batch_size=size, **how)

    def score(x: Tensor) -> np.ndarray:
        features = subject.features(x, "all", search.feature_pool, batch_size=size)
        return models.scores(features.numpy())

    scores = np.concatenate((yield from scores_of(subject, subject.latents(range(n)), score, size)))
    pool = Pool(models, models.margins(scores), models.numbers(scores))
    _POOLS[subject] = (key, pool)
    return pool


def scores_of(
    subject: Subject, z: Tensor, score: Callable[[Tensor], np.ndarray], batch_size: int
) -> Steps[list[np.ndarray]]:
    """Draw (N, d) latents, score the images, and return the scores of each batch."""
    found = []
    for start in range(0, len(z), batch_size):
        yield Progress(start, len(z), "samples scored")
        x = subject.generate(z[start : start + batch_size], batch_size=batch_size)
        found.append(score(x))
    return found


def fit_attribute_models(
    subject: Subject,
    data: ImageSet,
    names: Iterable[str],
    *,
    limit: int,
    pool: int,
    seed: int,
    batch_size: int,
) -> Steps[LinearModels]:
    """Fit a classifier per name and a regressor per numeric attribute; evaluate on test images.

    At most ``limit`` images of either split are taken.

    Raises:
        GanlensError: no test images, or an attribute that does not vary.
    """
    sources = [DataImages.draw(data.part(split), limit, seed) for split in ("train", "test")]
    features = yield from features_of(subject, sources, pool, batch_size)
    columns = {name: tuple(column(name, one.data)[one.rows] for one in sources) for name in names}
    numbers = {
        name: tuple(one.data.attributes[name][one.rows] for one in sources)
        for name in numeric(data, sources[0].rows)
    }
    return fit_linear_models((features[0], features[1]), columns, numbers)


def features_of(
    subject: Subject, sources: Sequence[DataImages], pool: int, batch_size: int
) -> Steps[list[np.ndarray]]:
    """Return the discriminator's (N, D) features of each source's images, pooled to a grid."""
    total, done, features = sum(source.count for source in sources), 0, []
    for source in sources:
        found = []
        for start in range(0, source.count, batch_size):
            yield Progress(done + start, total, "images")
            x = source.tensors(slice(start, start + batch_size))
            found.append(subject.features(x, "all", pool, batch_size=batch_size).numpy())
        features.append(np.concatenate(found))
        done += source.count
    yield Progress(done, total, "images")
    return features


def extractor_name(pool: int) -> str:
    """Name the discriminator's features, pooled to so many cells a side."""
    return f"discriminator, all layers, {pool}x{pool}"


Concepts = tuple[Concept, Concept, Concept]


def ranked(data: ImageSet, pool: Pool, exemplars: int) -> list[Concepts]:
    """List triples A, B, C of two well classified attributes that samples show together.

    Pairs are ranked by the worse of their balanced accuracies, in steps of 5 %, then by how many
    samples show the rarest of the three concepts; each attribute is moved (what sets A apart from
    B) by one triple only. Data with classes alone give one triple of three classes.

    Raises:
        GanlensError: the data have too few attributes or classes.
    """
    linear = pool.models.classifiers
    tried = {name: pair for name, pair in candidates(data).items() if name in linear}
    if set(tried) == {"class"}:
        return [_three_classes(linear["class"])]
    train, found = data.part("train"), []
    for first, second in permutations(tried, 2):
        (present, absent), (one, other) = tried[first], tried[second]
        concepts = (present, one), (absent, one), (absent, other)
        cells = [*concepts, (present, other)]
        if min(len(train.select(text(cell))) for cell in cells) < ENOUGH:
            continue
        worse = min(linear[name].balanced_accuracy for name in (first, second))
        supply = min(int(pool.shows(concept).sum()) for concept in concepts)
        found.append((round(worse * 20), min(supply, 10 * exemplars), concepts))
    if not found:
        raise GanlensError(
            f"data {data.spec!r} has no two attributes whose values occur together at least "
            f"{ENOUGH} times: give the concepts as expressions, or seeds for the exemplars"
        )
    best: dict[str, Concepts] = {}
    for _, _, concepts in sorted(found, key=lambda one: one[:2], reverse=True):
        best.setdefault(concepts[0][0].name, concepts)
    return list(best.values())


def _three_classes(classifier: LinearClassifier) -> Concepts:
    if len(classifier.classes) < 3:
        raise GanlensError(
            f"2 classes and no attributes are too little for A - B + C: add {A_TABLE}, use data "
            "with 3 classes, or give seeds for the exemplars"
        )
    order = np.argsort(-np.nan_to_num(classifier.recalls), kind="stable")[:3]
    a, b, c = ((equals("class", classifier.classes[i]),) for i in order)
    return a, b, c


def pick(scores: Sequence[np.ndarray], seeds: Sequence[int], count: int) -> list[list[int]]:
    """Return the ``count`` best seeds of each concept; no seed serves two of them."""
    used: set[int] = set()
    groups = []
    for score in scores:
        ranked = [seeds[i] for i in np.argsort(-score, kind="stable") if seeds[i] not in used]
        groups.append(ranked[:count])
        used.update(groups[-1])
    return groups
