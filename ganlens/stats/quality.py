"""One call for how well generated features match real ones."""

from collections.abc import Collection
from typing import Any

from numpy.typing import ArrayLike

from ganlens.errors import GanlensError
from ganlens.stats.arrays import feature_array
from ganlens.stats.frechet import frechet_distance_from_features
from ganlens.stats.kernel import SUBSET_SIZE, kernel_distance
from ganlens.stats.manifold import manifold_scores

METRICS = ("fd", "kid", "precision", "recall", "density", "coverage")


def quality(
    real: ArrayLike,
    fake: ArrayLike,
    *,
    k: int = 3,
    k_density: int = 5,
    subset_size: int = SUBSET_SIZE,
    metrics: Collection[str] = METRICS,
) -> dict[str, Any]:
    """Every metric that features alone allow, with what makes the values comparable.

    Args:
        real: (N, d) features of real images.
        fake: (M, d) features of generated images from the same extractor.
        k: neighbour for precision and recall.
        k_density: neighbour for density and coverage.
        subset_size: rows of either side in each subset of the kernel distance.
        metrics: which of ``METRICS`` to compute; the work for others is spared.

    Returns:
        The metrics asked for, among ``fd``, ``kid`` (with ``kid_std``, ``kid_standard_error`` and
        ``kid_subset_size``), ``precision``, ``recall``, ``density``, ``coverage``, beside ``k``,
        ``k_density``, ``n_real``, ``n_fake``, ``dimensions`` and ``reasons``: a value that is
        undefined for so few samples is None, and ``reasons`` says why.

    Raises:
        GanlensError: an unknown metric, different d, NaN or infinity, an empty side.
    """
    if unknown := sorted(set(metrics) - set(METRICS)):
        raise GanlensError(f"no metric {', '.join(unknown)}: choose from {', '.join(METRICS)}")
    real, fake = feature_array(real, "real features"), feature_array(fake, "fake features")
    fewest = min(len(real), len(fake))
    reasons = {
        name: reason
        for name, reason in _too_few(len(real), fewest, k, k_density, subset_size).items()
        if name in metrics
    }
    wanted = [name for name in METRICS if name in metrics and name not in reasons]
    values: dict[str, Any] = {}
    if "fd" in wanted:
        values["fd"] = frechet_distance_from_features(real, fake)
    pairs = k if {"precision", "recall"} & set(wanted) else None
    balls = k_density if {"density", "coverage"} & set(wanted) else None
    values |= manifold_scores(real, fake, pairs, balls)
    scores = {name: values.get(name) for name in METRICS if name in metrics and name != "kid"}
    if "kid" in metrics:
        scores |= _kernel(real, fake, subset_size, defined="kid" in wanted)
    sizes = {"n_real": len(real), "n_fake": len(fake), "dimensions": real.shape[1]}
    return {**scores, "k": k, "k_density": k_density, **sizes, "reasons": reasons}


def _too_few(real: int, fewest: int, k: int, k_density: int, subset_size: int) -> dict[str, str]:
    reasons = {}
    if fewest < 2:
        reasons["fd"] = "a covariance needs at least 2 images on either side"
    if fewest < subset_size:
        reasons["kid"] = (
            f"needs at least {subset_size:,} images on either side, its subset size: a smaller one "
            "(kid_subset_size) makes it defined, and is then to be named beside it"
        )
    if fewest <= k:
        reasons |= dict.fromkeys(
            ("precision", "recall"), f"needs more than {k} real and generated images"
        )
    if real <= k_density:
        reasons |= dict.fromkeys(
            ("density", "coverage"), f"needs more than {k_density} real images"
        )
    return reasons


def _kernel(
    real: ArrayLike, fake: ArrayLike, subset_size: int, *, defined: bool
) -> dict[str, float | int | None]:
    if not defined:
        undefined = dict.fromkeys(("kid", "kid_std", "kid_standard_error"))
        return {**undefined, "kid_subset_size": subset_size}
    # Generated first, as torch-fidelity's input 1: the order decides which rows are drawn.
    distance = kernel_distance(fake, real, subset_size=subset_size)
    return {
        "kid": distance.mean,
        "kid_std": distance.std,
        "kid_standard_error": distance.standard_error,
        "kid_subset_size": subset_size,
    }
