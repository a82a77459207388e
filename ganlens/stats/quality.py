"""One call for how well generated features match real ones."""

from typing import Any

from numpy.typing import ArrayLike

from ganlens.stats.arrays import feature_array
from ganlens.stats.frechet import frechet_distance_from_features
from ganlens.stats.manifold import manifold_scores


def quality(real: ArrayLike, fake: ArrayLike, *, k: int = 3, k_density: int = 5) -> dict[str, Any]:
    """Fréchet distance, precision, recall, density and coverage, with what makes them comparable.

    Args:
        real: (N, d) features of real images.
        fake: (M, d) features of generated images from the same extractor.
        k: neighbour for precision and recall.
        k_density: neighbour for density and coverage.

    Returns:
        ``fd``, ``precision``, ``recall``, ``density``, ``coverage`` beside ``k``, ``k_density``,
        ``n_real``, ``n_fake``, ``dimensions`` and ``reasons``: a value that is undefined for so few
        samples is None, and ``reasons`` says why.

    Raises:
        GanlensError: different d, NaN or infinity, an empty side.
    """
    real, fake = feature_array(real, "real features"), feature_array(fake, "fake features")
    scores: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    fewest = min(len(real), len(fake))
    if fewest >= 2:
        scores["fd"] = frechet_distance_from_features(real, fake)
    else:
        reasons["fd"] = "a covariance needs at least 2 images on either side"
    pair_k = k if fewest > k else None
    density_k = k_density if len(real) > k_density else None
    scores |= manifold_scores(real, fake, pair_k, density_k)
    for names, needed, sides in (
        (("precision", "recall"), k, "real and generated"),
        (("density", "coverage"), k_density, "real"),
    ):
        for name in names:
            if name not in scores:
                reasons[name] = f"needs more than {needed} {sides} images"
    values = {n: scores.get(n) for n in ("fd", "precision", "recall", "density", "coverage")}
    sizes = {"n_real": len(real), "n_fake": len(fake), "dimensions": real.shape[1]}
    return {**values, "k": k, "k_density": k_density, **sizes, "reasons": reasons}
