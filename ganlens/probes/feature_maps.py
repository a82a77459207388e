"""Activations: what the feature maps of any layer show, and how alive its units are."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn

from ganlens import images
from ganlens.activations import unknown_layer
from ganlens.errors import GanlensError, one_of
from ganlens.features import DataImages, ImageSource
from ganlens.models.prior import check_seed
from ganlens.panels import ImagePanel, Panel, TablePanel
from ganlens.probes.base import Group, Needs, Probe, Progress, Role
from ganlens.probes.identity import identity
from ganlens.probes.latent import picture_scale
from ganlens.probes.layer_statistics import (
    RECTIFIERS,
    LayerStatistics,
    as_maps,
    leaves,
    outputs_over,
)
from ganlens.subject import Samples

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

MOST = 100_000  # samples, which are held in memory
SCALES = {
    "map": "Each map has its own scale, from its lowest (black) to its highest (white) value.",
    "channel": "Each column has one scale, from its lowest (black) to its highest (white) value, "
    "so a unit can be compared between the pictures.",
    "shared": "All maps of the layer share one scale, from lowest (black) to highest (white).",
}


@dataclass(frozen=True)
class ActivationsResult:
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
        about: which checkpoint, data and seed.
    """

    maps: dict[str, np.ndarray]
    shown: dict[str, tuple[int, ...]]
    pictures: dict[str, np.ndarray]
    layers: tuple[tuple[Any, ...], ...]
    samples: int
    scale: str
    source: dict[str, str]
    about: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """Return the scalars; dead units per rectifying layer."""
        rectifiers = [row for row in self.layers if row[6] is not None]
        return {
            **self.about,
            "samples": self.samples,
            "source": self.source,
            "dead_units": {f"{row[0]}.{row[1]}": row[6] for row in rectifiers},
            "dead_units_total": sum(row[6] for row in rectifiers),
            "units_total": sum(row[7] for row in rectifiers),
            "layers_shown": list(self.maps),
        }

    def panels(self) -> list[Panel]:
        """Return one picture of maps per layer shown, and the table of all layers."""
        return [*(self._maps(name) for name in self.maps), self._table()]

    def _maps(self, name: str) -> ImagePanel:
        network = name.split(".")[0]
        maps, pictures = self.maps[name], self.pictures[network]
        side = " x ".join(map(str, maps.shape[2:]))
        return ImagePanel(
            title=f"Feature maps of {name}",
            caption=f"Each row begins with a picture ({self.source[network]}); the {maps.shape[1]} "
            f"most varied of this layer's {side} maps follow (units "
            f"{', '.join(map(str, self.shown[name]))}). {SCALES[self.scale]}",
            image=_sheet(pictures, _grey(maps, self.scale)),
            alt=f"{len(maps)} rows, each a picture and {maps.shape[1]} grey maps of {name}",
            scale=picture_scale(pictures),
        )

    def _table(self) -> TablePanel:
        return TablePanel(
            title="How alive the layers are",
            caption=f"Over {self.samples:,} samples. A dead unit is a channel that a rectifier "
            "never lets through, anywhere in any sample: it has stopped learning. Saturated "
            "values sit at the ends of tanh, where gradients vanish.",
            columns=(
                "network",
                "layer",
                "output",
                "mean",
                "std",
                "not above 0",
                "dead units",
                "units",
                "saturated",
            ),
            rows=self.layers,
        )


@dataclass(frozen=True)
class _Look:
    """What one network contributes to the result; fields as there."""

    maps: dict[str, np.ndarray]
    shown: dict[str, tuple[int, ...]]
    pictures: np.ndarray
    layers: tuple[tuple[Any, ...], ...]
    source: str


