"""Panels of the artifacts probe, in the order of the report."""

from ganlens.panels import Panel
from ganlens.probes.artifacts import pictures, spectra, tables
from ganlens.probes.artifacts.result import ArtifactsResult


def panels(result: ArtifactsResult) -> list[Panel]:
    """Return spectra, excesses, the trace to a layer, the prediction, and the comparison."""
    found: list[Panel] = [
        spectra.plane(result),
        spectra.azimuthal(result),
        tables.excesses(result),
        *tables.trace(result),
        tables.layers(result),
        pictures.overlaps(result),
        pictures.worst(result),
    ]
    if result.beside:
        found += [tables.comparison(result), pictures.samples(result)]
    return found
