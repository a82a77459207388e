"""The result of the artifacts probe: its numbers, and their panels."""

from dataclasses import dataclass

from ganlens.panels import Panel
from ganlens.probes.artifacts import comparison, pictures, spectra, tables
from ganlens.probes.artifacts.numbers import ArtifactsNumbers


@dataclass(frozen=True)
class ArtifactsResult(ArtifactsNumbers):
    """Spectra, excesses and the layer they were traced to; see ``ArtifactsNumbers``."""

    def panels(self) -> list[Panel]:
        """Return spectra, excesses, the trace to a layer, the prediction, and the comparison."""
        return [
            spectra.plane(self),
            spectra.azimuthal(self),
            tables.excesses(self),
            *tables.trace(self),
            tables.layers(self),
            pictures.overlaps(self),
            pictures.worst(self),
            *comparison.panels(self),
        ]
