"""The linear probe: what can be read off the discriminator's features with a straight line?"""

from ganlens.probes.linear.probe import LinearProbe
from ganlens.probes.linear.result import LinearProbeResult

__all__ = ["LinearProbe", "LinearProbeResult"]
