"""Useful: do samples help to train a classifier of real images?"""

from ganlens.probes.useful.probe import Useful
from ganlens.probes.useful.result import UsefulResult

__all__ = ["Useful", "UsefulResult"]
