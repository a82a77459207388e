"""The result of a comparison of two sets of images: its numbers, and their panels."""

from dataclasses import dataclass

from ganlens.panels import Panel
from ganlens.probes.fidelity.numbers import FidelityNumbers
from ganlens.probes.fidelity.panels import panels


@dataclass(frozen=True)
class FidelityResult(FidelityNumbers):
    """Distances between two sets of images; see ``FidelityNumbers``."""

    def panels(self) -> list[Panel]:
        """Return the table of numbers and, where there are features, clouds and extreme images."""
        return panels(self)
