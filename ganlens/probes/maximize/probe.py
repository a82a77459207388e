"""The Maximize probe: which units, their images, and the controls beside them."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import nn

from ganlens import images
from ganlens.attributes import AttributeReader
from ganlens.errors import GanlensError, one_of
from ganlens.features import DataImages
from ganlens.models.prior import check_seed
from ganlens.probes.base import Group, Needs, Probe, Progress, images_for
from ganlens.probes.identity import identity
from ganlens.probes.maximize.evidence import Evidence, Making, join, look, most_varied
from ganlens.probes.maximize.networks import find_judge, trained, untrained
from ganlens.probes.maximize.result import MaximizeResult
from ganlens.probes.maximize.units import (
    DISCRIMINATOR,
    JUDGE,
    LOGIT,
    Unit,
    before_activation,
    by_layer,
    channels,
    parse,
)
from ganlens.probes.units.scan import last_block
from ganlens.visualization import Colours, Shake, draw_noise

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

POSITIONS = ("mean", "centre")
MOST_UNITS = 64
FEWEST = 16  # real images: fewer have no highest one to speak of


@dataclass(frozen=True)
class Maximize(Probe):
    """Make the image that excites a unit or a class the most (Lucid; Olah 2017).

    The image is a spectrum in colours decorrelated over the data, climbed with Adam while it is
    jittered, scaled and turned at random; what is climbed is the value before the activation
    function. Beside it stand the real image with the highest activation, the highest activation
    among images of noise, and all the same in the untrained network.

    Attributes:
        units: what to maximise: logit (of the discriminator), LAYER:CHANNEL, TARGET=CLASS or a
            number as the judge reads it, judge.LAYER:CHANNEL; none takes the logit, a few
            channels of a layer, and a class of each of the first targets.
        judge: classifier for the classes: auto (that of the data's labels or attributes), none,
            or a checkpoint.
        layer: of the discriminator, whose channels are taken where no units are named; auto takes
            its last feature layer.
        channels: how many of them, the ones that differ most between real images.
        classes: how many classes where no units are named.
        position: what a unit's activation is: the mean over its map, or the map's centre.
        iterations: steps of gradient ascent; Lucid takes 512.
        shake: move the image at random before every step.
        n: real images of the train split, and images of noise, to compare with.
        control: make the images for the untrained networks too.
        seed: of the first image, the moves, the noise, the choice of images and untrained weights.
    """

    title: ClassVar[str] = "Activation maximisation"
    group: ClassVar[Group] = "Inside the networks"
    help: ClassVar[str] = "the image that excites a unit or a class the most"
    headline: ClassVar[tuple[str, ...]] = (
        "{above_every_real_image} of {n_units} units driven beyond all of {n_real} real images",
        "median score {score_median:.2g} (1: highest real image)",
        "noise {score_noise_median:.2g}",
    )
    reading: ClassVar[str] = (
        "Each picture is what excites a unit most, made from noise; compare how far it gets with "
        "the most exciting real image beside it."
    )
    papers: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Olah 2017", "https://distill.pub/2017/feature-visualization/"),
        ("Simonyan 2013", "https://arxiv.org/abs/1312.6034"),
    )
    demo: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"iterations": 48, "channels": 2, "n": 256}
    )

    units: tuple[str, ...] = ()
    judge: str = "auto"
    layer: str = "auto"
    channels: int = 3
    classes: int = 3
    position: Literal["mean", "centre"] = "mean"
    iterations: int = 128
    shake: bool = True
    n: int = 512
    control: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        if self.position not in POSITIONS:
            raise one_of("position", self.position, POSITIONS)
        for name, low in (("iterations", 1), ("channels", 0), ("classes", 0), ("n", FEWEST)):
            if getattr(self, name) < low:
                raise GanlensError(f"{name} {getattr(self, name)} is too small: give {low} or more")
        if len(self.units) > MOST_UNITS or self.channels + self.classes >= MOST_UNITS:
            raise GanlensError(f"more than {MOST_UNITS} units at a time: ask for fewer")
        check_seed(self.seed)

    def needs(self) -> Needs:
        """Return what it cannot do without: the judge's units alone need no discriminator."""
        if all(map(_of_judge, self.units)):
            return Needs(data="required")
        return Needs(frozenset({"discriminator"}), "required")

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, MaximizeResult]:
        """Find the units, climb for each layer's together, and compare."""
        data = images_for(subject, data, "activation maximisation")
        yield Progress(0, 1, "networks")
        judge = None
        if not self.units or any(_of_judge(text) for text in self.units):
            judge = yield from find_judge(self.judge, data)
        networks = trained(subject, judge)
        how = self._making(data)
        units = self._units(subject, networks, how, data)
        found = yield from self._evidence(networks, units, how, "trained")
        before, note = None, "The control is switched off."
        if self.control:
            wanted = {unit.network for unit in units}
            try:
                blank = untrained(subject, judge, wanted, self.seed, how.real)
                before = yield from self._evidence(blank, units, how, "untrained")
            except GanlensError as error:
                note = f"Nothing untrained beside it: {error}."
        return self._result(subject, data, judge, units, how, (found, before), note)

    def _making(self, data: "ImageSet") -> Making:
        part = data.part("train")
        images = DataImages.draw(part, self.n, self.seed)
        if images.count < FEWEST:
            raise GanlensError(f"{images.count} train images are too few: give {FEWEST} or more")
        real = images.tensors(slice(None))
        colours, stream = Colours.of(real.split(256)), torch.Generator().manual_seed(self.seed)
        noise = draw_noise(len(real), part.image_shape, colours, stream)
        shake = Shake() if self.shake else None
        return Making(colours, self.iterations, shake, self.position, self.seed, real, noise)

    def _units(
        self,
        subject: "Subject",
        networks: dict[str, nn.Module],
        how: Making,
        data: "ImageSet",
    ) -> list[Unit]:
        texts = list(dict.fromkeys(self.units))
        if not texts and DISCRIMINATOR in networks:
            network: Any = networks[DISCRIMINATOR]
            layer = last_block(subject) if self.layer == "auto" else self.layer
            place = before_activation(network, layer)
            have = channels(network, place)
            best = most_varied(network, place, self.channels, how, have)
            texts += [LOGIT, *(f"{layer}:{index}" for index in best)]
        if not self.units and JUDGE in networks:
            judge: Any = networks[JUDGE]
            texts += _classes(judge.config.targets, self.classes)
        if not texts:
            raise GanlensError(
                f"{subject.name} has no discriminator and data {data.spec!r} no judge: "
                "name a classifier as --judge"
            )
        return [parse(text, networks) for text in texts]

    def _evidence(
        self, networks: dict[str, nn.Module], units: list[Unit], how: Making, what: str
    ) -> Generator[Progress, None, Evidence]:
        groups, parts = by_layer(units), []
        for group in groups:
            name = f"{what} {group[0].network} {group[0].layer}".strip()
            parts.append((yield from look(networks[group[0].network], group, how, name)))
        together = [unit for group in groups for unit in group]
        return join(parts, [together.index(unit) for unit in units])

    def _result(
        self,
        subject: "Subject",
        data: "ImageSet",
        judge: AttributeReader | None,
        units: list[Unit],
        how: Making,
        evidence: tuple[Evidence, Evidence | None],
        note: str,
    ) -> MaximizeResult:
        found, before = evidence
        return MaximizeResult(
            names=tuple(unit.name for unit in units),
            networks=tuple(unit.network for unit in units),
            trained=found,
            untrained=before,
            real=images.to_uint8(how.real[found.highest_row]),
            note="" if before is not None else note,
            about={
                **identity(subject, data),
                **({} if judge is None else judge.about()),
                "n_real": len(how.real),
                "n_noise": len(how.noise),
                "split": "train",
                "iterations": self.iterations,
                "shaken": self.shake,
                "position": self.position,
                "seed": self.seed,
            },
        )


def _of_judge(text: str) -> bool:
    return text.startswith(f"{JUDGE}.") or (":" not in text and text != LOGIT)


def _classes(targets: Any, count: int) -> list[str]:
    """Name classes to show: one of each target, or several where there are few targets."""
    rounds = range(max((len(classes) for classes in targets.values()), default=0))
    every = [
        f"{name}={classes[i]}" for i in rounds for name, classes in targets.items()
        if i < len(classes)
    ]  # fmt: skip
    return every[:count]
