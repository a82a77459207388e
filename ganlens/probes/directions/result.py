"""The result of the search for directions: its numbers, and their panels."""

from dataclasses import dataclass

from ganlens.panels import Panel
from ganlens.probes.directions.numbers import DirectionsNumbers
from ganlens.probes.directions.panels import panels


@dataclass(frozen=True)
class DirectionsResult(DirectionsNumbers):
    """Directions, the report card of each, and pictures of the first; see ``DirectionsNumbers``."""

    def panels(self) -> list[Panel]:
        """Return the heat map, the comparison with conditional boundaries, pictures, the table."""
        return panels(self)
