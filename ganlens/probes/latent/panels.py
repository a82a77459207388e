"""Panels of the interpolate probe, in the order of the report."""

from ganlens.panels import Panel
from ganlens.probes.latent import curves, pictures
from ganlens.probes.latent.result import InterpolationResult

UNITS = (
    "RMSE is in parts of the full brightness range, from 0 to 1. The path length is the mean "
    "squared perceptual distance per squared step, between random pairs of samples (Karras 2019), "
    "without the outermost percent at either end. Its size depends on the distance: compare it "
    "only between generators measured by the same one."
)


def panels(result: InterpolationResult) -> list[Panel]:
    """Return the strip, the film, lerp beside another mode, the curves, the plane, numbers."""
    found: list[Panel | None] = [
        pictures.strip(result),
        pictures.film(result),
        pictures.pair(result),
        curves.norms(result),
        curves.steps(result),
        pictures.plane(result),
        result.table("Numbers of the walk", UNITS),
    ]
    return [one for one in found if one is not None]
