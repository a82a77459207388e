"""Label by hand: from 20 to 50 labelled samples to a scorer of images and a boundary in latents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganlens.directions import Direction, boundaries
from ganlens.errors import GanlensError
from ganlens.probes.base import Steps
from ganlens.probes.exemplars import scores_of
from ganlens.probes.identity import identity
from ganlens.probes.linear_models import LinearModels, fit_linear_models
from ganlens.progress import finish
from ganlens.stats.auc import auc
from ganlens.subject import Subject

FOLDS = 5
LEAST = FOLDS  # labelled samples of either kind: one in every fold
FIRST = 2_000_000  # seed of the first sample of the pool: far from what people label
YES, NO = "yes", "no"

Labelled = Sequence[int] | Tensor  # seeds, (N, d) latents, or (N, C, H, W) images


@dataclass(frozen=True)
class LabelledConcept:
    """A concept learned from samples that somebody labelled.

    Attributes:
        name: what it is called.
        scorer: linear classifiers on the discriminator's features, fitted to all labelled samples.
        grid: the features' pooling grid.
        boundary: direction of the concept in latent space, with its intercept.
        auc: area under the ROC curve of scorers on labelled samples that they were not fitted to,
            the mean over stratified folds (scores of different folds have no common zero; Forman
            and Scholz 2010).
        boundary_auc: the same for boundaries, each fitted by way of such a scorer; None where
            images were labelled whose latents are not known.
        n_positive: labelled samples that show the concept.
        n_negative: labelled samples that do not.
    """

    name: str
    scorer: LinearModels
    grid: int
    boundary: Direction
    auc: float
    boundary_auc: float | None
    n_positive: int
    n_negative: int

    def score(self, subject: Subject, x: Tensor, batch_size: int = 64) -> np.ndarray:
        """Score (N, C, H, W) images: (N,), above 0 where the concept is seen."""
        features = subject.features(x, "all", self.grid, batch_size=batch_size).numpy()
        return _lead(self.scorer, features)


def fit_concept(
    subject: Subject,
    positives: Labelled,
    negatives: Labelled,
    *,
    name: str = "concept",
    pool: int = 4000,
    grid: int = 4,
    seed: int = 0,
    batch_size: int = 64,
) -> LabelledConcept:
    """Learn a concept from samples labelled by hand, 20 to 50 of them, and say what it is worth.

    A ridge classifier on the discriminator's features learns the labels. It then scores a pool of
    fresh samples, whose extremes give an InterFaceGAN boundary (Shen 2020): few labels suffice,
    because the scorer labels the many samples that a boundary in 100 dimensions needs.

    Args:
        subject: a GAN with a discriminator.
        positives: samples that show the concept: seeds, (N, d) latents or (N, C, H, W) images.
        negatives: samples that do not, in the same form.
        name: what to call it.
        pool: fresh samples that the scorer scores.
        grid: the discriminator's maps are max-pooled to this many cells a side.
        seed: of the folds and the boundary's split.
        batch_size: images at a time.

    Raises:
        GanlensError: fewer than 5 samples of either kind, a sample labelled both ways, or no
            discriminator.
    """
    steps = fit_concept_steps(
        subject, positives, negatives,
        name=name, pool=pool, grid=grid, seed=seed, batch_size=batch_size,
    )  # fmt: skip
    return finish(steps)


def fit_concept_steps(
    subject: Subject,
    positives: Labelled,
    negatives: Labelled,
    *,
    name: str = "concept",
    pool: int = 4000,
    grid: int = 4,
    seed: int = 0,
    batch_size: int = 64,
) -> Steps[LabelledConcept]:
    """Do what ``fit_concept`` does, yielding progress."""
    z, x = _opened(subject, positives, negatives)
    labels = np.array([YES] * len(positives) + [NO] * len(negatives))
    features = subject.features(x, "all", grid, batch_size=batch_size).numpy()
    folds = _folds(labels, seed)
    scorers = [_fit(name, features[folds != fold], labels[folds != fold]) for fold in range(FOLDS)]
    scorers.append(_fit(name, features, labels))

    def score(x: Tensor) -> np.ndarray:
        found = subject.features(x, "all", grid, batch_size=batch_size).numpy()
        return np.stack([_lead(one, found) for one in scorers])

    fresh = subject.latents(range(FIRST, FIRST + pool))
    scores = yield from scores_of(subject, fresh, score, batch_size)
    found = boundaries(
        fresh.numpy(), np.concatenate(scores, axis=1), [name] * len(scorers), subject.prior,
        seed=seed, provenance=identity(subject),
    )  # fmt: skip
    held_out = np.array([_lead(scorers[f], features[[i]])[0] for i, f in enumerate(folds)])
    truth = labels == YES
    sides = None if z is None else _sides(found[:FOLDS], z, folds, subject.prior.std)
    return LabelledConcept(
        name=name,
        scorer=scorers[-1],
        grid=grid,
        boundary=found[-1],
        auc=_mean_auc(held_out, truth, folds),
        boundary_auc=None if sides is None else _mean_auc(sides, truth, folds),
        n_positive=len(positives),
        n_negative=len(negatives),
    )


def _opened(
    subject: Subject, positives: Labelled, negatives: Labelled
) -> tuple[np.ndarray | None, Tensor]:
    """Return the labelled latents, if they are known, and the images: positives come first."""
    for what, given in (("positives", positives), ("negatives", negatives)):
        if len(given) < LEAST:
            raise GanlensError(f"{len(given)} {what} are too few: label at least {LEAST}")
    if isinstance(positives, Tensor) and isinstance(negatives, Tensor):
        if positives.ndim != negatives.ndim or positives.ndim not in (2, 4):
            raise GanlensError(
                "positives and negatives must both be (N, d) latents or (N, C, H, W) images"
            )
        both = torch.cat([positives, negatives])
        if both.ndim == 4:
            return None, both
        return both.numpy(), subject.generate(both)
    if isinstance(positives, Tensor) or isinstance(negatives, Tensor):
        raise GanlensError("positives and negatives must be given alike: both as seeds, or neither")
    if twice := sorted(set(positives) & set(negatives)):
        raise GanlensError(f"seed {twice[0]} is labelled both ways: decide on one")
    z = subject.latents([*positives, *negatives])
    return z.numpy(), subject.generate(z)


def _folds(labels: np.ndarray, seed: int) -> np.ndarray:
    """Return the (N,) fold of each sample: every fold holds its share of either kind."""
    rng, folds = np.random.default_rng(seed), np.zeros(len(labels), dtype=np.int64)
    for kind in (YES, NO):
        members = rng.permutation(np.flatnonzero(labels == kind))
        folds[members] = np.arange(len(members)) % FOLDS
    return folds


def _fit(name: str, features: np.ndarray, labels: np.ndarray) -> LinearModels:
    return fit_linear_models((features, features), {name: (labels, labels)}, {})


def _lead(scorer: LinearModels, features: np.ndarray) -> np.ndarray:
    """Return the (N,) lead of "yes" over "no"."""
    (margins,) = scorer.margins(scorer.scores(features)).values()
    (classifier,) = scorer.classifiers.values()
    return margins[:, classifier.index(YES)]


def _sides(found: Sequence[Direction], z: np.ndarray, folds: np.ndarray, std: float) -> np.ndarray:
    """Return on which side, and how far, each latent lies of the boundary made without it."""
    units = np.stack([one.unit for one in found])[folds]
    intercepts = np.array([one.intercept or 0.0 for one in found])[folds]
    return (z * units).sum(1) / std + intercepts


def _mean_auc(scores: np.ndarray, truth: np.ndarray, folds: np.ndarray) -> float:
    parts = [auc(scores[folds == fold], truth[folds == fold]) for fold in range(FOLDS)]
    return float(np.mean(parts))
