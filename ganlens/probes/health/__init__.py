"""Health: what a generator and a discriminator show when training went well, and when not."""

from ganlens.probes.health.probe import Health
from ganlens.probes.health.result import HealthResult

__all__ = ["Health", "HealthResult"]