@dataclass(frozen=True)
class Activations(Probe):
    """Look at the feature maps of any layer, and count dead and saturated units in all.

    Attributes:
        network: "generator", "discriminator" or "both".
        layer: a layer's name; "auto" shows every rectified layer, "all" every layer with maps.
        n: pictures, one row each.
        channels: maps per layer, the most varied ones first.
        scale: "map", "channel" or "shared": what lowest (black) and highest (white) refer to.
        source: what the discriminator looks at: "generated" samples or held-out "data".
        samples: how many samples the statistics are over, at least n.
        seed: the first sample's seed; of the choice of images.
        batch_size: images at a time.
    """

    title: ClassVar[str] = "Activations"
    group: ClassVar[Group] = "Inside the networks"
    help: ClassVar[str] = "feature maps of any layer"
    headline: ClassVar[tuple[str, ...]] = ("{dead_units_total} of {units_total} units are dead",)
    reading: ClassVar[str] = (
        "Bright places are where a unit answers; a unit that is dark in every picture is dead and"
        " takes part in nothing."
    )
    papers: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Zeiler and Fergus 2013", "https://arxiv.org/abs/1311.2901"),
    )

    network: Literal["both", "generator", "discriminator"] = "both"
    layer: str = "auto"
    n: int = 4
    channels: int = 12
    scale: Literal["map", "channel", "shared"] = "channel"
    source: Literal["generated", "data"] = "generated"
    samples: int = 256
    seed: int = 0
    batch_size: int = 64

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        valid = {"network": ("both", "generator", "discriminator"), "scale": tuple(SCALES),
                 "source": ("generated", "data")}  # fmt: skip
        for name, choices in valid.items():
            if getattr(self, name) not in choices:
                raise one_of(name, getattr(self, name), choices)
        for name in ("n", "channels", "batch_size"):
            if getattr(self, name) < 1:
                raise GanlensError(f"{name} {getattr(self, name)} is too small: give at least 1")
        if not self.n <= self.samples <= MOST:
            raise GanlensError(
                f"samples {self.samples} is out of range: give at least n = {self.n}, at most"
                f" {MOST:,}"
            )
        check_seed(self.seed, self.samples)

    def needs(self) -> Needs:
        """Return what it cannot do without: the network looked at, and what it looks at."""
        if self.network == "generator":
            return Needs(frozenset({"generator"}))
        networks: set[Role] = {"discriminator"} if self.network == "discriminator" else set()
        if self.source == "data":
            return Needs(frozenset(networks), "required")
        return Needs(frozenset(networks | {"sample"}))

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, ActivationsResult]:
        """Run the samples through both networks, then keep the maps to show."""
        networks = self._networks(subject)
        shown = {network: self._shown(subject, network) for network in networks}
        if not any(shown.values()):
            known = [layer for network in networks for layer in leaves(getattr(subject, network))]
            if self.layer == "auto":
                raise GanlensError(
                    f"{subject.name} has no rectified layer: name one of {', '.join(known)}"
                )
            raise unknown_layer(self.layer, known)
        looks: dict[str, _Look] = {}
        source = self._source(subject, data)
        for network in networks:
            own = source if network == "discriminator" else self._samples(subject, self.samples)
            looks[network] = yield from self._look(subject, network, shown[network], own)
        return ActivationsResult(
            maps={key: maps for look in looks.values() for key, maps in look.maps.items()},
            shown={key: units for look in looks.values() for key, units in look.shown.items()},
            pictures={network: look.pictures for network, look in looks.items()},
            layers=tuple(row for look in looks.values() for row in look.layers),
            samples=source.count,
            scale=self.scale,
            source={network: look.source for network, look in looks.items()},
            about={
                **identity(subject, data if self.source == "data" else None, drawn=True),
                "seed": self.seed,
            },
        )

    def _look(
        self,
        subject: "Subject",
        network: str,
        names: list[str],
        source: ImageSource,
    ) -> Generator[Progress, None, "_Look"]:
        found = LayerStatistics(getattr(subject, network))
        for start in range(0, source.count, self.batch_size):
            yield Progress(start, source.count, f"samples through the {network}")
            batch = slice(start, start + self.batch_size)
            found.update(outputs_over(subject, network, found.names, source, batch))
        first = slice(0, self.n)
        outputs = outputs_over(subject, network, names, source, first)
        units = {name: found.most_varied(name, self.channels) for name in names}
        return _Look(
            maps={f"{network}.{n}": as_maps(outputs[n])[:, units[n]].numpy() for n in names},
            shown={f"{network}.{name}": tuple(units[name]) for name in names},
            pictures=source.images(first),
            layers=tuple(found.rows(network)),
            source=_words(source),
        )

    def _networks(self, subject: "Subject") -> list[str]:
        if self.network != "both":
            if getattr(subject, self.network, None) is None:
                raise GanlensError(
                    f"{subject.name} has no {self.network}: choose the other network"
                )
            return [self.network]
        both = ("generator", "discriminator")
        found = [one for one in both if getattr(subject, one, None) is not None]
        if not found:
            raise GanlensError(
                f"{subject.name} has neither a generator nor a discriminator: choose another"
                " checkpoint"
            )
        return found

    def _shown(self, subject: "Subject", network: str) -> list[str]:
        module = getattr(subject, network)
        known = leaves(module)
        if self.layer == "all":
            return [name for name in known if not isinstance(known[name], nn.Flatten)]
        if self.layer == "auto":
            return [name for name in known if isinstance(known[name], RECTIFIERS)]
        return [self.layer] if self.layer and self.layer in dict(module.named_modules()) else []

    def _samples(self, subject: "Subject", count: int) -> Samples:
        return Samples.draw(subject, count, self.seed)

    def _source(self, subject: "Subject", data: "ImageSet | None") -> ImageSource:
        """Return what the discriminator looks at."""
        if self.needs().data == "no":
            return self._samples(subject, self.samples)
        if data is None:
            raise GanlensError("source 'data' needs data: give --data, or take source 'generated'")
        return DataImages.draw(data.part("test"), self.samples, self.seed)


def _words(source: ImageSource) -> str:
    if isinstance(source, DataImages):
        return f"images of {source.data.spec}, {source.data.split} split"
    return "generated samples"


def _grey(maps: np.ndarray, scale: str) -> np.ndarray:
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
