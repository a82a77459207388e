"""Filters probe: the weights that touch pixels, trained beside untrained."""

from dataclasses import dataclass

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.limits import Seed
from ganlens.probes.base import RADFORD, Needs, Probe, Progress, Steps
from ganlens.probes.filters.result import FiltersResult, panels
from ganlens.probes.filters.weights import first_layer, last_layer, patches_of, pictures_of, rows_of
from ganlens.probes.identity import identity, untrained
from ganlens.probes.layer_statistics import neighbour_correlation
from ganlens.subject import Subject


@dataclass(frozen=True)
class Filters(Probe):
    """Look at the weights that touch pixels, trained beside untrained (Radford 2015, figure 5).

    Attributes:
        seed: of the untrained networks beside the trained ones.
    """

    title = "Filters"
    group = "Inside the networks"
    help = "what the first layer looks for"
    headline = ("{filters} filters in {first_layer_of_discriminator}",)
    reading = (
        "Trained filters are smooth edges, blobs and colours; filters that still look like the "
        "noise beside them have learned nothing."
    )
    papers = (RADFORD, ("Zeiler and Fergus 2013", "https://arxiv.org/abs/1311.2901"))
    requires = Needs(frozenset({"discriminator"}))

    seed: Seed = 0

    def follow(self, subject: Subject) -> None:
        """Find the convolution that takes pixels."""
        first_layer(subject.network("discriminator"))

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[FiltersResult]:
        """Collect the weights; the data are not used.

        Raises:
            GanlensError: no discriminator, or one without a convolution.
        """
        if subject.discriminator is None:
            raise GanlensError(f"{subject.name} has no discriminator: choose another checkpoint")
        yield Progress(0, 1, "networks")
        control, note = untrained(subject, self.seed, calibrated=False)
        generator = getattr(subject, "generator", None)
        names = first_layer(subject.discriminator), last_layer(generator)
        weights = {
            which + suffix: patches_of(getattr(one, end, None), name, which)
            for which, end, name in zip(
                ("first", "last"), ("discriminator", "generator"), names, strict=True
            )
            for suffix, one in (("", subject), (" untrained", control))
        }
        return FiltersResult(
            **{name.replace(" ", "_"): pictures_of(one) for name, one in weights.items()},
            smoothness={name: neighbour_correlation(one) for name, one in weights.items()},
            layers=tuple(rows_of(subject, control)),
            names=names,
            note=note,
            draw=panels,
            about={**identity(subject), "seed": self.seed},
        )
