"""Result of the activations probe: maps of some layers, statistics of all, and its panels."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from ganlens import images
from ganlens.panels import ImagePanel, Panel, TablePanel, picture_scale
from ganlens.probes.result import Number, Result

Scale = Literal["map", "channel", "shared"]
SCALES: dict[Scale, str] = {
    "map": "Each map has its own scale, from its lowest (black) to its highest (white) value.",
    "channel": "Each column has one scale, from its lowest (black) to its highest (white) value, "
    "so a unit can be compared between the pictures.",
    "shared": "All maps of the layer share one scale, from lowest (black) to highest (white).",
}


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


def panels(result: ActivationsResult) -> list[Panel]:
    """Return one picture of maps per layer shown, and the table of all layers."""
    return [*(_maps(result, name) for name in result.maps), _table(result)]


def _maps(result: ActivationsResult, name: str) -> ImagePanel:
    network = name.split(".")[0]
    maps, pictures = result.maps[name], result.pictures[network]
    side = " x ".join(map(str, maps.shape[2:]))
    return ImagePanel(
        title=f"Feature maps of {name}",
        caption=f"Each row begins with a picture ({result.source[network]}); the {maps.shape[1]} "
        f"most varied of this layer's {side} maps follow (units "
        f"{', '.join(map(str, result.shown[name]))}). {SCALES[result.scale]}",
        image=_sheet(pictures, _grey(maps, result.scale)),
        alt=f"{len(maps)} rows, each a picture and {maps.shape[1]} grey maps of {name}",
        scale=picture_scale(pictures),
    )


def _table(result: ActivationsResult) -> TablePanel:
    return TablePanel.of(
        "How alive the layers are",
        f"Over {result.samples:,} samples. A dead unit is a channel that a rectifier "
        "never lets through, anywhere in any sample: it has stopped learning. Saturated "
        "values sit at the ends of tanh, where gradients vanish.",
        result.layers,
    )


def _grey(maps: np.ndarray, scale: Scale) -> np.ndarray:
    """Map (n, c, h, w) values to (n, c, h, w, 1) uint8."""
    axes = {"map": (2, 3), "channel": (0, 2, 3), "shared": (0, 1, 2, 3)}[scale]
    low, high = maps.min(axis=axes, keepdims=True), maps.max(axis=axes, keepdims=True)
    unit = (maps - low) / np.where(high > low, high - low, 1)
    flat = torch.from_numpy((2 * unit - 1).reshape(-1, 1, *maps.shape[2:]).astype(np.float32))
    return images.to_uint8(flat).reshape(*maps.shape, 1)


def _sheet(pictures: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Lay out one row per picture: the picture, then its maps at the same size."""
    room = (max(pictures.shape[1], maps.shape[2]), max(pictures.shape[2], maps.shape[3]))
    tiles = []
    for picture, row in zip(pictures, maps, strict=True):
        tiles += [_fit(picture, room), *(_fit(one, room) for one in row)]
    return images.grid(np.stack(tiles), maps.shape[1] + 1)


def _fit(image: np.ndarray, room: tuple[int, int]) -> np.ndarray:
    """Enlarge (h, w, 1 to 4) by a whole number and centre it on a white (*room, 3) tile."""
    height, width = image.shape[:2]
    big = images.enlarge(images.as_rgb(image), max(1, min(room[0] // height, room[1] // width)))
    tile = np.full((*room, 3), 255, np.uint8)
    top, left = (room[0] - big.shape[0]) // 2, (room[1] - big.shape[1]) // 2
    tile[top : top + big.shape[0], left : left + big.shape[1]] = big
    return tile
