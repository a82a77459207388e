"""Codes of a prior of parts: what each was found to decide, and how much of it can be read."""

from ganlens.probes.codes.probe import Codes
from ganlens.probes.codes.result import CodesResult

__all__ = ["Codes", "CodesResult"]
