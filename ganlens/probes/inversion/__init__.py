"""Inversion: can the generator draw the images that it is shown?"""

from ganlens.probes.inversion.probe import Inversion
from ganlens.probes.inversion.result import InversionResult

__all__ = ["Inversion", "InversionResult"]
