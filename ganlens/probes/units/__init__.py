"""Units: the pictures that activate them most, and what in these pictures does."""

from ganlens.probes.units.guided import GuidedBackprop
from ganlens.probes.units.guided_result import GuidedBackpropResult
from ganlens.probes.units.top import TopImages
from ganlens.probes.units.top_result import TopImagesResult

__all__ = ["GuidedBackprop", "GuidedBackpropResult", "TopImages", "TopImagesResult"]
