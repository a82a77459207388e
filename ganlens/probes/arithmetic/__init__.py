"""Vector arithmetic with concepts: one calculation, and how often such calculations succeed."""

from ganlens.probes.arithmetic.probe import Arithmetic
from ganlens.probes.arithmetic.result import ArithmeticResult
from ganlens.probes.arithmetic.score import ArithmeticScore
from ganlens.probes.arithmetic.score_result import ArithmeticScoreResult

__all__ = ["Arithmetic", "ArithmeticResult", "ArithmeticScore", "ArithmeticScoreResult"]
