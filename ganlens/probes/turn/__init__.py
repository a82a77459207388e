"""The turn vector: one direction for a continuous attribute, tried on many samples."""

from ganlens.probes.turn.probe import Turn
from ganlens.probes.turn.result import TurnResult

__all__ = ["Turn", "TurnResult"]
