"""Fidelity: are the generated images, taken together, like the real ones?"""

from ganlens.probes.fidelity.probe import Fidelity
from ganlens.probes.fidelity.result import FidelityResult

__all__ = ["Fidelity", "FidelityResult"]
