"""The Maximize probe: which units, their images, and the controls beside them."""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

import torch
from torch import nn

from ganlens import images
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import DataImages
from ganlens.limits import Count, Limits, Seed
from ganlens.paths import OrPath
from ganlens.probes.base import Needs, Probe, Progress, Steps, images_for
from ganlens.probes.identity import identity
from ganlens.probes.maximize.ascent import Ascent, AscentInputs, climb, join, most_varied
from ganlens.probes.maximize.networks import find_classifier, trained, untrained
from ganlens.probes.maximize.panels import panels
from ganlens.probes.maximize.result import MaximizeResult
from ganlens.probes.maximize.units import (
    CLASSIFIER,
    DISCRIMINATOR,
    LOGIT,
    Unit,
    before_activation,
    by_layer,
    parse,
)
from ganlens.probes.units.scan import last_block
from ganlens.subject import Subject
from ganlens.visualization import Colours, Shake, draw_noise

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
            number that the classifier predicts, classifier.LAYER:CHANNEL; none takes the logit, a
            few channels of a layer, and a class of each of the first targets.
        classifier: for the classes: auto (that of the data's labels or attributes), none, or a
            checkpoint.
        layer: of the discriminator, whose channels are taken where no units are named; auto takes
            its last feature layer.
        channels: inputs many of them, the ones that differ most between real images.
        classes: inputs many classes where no units are named.
        position: what a unit's activation is: the mean over its map, or the map's centre.
        iterations: steps of gradient ascent; Lucid takes 512.
        shake: move the image at random before every step.
        n: real images of the train split, and images of noise, to compare with.
        control: make the images for the untrained networks too.
        seed: of the first image, the moves, the noise, the choice of images and untrained weights.
    """

    title = "Activation maximisation"
    group = "Inside the networks"
    help = "the image that excites a unit or a class the most"
    headline = (
        "{above_every_real_image} of {n_units} units driven beyond all of {n_real} real images",
        "median score {score_median:.2g} (1: highest real image)",
        "noise {score_noise_median:.2g}",
    )
    reading = (
        "Each picture is what excites a unit most, made from noise; compare how far it gets "
        "with the most exciting real image beside it."
    )
    papers = (
        ("Olah 2017", "https://distill.pub/2017/feature-visualization/"),
        ("Simonyan 2013", "https://arxiv.org/abs/1312.6034"),
    )
    demo = MappingProxyType({"iterations": 48, "channels": 2, "n": 256})

    renamed = MappingProxyType({"judge": "classifier"})

    units: tuple[str, ...] = ()
    classifier: Annotated[str, OrPath(("auto", "none"))] = "auto"
    layer: str = "auto"
    channels: Annotated[int, Limits(low=0)] = 3
    classes: Annotated[int, Limits(low=0)] = 3
    position: Literal["mean", "centre"] = "mean"
    iterations: Count = 128
    shake: bool = True
    n: Annotated[int, Limits(low=FEWEST)] = 512
    control: bool = True
    seed: Seed = 0

    def __post_init__(self) -> None:
        # Pictures of 0.1 call the classifier a judge.
        units = (re.sub(r"^judge\.", f"{CLASSIFIER}.", text) for text in self.units)
        object.__setattr__(self, "units", tuple(units))
        super().__post_init__()
        if len(self.units) > MOST_UNITS or self.channels + self.classes >= MOST_UNITS:
            raise GanlensError(f"more than {MOST_UNITS} units at a time: ask for fewer")

    def needs(self) -> Needs:
        """Return what it cannot do without: the classifier's units alone need no discriminator."""
        if all(map(_of_classifier, self.units)):
            return Needs(data="required")
        return Needs(frozenset({"discriminator"}), "required")

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[MaximizeResult]:
        """Find the units, climb for each layer's together, and compare."""
        data = images_for(subject, data, "activation maximisation")
        yield Progress(0, 1, "networks")
        classifier = None
        if not self.units or any(_of_classifier(text) for text in self.units):
            classifier = yield from find_classifier(self.classifier, data, subject.device)
        networks = trained(subject, classifier)
        inputs = self._inputs(data)
        units = self._units(subject, networks, inputs, data)
        found = yield from self._ascent(networks, units, inputs, "trained")
        before, note = None, "" if self.control else "The control is switched off."
        if self.control:
            wanted = {unit.network for unit in units}
            try:
                blank = untrained(subject, classifier, wanted, self.seed, inputs.real)
                before = yield from self._ascent(blank, units, inputs, "untrained")
            except GanlensError as error:
                note = f"Nothing untrained beside it: {error}."
        return MaximizeResult(
            names=tuple(unit.name for unit in units),
            networks=tuple(unit.network for unit in units),
            trained=found,
            untrained=before,
            real=images.to_uint8(inputs.real[found.highest_row]),
            note=note,
            draw=panels,
            about={
                **identity(subject, data),
                **({} if classifier is None else classifier.about()),
                "n_real": len(inputs.real),
                "n_noise": len(inputs.noise),
                "split": "train",
                "iterations": self.iterations,
                "shaken": self.shake,
                "position": self.position,
                "seed": self.seed,
            },
        )

    def _inputs(self, data: ImageSet) -> AscentInputs:
        part = data.part("train")
        images = DataImages.draw(part, self.n, self.seed)
        if images.count < FEWEST:
            raise GanlensError(f"{images.count} train images are too few: give {FEWEST} or more")
        real = images.tensors(slice(None))
        colours, stream = Colours.of(real.split(256)), torch.Generator().manual_seed(self.seed)
        noise = draw_noise(len(real), part.image_shape, colours, stream)
        shake = Shake() if self.shake else None
        return AscentInputs(colours, self.iterations, shake, self.position, self.seed, real, noise)

    def _units(
        self, subject: Subject, networks: dict[str, nn.Module], inputs: AscentInputs, data: ImageSet
    ) -> list[Unit]:
        texts = list(dict.fromkeys(self.units))
        if not texts and DISCRIMINATOR in networks:
            network: Any = networks[DISCRIMINATOR]
            layer = last_block(subject) if self.layer == "auto" else self.layer
            place = before_activation(network, layer)
            best = most_varied(network, place, self.channels, inputs)
            texts += [LOGIT, *(f"{layer}:{index}" for index in best)]
        if not self.units and CLASSIFIER in networks:
            classifier: Any = networks[CLASSIFIER]
            texts += _classes(classifier.config.targets, self.classes)
        if not texts:
            raise GanlensError(
                f"{subject.name} has no discriminator and data {data.spec!r} no classifier: "
                "name a classifier as --classifier"
            )
        return [parse(text, networks) for text in texts]

    def _ascent(
        self, networks: dict[str, nn.Module], units: list[Unit], inputs: AscentInputs, what: str
    ) -> Steps[Ascent]:
        groups, parts = by_layer(units), []
        for group in groups:
            name = f"{what} {group[0].network} {group[0].layer}".strip()
            parts.append((yield from climb(networks[group[0].network], group, inputs, name)))
        together = [unit for group in groups for unit in group]
        return join(parts, [together.index(unit) for unit in units])


def _of_classifier(text: str) -> bool:
    return text.startswith(f"{CLASSIFIER}.") or (":" not in text and text != LOGIT)


def _classes(targets: Any, count: int) -> list[str]:
    """Name classes to show: one of each target, or several where there are few targets."""
    rounds = range(max((len(classes) for classes in targets.values()), default=0))
    every = [
        f"{name}={classes[i]}" for i in rounds for name, classes in targets.items()
        if i < len(classes)
    ]  # fmt: skip
    return every[:count]
