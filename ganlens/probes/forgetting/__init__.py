"""Forgetting: change the maps of a generator layer that draw a concept, and see what is lost."""

from ganlens.probes.forgetting.boxes import Marks, read_marks
from ganlens.probes.forgetting.probe import Forget
from ganlens.probes.forgetting.result import ForgetResult

__all__ = ["Forget", "ForgetResult", "Marks", "read_marks"]
