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
        layers: one row per layer: network, layer, output shape, mean, std, share of values not
            above 0 (rectifiers), dead units (channels never above 0 in any sample; rectifiers),
            units, share of saturated values (beyond 0.99; tanh).
        samples: how many samples the statistics are over.
        scale: how maps become grey levels: "map", "channel" or "shared".
        source: network -> "generated samples" or "images of SPEC (split)".
    """

    maps: dict[str, np.ndarray]
    shown: dict[str, tuple[int, ...]]
    pictures: dict[str, np.ndarray]
    layers: tuple[tuple[Any, ...], ...]
    samples: int
    scale: Scale
    source: dict[str, str]

    def numbers(self) -> list[Number]:
        """Return counts of dead units, one per rectifying layer and in all."""
        rectifiers = [row for row in self.layers if row[6] is not None]
        return [
            Number("samples", self.samples),
            Number("source", self.source),
            Number("dead_units", {f"{row[0]}.{row[1]}": row[6] for row in rectifiers}),
            Number("dead_units_total", sum(row[6] for row in rectifiers)),
            Number("units_total", sum(row[7] for row in rectifiers)),
            Number("layers_shown", list(self.maps)),
        ]
