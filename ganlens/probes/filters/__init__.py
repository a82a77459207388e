"""Filters: the weights that touch pixels, as pictures, and statistics of all others."""

from ganlens.probes.filters.probe import Filters
from ganlens.probes.filters.result import FiltersResult
from ganlens.probes.filters.weights import first_layer, last_layer
from ganlens.probes.layer_statistics import neighbour_correlation

__all__ = ["Filters", "FiltersResult", "first_layer", "last_layer", "neighbour_correlation"]
