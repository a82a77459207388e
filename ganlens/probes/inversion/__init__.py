"""Invert probe: how well the generator draws given images."""

from ganlens.probes.inversion.probe import Inversion
from ganlens.probes.inversion.result import InversionResult

__all__ = ["Inversion", "InversionResult"]
