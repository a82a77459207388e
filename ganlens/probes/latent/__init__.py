"""Latent interpolation: is the way from one sample to another made of samples?"""

from ganlens.probes.latent.measures import expected_norm
from ganlens.probes.latent.probe import Interpolation
from ganlens.probes.latent.result import InterpolationResult

__all__ = ["Interpolation", "InterpolationResult", "expected_norm"]
