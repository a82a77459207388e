"""Guided-backprop probe: what in an image excites a unit (Radford 2015, section 6.2, figure 5)."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from ganlens.activations import guided_copy, plain_activations
from ganlens.data import ImageSet
from ganlens.features import DataImages
from ganlens.limits import Count, Seed
from ganlens.probes.base import RADFORD, Needs, Probe, Progress, Steps, images_for
from ganlens.probes.identity import identity, untrained
from ganlens.probes.units.gradients import gradient_patches, per_unit
from ganlens.probes.units.guided_result import Gradients, GuidedBackpropResult, panels
from ganlens.probes.units.scan import check_units, last_block, scan, spread, windows_of
from ganlens.subject import Subject

FIRST = 6  # units that the paper shows


@dataclass(frozen=True)
class GuidedBackprop(Probe):
    """Show what in real images excites units of the discriminator, trained beside untrained.

    Real images are scanned for the positions that activate each unit most. A one-hot at each of
    them is backpropagated to the image, with gradients kept only where they and the forward pass
    are positive.

    Attributes:
        layer: of the discriminator; "auto" is its last convolution block.
        units: indices of the units shown; empty shows the first 6, as the paper does.
        k: strongest images of each unit.
        images: real images that are scanned, at most.
        split: "train", "test" or "all": where they are from.
        measured: units, evenly spaced, over which trained and untrained are compared.
        seed: of the choice of images and of the untrained network.
        batch_size: images at a time.
    """

    title = "Guided backpropagation"
    group = "Inside the networks"
    help = "what in real images excites a unit, beside untrained"
    headline = (
        "gradients of trained units are more concentrated than untrained ones in "
        "{auc_trained_above_untrained:.0%} of pairs",
        "{concentration_trained:.2f} against {concentration_untrained:.2f}",
    )
    reading = (
        "The pictures of the trained network should show parts of things, those of the random one"
        " only noise that follows the edges of the image."
    )
    papers = (RADFORD, ("Springenberg 2014", "https://arxiv.org/abs/1412.6806"))
    requires = Needs(frozenset({"discriminator"}), "required")
    demo = MappingProxyType({"images": 2000, "measured": 32})

    layer: str = "auto"
    units: tuple[int, ...] = ()
    k: Count = 9
    images: Count = 10_000
    split: Literal["train", "test", "all"] = "train"
    measured: Count = 64
    seed: Seed = 0
    batch_size: Count = 64

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[GuidedBackpropResult]:
        """Scan both networks, then backpropagate."""
        network, layer = subject.unconditional("discriminator"), self._layer(subject)
        data = images_for(subject, data, "guided backpropagation")
        windows = windows_of(subject, "discriminator", layer)
        check_units(self.units, windows, layer)
        guided_copy(network)  # says whether there is a rectifier, before the long work
        units = np.array(self.units or range(min(FIRST, windows.shape[0])))
        count = min(self.measured, windows.shape[0])
        measured = np.linspace(0, windows.shape[0] - 1, count).round().astype(int)
        source = DataImages.draw(data.part(self.split), self.images, self.seed)
        yield Progress(0, source.count, "pictures")
        control, note = untrained(subject, self.seed, spread(source))
        found = []
        for one in (subject, control) if control else (subject,):
            found.append((yield from self._measure(one, layer, source, units, measured)))
        return GuidedBackpropResult(
            layer=layer,
            size=windows.size,
            measured=measured,
            trained=found[0],
            untrained=found[1] if control else None,
            note=note,
            plain=tuple(plain_activations(network)),
            draw=panels,
            about={
                **identity(subject, data),
                "images": source.count,
                "split": source.data.split,
                "k": self.k,
                "seed": self.seed,
            },
        )

    def follow(self, subject: Subject) -> None:
        """Find the layer's receptive field, and a rectifier."""
        windows_of(subject, "discriminator", self._layer(subject))
        guided_copy(subject.unconditional("discriminator"))

    def _layer(self, subject: Subject) -> str:
        return last_block(subject) if self.layer == "auto" else self.layer

    def _measure(
        self, subject: Subject, layer: str, source: DataImages, units: np.ndarray,
        measured: np.ndarray,
    ) -> Steps[Gradients]:  # fmt: skip
        found = yield from scan(subject, "discriminator", layer, source, self.k, self.batch_size)
        network = subject.unconditional("discriminator")
        every = np.union1d(units, measured)
        copy = guided_copy(network)
        guided = yield from gradient_patches(subject, copy, layer, found, source, every)
        plain = yield from gradient_patches(subject, network, layer, found, source, every)
        shown, counted = np.searchsorted(every, units), np.searchsorted(every, measured)
        statistics = np.stack([per_unit(part[counted]) for part in (guided, plain)])
        gallery = found.gallery(source, units)
        return Gradients(gallery, guided[shown], plain[shown], statistics)
