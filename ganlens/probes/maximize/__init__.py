"""Activation maximisation: the image that excites a unit, or a class, the most."""

from ganlens.probes.maximize.probe import Maximize
from ganlens.probes.maximize.result import MaximizeResult

__all__ = ["Maximize", "MaximizeResult"]
