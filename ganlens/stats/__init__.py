"""Statistics of feature arrays: arrays in, numbers out; nothing here knows what a GAN is."""

from ganlens.stats.frechet import frechet_distance, frechet_distance_from_features
from ganlens.stats.manifold import density_coverage, manifold_scores, precision_recall
from ganlens.stats.moments import Moments, mean_cov
from ganlens.stats.neighbors import nearest
from ganlens.stats.principal import principal_axes
from ganlens.stats.quality import quality

__all__ = [
    "Moments",
    "density_coverage",
    "frechet_distance",
    "frechet_distance_from_features",
    "manifold_scores",
    "mean_cov",
    "nearest",
    "precision_recall",
    "principal_axes",
    "quality",
]
