"""Activations: what the feature maps of any layer show, and how alive its units are."""

from ganlens.probes.feature_maps.probe import Activations
from ganlens.probes.feature_maps.result import ActivationsResult

__all__ = ["Activations", "ActivationsResult"]
