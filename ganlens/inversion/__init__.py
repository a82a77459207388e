"""Inversion: from images back to latents."""

from ganlens.inversion.base import Inversion, Settings
from ganlens.inversion.invert import invert

__all__ = ["Inversion", "Settings", "invert"]
