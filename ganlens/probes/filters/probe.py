"""Filters probe: the weights that touch pixels, trained beside untrained."""

from dataclasses import dataclass

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.limits import Seed
from ganlens.probes.base import RADFORD, Needs, Probe, Progress, Steps
from ganlens.probes.filters.panels import panels
from ganlens.probes.filters.result import FiltersResult
from ganlens.probes.filters.weights import (
    first_layer,
    last_layer,
    neighbour_correlation,
    patches_of,
    pictures_of,
    rows_of,
)
from ganlens.probes.identity import identity
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
    papers = (
        RADFORD,
        ("Zeiler and Fergus 2013", "https://arxiv.org/abs/1311.2901"),
    )

    seed: Seed = 0

    def needs(self) -> Needs:
        """Return what it cannot do without."""
        return Needs(frozenset({"discriminator"}))

    def unfit(self, subject: Subject) -> str:
        """Say that no convolution takes pixels."""
        try:
            first_layer(subject.network("discriminator"))
        except GanlensError as error:
            return str(error)
        return ""

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[FiltersResult]:
        """Collect the weights; the data are not used.

        Raises:
            GanlensError: no discriminator, or one without a convolution.
        """
        if subject.discriminator is None:
            raise GanlensError(f"{subject.name} has no discriminator: choose another checkpoint")
        yield Progress(0, 1, "networks")
        note = ""
        try:
            control: Subject | None = subject.untrained(self.seed, calibrated=False)
        except GanlensError as error:
            control, note = None, f"Nothing untrained beside it: {error}."
        names = (
            first_layer(subject.discriminator),
            last_layer(getattr(subject, "generator", None)),
        )
        weights = {
            f"{which}{suffix}": patches_of(network, name, which)
            for which, end, name in zip(
                ("first", "last"), ("discriminator", "generator"), names, strict=True
            )
            for suffix, one in (("", subject), (" untrained", control))
            for network in [getattr(one, end, None)]
        }
        return FiltersResult(
            first=pictures_of(weights["first"]),
            first_untrained=pictures_of(weights["first untrained"]),
            last=pictures_of(weights["last"]),
            last_untrained=pictures_of(weights["last untrained"]),
            smoothness={name: neighbour_correlation(w) for name, w in weights.items()},
            layers=tuple(rows_of(subject, control)),
            names=names,
            note=note,
            draw=panels,
            about={**identity(subject), "seed": self.seed},
        )
