"""The probe of directions in latent space."""

from ganlens.probes.directions.probe import Directions
from ganlens.probes.directions.result import DirectionsResult

__all__ = ["Directions", "DirectionsResult"]
