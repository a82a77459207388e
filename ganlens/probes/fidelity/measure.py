"""Numbers of a comparison: from the features of two sets of images to distances and baselines."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from ganlens import stats
from ganlens.errors import GanlensError
from ganlens.features import ImageSource, check_comparable
from ganlens.images import grid
from ganlens.plain import loads
from ganlens.probes.fidelity.extractors import FID, ChosenExtractor
from ganlens.probes.fidelity.result import SCORES, Baseline, Examples
from ganlens.recipe import Recipe
from ganlens.stats.inception_score import SPLITS
from ganlens.subject import Samples

EXAMPLES = 16  # images of the most and of the least typical samples
POINTS = 1000  # points of each kind in the scatter
PER_DIMENSION = 2  # images for each dimension that an extrapolation needs
EXTRACTOR = "extractor"  # the note that describes the features
UNKNOWN = (
    "The file does not say which network, resizing and precision its moments come from: the "
    "distance means something only if they were the same."
)
NO_IMAGES = "the reference is a file of moments: there are no real images to compare"

Quality = Callable[[np.ndarray, np.ndarray], dict[str, Any]]


def baseline(
    score: Quality,
    scores: dict[str, Any],
    real: np.ndarray,
    fake: np.ndarray,
    others: np.ndarray | None,
    names: tuple[str, str],
    caution: str,
    seed: int,
) -> Baseline:
    """Return what real images score against real ones, measured as the generated ones were.

    Args:
        score: ``stats.quality`` with its settings.
        scores: those of all of ``fake`` against all of ``real``.
        real: (N, D) features of the reference.
        fake: (N, D) features of the generated images.
        others: (M, D) features of other real images; None cuts the reference into halves.
        names: of the reference and of the others in words, "test images".
        caution: what to bear in mind where others are compared, "" if nothing.
        seed: of the draws where fewer than all images are needed.
    """
    n, rng = len(real), np.random.default_rng(seed)
    # Both are drawn, for the first images of a folder are often those of its first class.
    order, fake = rng.permutation(n), fake[rng.permutation(len(fake))]
    if others is not None:
        m = len(others)
        reference = real if m == n else real[order[:m]]
        kind = f"{m:,} {names[1]} against {m:,} {names[0]}, none in both{caution}"
        same_n = scores if m == n else score(reference, fake[:m])
        return Baseline(score(reference, others), m, kind, same_n)
    half = n // 2
    if half < 2:
        return Baseline(None, half, "two halves of fewer than 4 real images are too small", None)
    left, right = real[order[:half]], real[order[half : 2 * half]]
    kind = f"two disjoint halves of the {n:,} {names[0]}, {half:,} each"
    return Baseline(score(left, right), half, kind, score(left, fake[:half]))


def distances_by_class(
    real: np.ndarray, fake: np.ndarray, real_names: np.ndarray | None, names: np.ndarray | None
) -> dict[str, dict[str, Any]]:
    """Return the Fréchet distance between images of one class (intra-class FD, Miyato 2018).

    Of (N, D) and (M, D) features with their (N,) and (M,) class names; where either has none the
    result is empty. Else it holds value, n_real and n_fake of each class of the reference; a value
    of fewer than 2 images is None, with its reason.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in () if real_names is None or names is None else np.unique(real_names):
        ours, theirs = real[real_names == name], fake[names == name]
        enough = min(len(ours), len(theirs)) >= 2
        found[str(name)] = {
            "value": stats.frechet_distance_from_features(ours, theirs) if enough else None,
            "n_real": len(ours),
            "n_fake": len(theirs),
        }
        if not enough:
            reason = "a class needs at least 2 images of either kind"
            found[str(name)]["reasons"] = {"value": reason}
    return found


def extrapolated(real: np.ndarray, fake: np.ndarray, seed: int) -> stats.FrechetInfinity | None:
    """Return the distance at infinitely many images; None where it is no straight line in 1/N."""
    if min(len(real), len(fake)) < PER_DIMENSION * real.shape[1]:
        return None
    return stats.frechet_infinity(real, fake, seed=seed)


