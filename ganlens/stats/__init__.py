"""Statistics of feature arrays: arrays in, numbers out; nothing here knows what a GAN is."""

from ganlens.stats.authenticity import memorization_distance, memorization_informed
from ganlens.stats.duplicates import Shared, Thumbnails, shared_images, thumbnails
from ganlens.stats.extrapolation import FrechetInfinity, frechet_infinity
from ganlens.stats.frechet import frechet_distance, frechet_distance_from_features
from ganlens.stats.inception_score import inception_score
from ganlens.stats.influence import frechet_influence
from ganlens.stats.kernel import KernelDistance, kernel_distance
from ganlens.stats.manifold import density_coverage, manifold_scores, precision_recall
from ganlens.stats.moments import Moments, mean_cov
from ganlens.stats.neighbors import nearest
from ganlens.stats.principal import principal_axes
from ganlens.stats.quality import METRICS, quality
from ganlens.stats.reference import ReferenceMoments, holds_moments, read_moments, write_moments
from ganlens.stats.uncertainty import FrechetInterval, frechet_interval

__all__ = [
    "METRICS",
    "FrechetInfinity",
    "FrechetInterval",
    "KernelDistance",
    "Moments",
    "ReferenceMoments",
    "Shared",
    "Thumbnails",
    "density_coverage",
    "frechet_distance",
    "frechet_distance_from_features",
    "frechet_infinity",
    "frechet_influence",
    "frechet_interval",
    "holds_moments",
    "inception_score",
    "kernel_distance",
    "manifold_scores",
    "mean_cov",
    "memorization_distance",
    "memorization_informed",
    "nearest",
    "precision_recall",
    "principal_axes",
    "quality",
    "read_moments",
    "shared_images",
    "thumbnails",
    "write_moments",
]
