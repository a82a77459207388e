"""Result of the health probe: measurements beside those of a healthy and a collapsed GAN."""

from dataclasses import asdict, dataclass
from functools import cached_property

from ganlens.probes.health.indicators import COLLAPSED, HEALTHY, INDICATORS, Verdict, verdict
from ganlens.probes.health.measurements import Measurements
from ganlens.probes.result import Number, Result


@dataclass(frozen=True)
class HealthResult(Result):
    """A checkpoint's measurements beside those of a healthy and of a collapsed one.

    Attributes:
        measured: of this checkpoint.
        references: of the healthy and the collapsed one, None where there are none.
    """

    measured: Measurements
    references: tuple[Measurements, Measurements] | None

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """One for each indicator, by its key."""
        return {one.key: verdict(one, self.measured, self.references) for one in INDICATORS}

    def count(self, words: str) -> int:
        """Count the verdicts of one kind."""
        return sum(one.verdict == words for one in self.verdicts.values())

    @property
    def overall(self) -> str | None:
        """What most of the indicators that settle say; None where none does or they are split."""
        well, ill = self.count(HEALTHY), self.count(COLLAPSED)
        if well == ill:
            return None
        return HEALTHY if well > ill else COLLAPSED

    @property
    def itself(self) -> str | None:
        """Which of the references this checkpoint is: "healthy", "collapsed" or None."""
        kinds = zip(("healthy", "collapsed"), self.references or (), strict=False)
        return next((kind for kind, one in kinds if one is self.measured), None)

    @property
    def checkpoints(self) -> dict[str, Measurements]:
        """The checkpoints by what a panel calls them; one that is its own reference comes once."""
        found = {"this checkpoint": self.measured}
        if self.references is not None:
            kinds = zip(("healthy", "collapsed"), self.references, strict=True)
            found |= {kind: one for kind, one in kinds if one is not self.measured}
        return found

    def numbers(self) -> list[Number]:
        """Return each indicator with its references, threshold and verdict, and what is behind."""
        ill, settled = self.count(COLLAPSED), self.count(COLLAPSED) + self.count(HEALTHY)
        own, gradients = self.measured, self.measured.gradients
        dead = {network: own.dead(network) for network in ("generator", "discriminator")}
        return Number.each(
            {
                # Beside itself a verdict would say nothing.
                "verdict": None if self.itself else self.overall,
                "is_itself_the_reference": self.itself,
                # Where none settles, a 0 would read as a clean bill.
                "indicators_like_the_collapsed_one": ill if settled else None,
                "indicators_that_settle": settled,
                "indicators": {key: asdict(one) for key, one in self.verdicts.items()},
                "effective_rank": own.rank,
                "participation_ratio": own.participation,
                "most_rank": own.spectra.shape[1],
                "dead_units": {network: count for network, (count, _) in dead.items()},
                "units": {network: units for network, (_, units) in dead.items()},
                "samples_distance": own.spread[0],
                "real_distance": own.spread[1],
                "saturated": own.saturated[0],
                "saturated_real": own.saturated[1],
                "gradient_norms": gradients and gradients.totals,
                "losses": gradients and gradients.losses,
                "parameters": own.parameters,
            },
            {
                "verdict": "it is a reference itself, or as many indicators say one as the other",
                "indicators_like_the_collapsed_one": "no indicator settles it",
                "effective_rank": "the generator is constant",
                "participation_ratio": "the generator is constant",
                **dict.fromkeys(("gradient_norms", "losses"), "there is no discriminator"),
            },
        )
