"""Activations probe: feature maps of any layer, and dead and saturated units in all."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from torch import nn

from ganlens.activations import find_layer, unknown_layer
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import DataImages, ImageSource
from ganlens.limits import Count, Limits, Seed
from ganlens.probes.base import Needs, Probe, Progress, Role, Steps
from ganlens.probes.feature_maps.result import ActivationsResult, Scale, panels
from ganlens.probes.identity import identity
from ganlens.probes.layer_statistics import (
    LayerStatistics,
    as_maps,
    is_rectifier,
    leaves,
    outputs_over,
)
from ganlens.subject import Samples, Subject

MOST = 100_000  # samples, which are held in memory


@dataclass(frozen=True)
class Activations(Probe):
    """Show the feature maps of any layer, and count dead and saturated units in all.

    Attributes:
        network: "generator", "discriminator" or "both".
        layer: a layer's name; "auto" shows every rectified layer, "all" every layer with maps.
        n: pictures, one row each.
        channels: maps per layer, the most varied ones first.
        scale: "map", "channel" or "shared": what lowest (black) and highest (white) refer to.
        source: what the discriminator is shown: "generated" samples or held-out "data".
        samples: how many samples the statistics are over, at least n.
        seed: the first sample's seed; of the choice of images.
        batch_size: images at a time.
    """

    title = "Activations"
    group = "Inside the networks"
    help = "feature maps of any layer"
    headline = ("{dead_units_total} of {units_total} units are dead",)
    reading = (
        "Bright places are where a unit answers; a unit that is dark in every picture is dead and"
        " takes part in nothing."
    )
    papers = (("Zeiler and Fergus 2013", "https://arxiv.org/abs/1311.2901"),)
    drawn = "samples"

    network: Literal["both", "generator", "discriminator"] = "both"
    layer: str = "auto"
    n: Count = 4
    channels: Count = 12
    scale: Scale = "channel"
    source: Literal["generated", "data"] = "generated"
    samples: Annotated[int, Limits(high=MOST)] = 256
    seed: Seed = 0
    batch_size: Count = 64

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        super().__post_init__()
        if self.samples < self.n:
            raise GanlensError(f"samples {self.samples} is too small: give at least n, {self.n}")

    def needs(self) -> Needs:
        """Return what it cannot do without: the network, and what it is shown."""
        if self.network == "generator":
            return Needs(frozenset({"generator"}))
        networks: set[Role] = {"discriminator"} if self.network == "discriminator" else set()
        if self.source == "data":
            return Needs(frozenset(networks), "required")
        return Needs(frozenset(networks | {"sample"}))

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[ActivationsResult]:
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
        source = self._source(subject, data)
        maps, units, pictures, said = {}, {}, {}, {}
        layers: list[dict[str, Any]] = []
        for network in networks:
            own = source if network == "discriminator" else self._samples(subject)
            found = yield from self._statistics(subject, network, own)
            first, names = slice(0, self.n), shown[network]
            for name, output in outputs_over(subject, network, names, own, first).items():
                varied = found.most_varied(name, self.channels)
                units[f"{network}.{name}"] = tuple(varied)
                maps[f"{network}.{name}"] = as_maps(output)[:, varied].numpy()
            pictures[network], said[network] = own.images(first), _words(own)
            layers += found.rows(network)
        return ActivationsResult(
            maps=maps,
            shown=units,
            pictures=pictures,
            layers=tuple(layers),
            samples=source.count,
            scale=self.scale,
            source=said,
            draw=panels,
            about={
                **identity(subject, data if self.source == "data" else None, drawn=True),
                "seed": self.seed,
            },
        )

    def _statistics(
        self, subject: Subject, network: str, source: ImageSource
    ) -> Steps[LayerStatistics]:
        found = LayerStatistics(getattr(subject, network))
        for start in range(0, source.count, self.batch_size):
            yield Progress(start, source.count, f"samples through the {network}")
            batch = slice(start, start + self.batch_size)
            found.update(outputs_over(subject, network, found.names, source, batch))
        return found

    def _networks(self, subject: Subject) -> list[str]:
        wanted: list[str]
        wanted, lacks = [self.network], f"no {self.network}: choose the other network"
        if self.network == "both":
            wanted = ["generator", "discriminator"]
            lacks = "neither a generator nor a discriminator: choose another checkpoint"
        found = [one for one in wanted if getattr(subject, one, None) is not None]
        if not found:
            raise GanlensError(f"{subject.name} has {lacks}")
        return found

    def _shown(self, subject: Subject, network: str) -> list[str]:
        module = getattr(subject, network)
        known = leaves(module)
        if self.layer == "all":
            return [name for name in known if not isinstance(known[name].part, nn.Flatten)]
        if self.layer == "auto":
            return [name for name in known if is_rectifier(known[name])]
        try:
            find_layer(module, self.layer)
        except GanlensError:
            return []
        return [self.layer]

    def _samples(self, subject: Subject) -> Samples:
        return Samples.draw(subject, self.samples, self.seed)

    def _source(self, subject: Subject, data: ImageSet | None) -> ImageSource:
        """Return what the discriminator is shown."""
        if self.needs().data == "no":
            return self._samples(subject)
        if data is None:
            raise GanlensError("source 'data' needs data: give --data, or take source 'generated'")
        return DataImages.draw(data.part("test"), self.samples, self.seed)


def _words(source: ImageSource) -> str:
    if isinstance(source, DataImages):
        return f"images of {source.data.spec}, {source.data.split} split"
    return "generated samples"
