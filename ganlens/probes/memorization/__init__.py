"""Neighbors probe: whether the generator copies its training images."""

from ganlens.probes.memorization.probe import Neighbors
from ganlens.probes.memorization.result import NeighborsResult

__all__ = ["Neighbors", "NeighborsResult"]