def memorization_informed(real: np.ndarray, fake: np.ndarray, distance: float) -> float | None:
    """Return the MiFID: the FID made worse by copies; None for features without a direction."""
    if not (fake.any() and real.any()):
        return None
    return stats.memorization_informed(distance, stats.memorization_distance(fake, real))


def inception_score(chosen: ChosenExtractor, features: np.ndarray) -> tuple[float, float] | None:
    """Return mean and deviation of the inception score; None without published Inception."""
    if chosen.metric != FID or len(features) < SPLITS:
        return None
    extractor: Any = chosen.extractor  # Inception, which alone has logits
    return stats.inception_score(extractor.logits(features))


def cautions(
    real: np.ndarray, fake: np.ndarray, interval: stats.FrechetInterval | None
) -> list[str]:
    """Return sentences on what makes a distance mean less than it seems to.

    Without an interval both are the same images.
    """
    found = [] if interval else ["Both are the very same images."]
    fewest, dimensions = min(len(real), len(fake)), real.shape[1]
    if fewest <= dimensions:
        found.append(
            f"With no more images ({fewest:,}) than features ({dimensions:,}) most of the distance "
            "is the small number of images: compare it with the baseline of real images."
        )
    if interval and interval.heavy_tailed:
        found.append(
            f"One image brings {interval.largest_share:.0%} of the distance's variance: the "
            "features' tails are heavy, and the interval may be too narrow (in simulations "
            "without a fourth moment 95 % intervals held in 48 to 84 % of pairs)."
        )
    return found


def examples(real: np.ndarray, fake: np.ndarray, source: ImageSource, seed: int) -> Examples:
    """Return the samples nearest to and farthest from real images, and points of a scatter.

    Of (N, D) features of the reference and (M, D) ones of ``source``; ``seed`` chooses the points.
    """
    distances = stats.nearest(fake, real, 1)[0][:, 0]
    order = np.argsort(distances, kind="stable")
    count = min(EXAMPLES, len(order) // 2)
    rows = np.concatenate([order[:count], order[len(order) - count :]])
    columns, recipe = min(count, EXAMPLES // 2), None
    if isinstance(source, Samples):
        seeds = source.numbers(rows).tolist()
        recipe = Recipe.of_samples(source.subject, seeds, columns=columns).to_json()
    mean, axes, shares = stats.principal_axes(real)
    drawn = np.random.default_rng(seed).permutation(len(real))[:POINTS]
    return Examples(
        distances=distances,
        titles=tuple(source.titles(rows)),
        picture=grid(source.images(rows), columns),
        recipe=recipe,
        real_points=((real[drawn] - mean) @ axes.T).astype(np.float32),
        fake_points=((fake[drawn] - mean) @ axes.T).astype(np.float32),
        shares=shares,
    )


def check_same_network(moments: stats.ReferenceMoments, network: dict[str, Any]) -> None:
    """Check the description beside moments, where there is one, against a network.

    Raises:
        GanlensError: another network, or a note that is not ganlens's.
    """
    note = moments.notes.get(EXTRACTOR)
    if note is None:
        return None
    with suppress(ValueError, RecursionError):
        if isinstance(found := loads(note), dict):
            return check_comparable(found, network)
    raise GanlensError(
        f"the moments' note {EXTRACTOR!r} is not ganlens's ({note[:40]!r}): make the moments anew, "
        "or leave the note out"
    )


def scores_of_moments(
    moments: stats.ReferenceMoments, features: np.ndarray, k: int, k_density: int
) -> dict[str, Any]:
    """Return scores as ``stats.quality`` does: against moments the distance alone is defined.

    Raises:
        GanlensError: (N, D) features of another D.
    """
    if features.shape[1] != len(moments.mean):
        ours = features.shape[1]
        raise GanlensError(
            f"moments of {len(moments.mean)} features do not fit the extractor's {ours}: "
            "choose the extractor that they were made with"
        )
    return {
        "fd": stats.frechet_distance(moments.mean, moments.cov, *stats.mean_cov(features)),
        **dict.fromkeys((*SCORES, "kid_std", "kid_standard_error", "kid_subset_size")),
        "k": k,
        "k_density": k_density,
        "n_real": moments.n,
        "n_fake": len(features),
        "dimensions": features.shape[1],
        "reasons": dict.fromkeys(SCORES, NO_IMAGES),
    }
