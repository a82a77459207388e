"""Scores of samples: ridge probes on the discriminator's features, all claims at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ganlens.data import ImageSet
from ganlens.features import DataImages
from ganlens.probes.base import Progress, Steps
from ganlens.probes.directions.settings import DirectionSettings
from ganlens.probes.exemplars import features_of
from ganlens.stats.auc import auc
from ganlens.subject import Subject

RIDGE = 0.1  # penalty per training image, as of the probes that find exemplars


@dataclass(frozen=True)
class Scorer:
    """Linear probes that score K claims from D features.

    A score has no natural zero and needs none: only the order of the samples is used, so that a
    probe which finds too few smiles in generated images still ranks the broadest ones first.

    Attributes:
        weights: (D, K) float32, for raw features.
        pool: the discriminator's maps are max-pooled to this many cells a side.
        auc: claim -> area under the ROC curve on held-out real images.
        n_fit: training images behind it.
        n_held_out: held-out images behind the areas.
    """

    weights: np.ndarray
    pool: int
    auc: dict[str, float]
    n_fit: int
    n_held_out: int

    def scores(self, subject: Subject, x: Tensor, batch_size: int) -> np.ndarray:
        """Score (N, C, H, W) images: (K, N) float32, higher where a claim is more likely true."""
        features = subject.features(x, "all", self.pool, batch_size=batch_size).numpy()
        return (features @ self.weights).T


def fit_scorer(
    subject: Subject, data: ImageSet, claims: Sequence[str], settings: DirectionSettings
) -> Steps[Scorer]:
    """Fit ridge regressions of yes (1) and no (-1) to features of training images.

    With two answers that is Fisher's linear discriminant up to scale and offset. The features are
    standardised; all claims share one factorisation.
    """
    limit, pool, seed = settings.probe_images, settings.feature_pool, settings.seed
    sources = [DataImages.draw(data.part("train"), limit, seed),
               DataImages.draw(data.part("test"), max(1, limit // 3), seed)]  # fmt: skip
    features, held_out = yield from features_of(subject, sources, pool, settings.batch_size)
    answers, truth = (
        np.stack([np.isin(one.rows, one.data.select(claim)) for claim in claims], axis=1)
        for one in sources
    )
    yield Progress(0, 1, "linear probes")
    weights = ridge(features, answers.astype(np.float32) * 2 - 1, RIDGE)
    held = held_out @ weights
    scores = {one: auc(held[:, i], truth[:, i]) for i, one in enumerate(claims)}
    return Scorer(weights, pool, scores, len(features), len(held_out))


def ridge(x: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Regress (N, K) targets on (N, D) features, standardised, with a penalty per row.

    Of both forms the smaller system is solved. Returned are (D, K) float32 weights for the raw
    features, without intercepts.
    """
    from scipy.linalg import solve

    mean, std = x.mean(0), x.std(0)
    factor = np.where(std > 1e-6 * (np.abs(mean) + 1e-6), 1 / np.maximum(std, 1e-12), 0)
    z, centred = ((x - mean) * factor).astype(np.float32), y - y.mean(0)
    dual = len(x) <= x.shape[1]
    gram = z @ z.T if dual else z.T @ z
    gram[np.diag_indices_from(gram)] += np.float32(penalty * len(x))
    found = solve(gram, centred if dual else z.T @ centred, assume_a="pos", overwrite_a=True)
    weights = z.T @ found if dual else found
    return (weights * factor[:, None]).astype(np.float32)
