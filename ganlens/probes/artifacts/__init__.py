"""Artifacts: checkerboards and other excesses of the spectrum, and the layer where they arise."""

from ganlens.probes.artifacts.probe import Artifacts
from ganlens.probes.artifacts.result import ArtifactsResult

__all__ = ["Artifacts", "ArtifactsResult"]
