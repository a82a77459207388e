"""Filters: the weights that touch pixels, as pictures, and statistics of all others."""

from ganlens.probes.filters.probe import Filters
from ganlens.probes.filters.result import FiltersResult

__all__ = ["Filters", "FiltersResult"]
