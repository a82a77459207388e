"""Health probe: this checkpoint, and two others whose state is known."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import DataImages
from ganlens.limits import Count, Limits, Seed
from ganlens.paths import OrPath
from ganlens.probes.base import Needs, Probe, Progress, Steps, images_for
from ganlens.probes.health.measurements import Measurements, measure
from ganlens.probes.health.panels import panels
from ganlens.probes.health.references import named, own_data, references
from ganlens.probes.health.result import HealthResult
from ganlens.probes.identity import identity
from ganlens.subject import Subject

MOST = 10_000  # samples, whose pairwise distances are held in memory


@dataclass(frozen=True)
class Health(Probe):
    """Measure the state of both networks, beside a healthy checkpoint and one that collapsed.

    Dead and saturated units, batch norm, the effective rank of the generator's Jacobian (Roy and
    Vetterli 2007), the spread of the samples, what the discriminator is sure of, and the gradient
    norms of both losses. No training step is taken.

    Attributes:
        beside: checkpoints that show what is usual: auto (the shipped healthy and collapsed ones,
            where the images have their shape), none, or HEALTHY,COLLAPSED.
        n: samples, and real images of the train split.
        jacobians: latents at which the Jacobian is taken.
        batches: of 64 of these images, at most, for the gradients.
        seed: of the first sample, and of the choice of images.
    """

    title = "Health"
    group = "Inside the networks"
    help = "dead units, rank, gradients, beside a healthy and a collapsed GAN"
    headline = (
        "it is the {is_itself_the_reference} reference itself",
        "{verdict}",
        "{indicators_like_the_collapsed_one} of {indicators_that_settle} indicators like the "
        "collapsed one",
        "effective rank {effective_rank:.0f} of {most_rank}",
        "samples' distance {samples_distance:.3g}, real images' {real_distance:.3g}",
    )
    reading = (
        "Read the column of this checkpoint beside the healthy and the collapsed one: it should "
        "resemble the first."
    )
    papers = (("Salimans 2016", "https://arxiv.org/abs/1606.03498"),)
    requires = Needs(frozenset({"generator"}), "required")
    drawn = "n"
    demo = MappingProxyType({"n": 128, "jacobians": 2, "batches": 2})

    beside: Annotated[str, OrPath(("auto", "none"))] = "auto"
    n: Annotated[int, Limits(16, MOST)] = 256
    jacobians: Count = 4
    batches: Count = 4
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        super().__post_init__()
        named(self.beside)
        if self.jacobians > self.n:
            raise GanlensError(f"jacobians {self.jacobians}: give at most n, {self.n}")

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[HealthResult]:
        """Measure the checkpoint and, where there are any, the references."""
        data = images_for(subject, data, "a health check")
        yield Progress(0, 1, "networks")
        pair = references(subject, self.beside)
        found = yield from self._measured(subject, data)
        beside: list[Measurements] = []
        for other in pair or ():
            both = other.provenance, subject.provenance
            same = all(both[0].get(key) == both[1].get(key) for key in ("hash", "weights"))
            one = found if same else (yield from self._measured(other, own_data(other, data)))
            beside.append(one)
        return HealthResult(
            measured=found,
            draw=panels,
            references=(beside[0], beside[1]) if beside else None,
            about={
                **identity(subject, data),
                "n": found.n,
                "split": "train",
                "jacobians": len(found.spectra),
                "batches": 0 if found.gradients is None else found.gradients.batches,
                "seed": self.seed,
                "beside": [one.about for one in beside] or None,
            },
        )

    def _measured(self, subject: Subject, data: ImageSet) -> Steps[Measurements]:
        images = DataImages.draw(data.part("train"), self.n, self.seed)
        if images.count < 2:
            raise GanlensError("1 train image has no distance to another: give at least 2")
        return measure(
            subject, images.tensors(slice(None)), identity(subject, data),
            jacobians=self.jacobians, batches=self.batches, seed=self.seed,
        )  # fmt: skip
