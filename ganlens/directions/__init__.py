"""Directions in latent space: how they are found, and how they are kept."""

from ganlens.directions.boundary import Extremes, boundaries, conditional, extremes
from ganlens.directions.direction import (
    DUPLICATE,
    Direction,
    cosines,
    duplicates,
    random_directions,
    unit_of,
)
from ganlens.directions.ganspace import ganspace
from ganlens.directions.means import difference_of_means, means_of_extremes
from ganlens.directions.sefa import first_layer, sefa, sefa_reads
from ganlens.directions.store import (
    SUFFIX,
    directions_bytes,
    find_direction,
    load_directions,
    save_directions,
)

__all__ = [
    "DUPLICATE",
    "SUFFIX",
    "Direction",
    "Extremes",
    "boundaries",
    "conditional",
    "cosines",
    "difference_of_means",
    "directions_bytes",
    "duplicates",
    "extremes",
    "find_direction",
    "first_layer",
    "ganspace",
    "load_directions",
    "means_of_extremes",
    "random_directions",
    "save_directions",
    "sefa",
    "sefa_reads",
    "unit_of",
]
