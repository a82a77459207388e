"""Artifacts probe: spectra of real and generated images, and the layer that stands out."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np

from ganlens import images
from ganlens.checkpoints import list_checkpoints
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.limits import Amount, Count, Limits, Seed
from ganlens.probes.artifacts.measure import SHOWN, Measurement, Real, measure, stage_power
from ganlens.probes.artifacts.panels import panels
from ganlens.probes.artifacts.result import ArtifactsResult, Baseline
from ganlens.probes.base import Needs, Probe, Steps, images_for
from ganlens.probes.identity import identity, untrained
from ganlens.stats.excess import excess, excess_over
from ganlens.stats.spectrum import power_spectrum, whitening
from ganlens.subject import Subject, load

FEWEST, MOST = 20, 100_000  # samples: fewer give no interval, more are held in memory
COMPARED = "upsampling-"  # what the names of the shipped generators trained alike begin with


@dataclass(frozen=True)
class Artifacts(Probe):
    """Measurement for checkerboards in the spectrum, and for the layer where they arise.

    Odena 2016: predicts the overlap of every upsampling layer, measures how far the spectrum stands
    out at the layer's Nyquist points, in the images and in the layer's own maps, and evens one
    layer's kernel after another to see whose evening takes it away.

    Attributes:
        samples: generated and as many real images, at most.
        least: dB by which a peak at a layer's period must exceed what real images have there, to
            be called a checkerboard.
        beside: "auto" shows generators with 5x5 and 4x4 transposed and with resize convolutions,
            trained alike, beside this one where the data is what they were trained on; or "none".
        seed: the first sample's seed; of the choice of real images and of the untrained generator.
        batch_size: images at a time.
    """

    title = "Artifacts"
    group = "Inside the networks"
    help = "checkerboards, and the layer they come from"
    headline = (
        "{layer_said} draws a checkerboard",
        "of period {period} and {checkerboard_grey_levels:.2f} grey levels of 255",
        "highest excess over real images {highest_over_real_db:.1f} dB",
        "N {n_generated}",
    )
    reading = (
        "Peaks at the ringed frequencies, above those of real images, are checkerboards; the "
        "table says in which layer they first appear."
    )
    papers = (
        ("Odena 2016", "https://distill.pub/2016/deconv-checkerboard/"),
        ("Durall 2020", "https://arxiv.org/abs/2003.01826"),
    )
    requires = Needs(frozenset({"generator"}), "required")
    drawn = "samples"
    demo = MappingProxyType({"samples": 256})

    samples: Annotated[int, Limits(FEWEST, MOST)] = 512
    least: Amount = 1.0
    beside: Literal["auto", "none"] = "auto"
    seed: Seed = 0
    batch_size: Count = 64

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[ArtifactsResult]:
        """Measure real images, this generator, an untrained one, and those trained alike.

        Raises:
            GanlensError: no data, images of another shape, or too few held-out ones.
        """
        data = images_for(subject, data, "artifacts")
        real, other, shown = self._real(data)
        own = yield from self._measure(subject, real)
        control, _ = untrained(subject, self.seed)
        before = (yield from self._measure(control, real, trace=False)) if control else None
        others, beside = self._beside(subject, data), []
        for one in others:
            beside.append((yield from self._measure(one, real)))
        halves = [stage_power(part, own.stages) for part in (real.images, other)]
        return ArtifactsResult(
            own=own,
            untrained=before,
            beside=tuple(beside),
            real=Baseline(
                samples=shown,
                spectrum=power_spectrum(real.images),
                second_spectrum=power_spectrum(other),
                alone=tuple(map(excess, halves[0])),
                by_chance=tuple(map(excess_over, halves[1], halves[0])),
            ),
            least=self.least,
            draw=panels,
            about={
                **identity(subject, data),
                "n_generated": self.samples,
                "n_real": len(real.images),
                "n_real_floor": len(other),
                "split": "test" if data.split == "all" else data.split,
                "whitened_by": [real.mean, real.std],
                "seed": self.seed,
                "beside_hashes": {one.name: str(one.provenance["hash"]) for one in others},
            },
        )

    def _real(self, data: ImageSet) -> tuple[Real, np.ndarray, np.ndarray]:
        """Draw two separate sets of held-out images: the reference, and one to compare with it."""
        part = data.part("test") if data.split == "all" else data
        half = min(self.samples, len(part) // 2)
        if half < FEWEST:
            raise GanlensError(
                f"{len(part)} held-out images are too few for two sets of {FEWEST}: hold out more"
            )
        rows = np.random.default_rng(self.seed).permutation(len(part))
        first = part.batch(np.sort(rows[:half]))
        mean, std = whitening(first.numpy())
        real = Real((first.numpy() - mean) / std, mean, std)
        other = real.whiten(part.batch(np.sort(rows[half : 2 * half])))
        return real, other, images.to_uint8(first[:SHOWN])

    def _measure(self, subject: Subject, real: Real, **how: Any) -> Steps[Measurement]:
        seeds = range(self.seed, self.seed + self.samples)
        return measure(subject, real, seeds, batch_size=self.batch_size, least=self.least, **how)

    def _beside(self, subject: Subject, data: ImageSet) -> list[Subject]:
        """Open the shipped generators that were trained alike on these data."""
        if self.beside == "none":
            return []
        known = {data.fingerprint, *data.fingerprints.values()}
        return [
            load(folder, str(subject.device))
            for folder, header in list_checkpoints()
            if folder.name.startswith(COMPARED) and header.data.get("fingerprint") in known
            if folder.name != subject.name
        ]
