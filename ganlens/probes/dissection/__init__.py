"""Dissection: which units of a generator layer agree with which concept."""

from ganlens.probes.dissection.probe import Dissect
from ganlens.probes.dissection.result import DissectResult

__all__ = ["Dissect", "DissectResult"]
