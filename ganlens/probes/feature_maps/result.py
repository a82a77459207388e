"""Result of the activations probe: feature maps of some layers, and statistics of all."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ganlens.probes.result import Number, Result

Scale = Literal["map", "channel", "shared"]


@dataclass(frozen=True)
class ActivationsResult(Result):
    """Feature maps of some layers, and statistics of all.

    Attributes:
        maps: "network.layer" -> (n, channels, h, w) float32, the most varied channels first.
        shown: "network.layer" -> indices of these channels.
        pictures: network -> (n, H, W, C) uint8: what the maps belong to.
        layers: one row per layer, as ``LayerStatistics.rows`` has them.
        samples: how many samples the statistics are over.
        scale: how maps become grey levels: "map", "channel" or "shared".
        source: network -> "generated samples" or "images of SPEC (split)".
    """

    maps: dict[str, np.ndarray]
    shown: dict[str, tuple[int, ...]]
    pictures: dict[str, np.ndarray]
    layers: tuple[dict[str, Any], ...]
    samples: int
    scale: Scale
    source: dict[str, str]

    def numbers(self) -> list[Number]:
        """Return counts of dead units, one per rectifying layer and in all."""
        rectifiers = [row for row in self.layers if row["dead units"] is not None]
        return [
            Number("samples", self.samples),
            Number("source", self.source),
            Number(
                "dead_units",
                {f"{one['network']}.{one['layer']}": one["dead units"] for one in rectifiers},
            ),
            Number("dead_units_total", sum(row["dead units"] for row in rectifiers)),
            Number("units_total", sum(row["units"] for row in rectifiers)),
            Number("layers_shown", list(self.maps)),
        ]
