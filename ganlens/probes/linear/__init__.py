"""Linear probe: how well linear classifiers do on the discriminator's features."""

from ganlens.probes.linear.probe import LinearProbe
from ganlens.probes.linear.result import LinearProbeResult

__all__ = ["LinearProbe", "LinearProbeResult"]
