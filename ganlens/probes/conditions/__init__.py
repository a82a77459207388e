"""Conditions: does a conditional generator draw what it is asked for?"""

from ganlens.probes.conditions.probe import Conditions
from ganlens.probes.conditions.result import ConditionsResult

__all__ = ["Conditions", "ConditionsResult"]
