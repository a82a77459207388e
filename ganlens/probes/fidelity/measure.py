"""Numbers from the features of two sets of images: scores, baseline, classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import stats
from ganlens.probes.fidelity.extractor import FID, ChosenExtractor
from ganlens.stats.inception_score import SPLITS


@dataclass(frozen=True)
class FeatureSets:
    """Features of the images that are compared.

    Attributes:
        real: (N, D) of the reference.
        fake: (N, D) of the generated images.
        others: (M, D) of further real images, none of them in the reference; or None.
    """

    real: np.ndarray
    fake: np.ndarray
    others: np.ndarray | None = None


@dataclass(frozen=True)
class Ranks:
    """Neighbours that set the radius of a ball.

    Attributes:
        k: for precision and recall.
        k_density: for density and coverage.
    """

    k: int
    k_density: int

    def scores(self, real: np.ndarray, fake: np.ndarray) -> dict[str, Any]:
        """Score one set of features against another, see ``stats.quality``."""
        return stats.quality(real, fake, k=self.k, k_density=self.k_density)


@dataclass(frozen=True)
class Baseline:
    """What real images score against other real images: no generator can be expected to beat it.

    Attributes:
        scores: as ``stats.quality`` returns them, or None if there are too few images.
        n: images on either side.
        kind: which images, or why there is none.
        generated: scores of generated images against the same real ones at the same n.
    """

    scores: dict[str, Any] | None
    n: int
    kind: str
    generated: dict[str, Any] | None

    def get(self, name: str) -> float | None:
        """Return one score, None where undefined."""
        return None if self.scores is None else self.scores[name]

    def get_generated(self, name: str) -> float | None:
        """Return one score of the generated images at the baseline's n, None where undefined."""
        return None if self.generated is None else self.generated[name]


def baseline(
    features: FeatureSets,
    scores: dict[str, Any],
    ranks: Ranks,
    seed: int,
    what: str,
    others: str,
    caution: str,
) -> Baseline:
    """Score real images against real ones as the generated ones were scored.

    Args:
        features: the features; without others, the reference is cut into halves.
        scores: those of the whole reference.
        ranks: see ``Ranks``.
        seed: of the draws where fewer than all images are needed.
        what: the reference in words, "test images".
        others: the others in words.
        caution: what to bear in mind where others are compared, "" if nothing.
    """
    n, rng = len(features.real), np.random.default_rng(seed)
    # Both sides are drawn, for the first images of a folder are often those of its first class.
    order, fake = rng.permutation(n), features.fake[rng.permutation(len(features.fake))]
    if features.others is not None:
        m = len(features.others)
        reference = features.real if m == n else features.real[order[:m]]
        kind = f"{m:,} {others} against {m:,} {what}, none in both{caution}"
        at = scores if m == n else ranks.scores(reference, fake[:m])
        return Baseline(ranks.scores(reference, features.others), m, kind, at)
    half = n // 2
    if half < 2:
        return Baseline(None, half, "two halves of fewer than 4 real images are too small", None)
    left, right = features.real[order[:half]], features.real[order[half : 2 * half]]
    kind = f"two disjoint halves of the {n:,} {what}, {half:,} each"
    return Baseline(ranks.scores(left, right), half, kind, ranks.scores(left, fake[:half]))


@dataclass(frozen=True)
class ClassScore:
    """The Fréchet distance between the images of one class on both sides.

    Attributes:
        name: the class.
        n_real: its images in the reference; n_fake: among the generated ones.
        distance: None where there are fewer than 2 on a side. It falls as N grows: compare classes
            of equal size.
    """

    name: str
    n_real: int
    n_fake: int
    distance: float | None


def by_class(
    features: FeatureSets, real: np.ndarray | None, fake: np.ndarray | None
) -> tuple[ClassScore, ...]:
    """Compare class by class, where both sides have labels (intra-class FD, Miyato 2018).

    Args:
        features: the features.
        real: (N,) class names of the reference, or None.
        fake: (N,) class names of the generated images, or None.

    Returns:
        One ClassScore for each class of the reference, by name; none without labels.
    """
    if real is None or fake is None:
        return ()
    return tuple(_class(features, name, real == name, fake == name) for name in np.unique(real))


def _class(features: FeatureSets, name: str, real: np.ndarray, fake: np.ndarray) -> ClassScore:
    sizes = int(real.sum()), int(fake.sum())
    distance = None
    if min(sizes) >= 2:
        distance = stats.frechet_distance_from_features(features.real[real], features.fake[fake])
    return ClassScore(str(name), *sizes, distance)


def inception_score(extractor: ChosenExtractor, features: np.ndarray) -> tuple[float, float] | None:
    """Return mean and deviation of the inception score; None but for published Inception."""
    if extractor.metric != FID or len(features) < SPLITS:
        return None
    network: Any = extractor.network  # Inception, which alone has logits
    return stats.inception_score(network.logits(features))
