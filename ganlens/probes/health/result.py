"""What the health check found, and how it is shown."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ganlens.panels import Panel
from ganlens.probes.health import show
from ganlens.probes.health.signs import COLLAPSED, HEALTHY, SIGNS, Verdict, verdict
from ganlens.probes.health.vitals import Vitals


@dataclass(frozen=True)
class HealthResult:
    """A checkpoint's vitals beside those of a healthy and of a collapsed one.

    Attributes:
        vitals: of this checkpoint.
        references: of the healthy and the collapsed one, None where there are none.
        about: which checkpoints and data, how many samples, and the seed.
    """

    vitals: Vitals
    references: tuple[Vitals, Vitals] | None
    about: dict[str, Any]

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """One for each sign."""
        return tuple(verdict(sign, self.vitals, self.references) for sign in SIGNS)

    @property
    def overall(self) -> str | None:
        """What most of the signs that settle say; None where none does or they are split."""
        words = [one.words for one in self.verdicts]
        well, ill = words.count(HEALTHY), words.count(COLLAPSED)
        if well == ill:
            return None
        return HEALTHY if well > ill else COLLAPSED

    @property
    def itself(self) -> str | None:
        """Which of the references this checkpoint is: "healthy", "collapsed" or None."""
        kinds = zip(("healthy", "collapsed"), self.references or (), strict=False)
        return next((kind for kind, one in kinds if one is self.vitals), None)

    @property
    def everyone(self) -> dict[str, Vitals]:
        """The checkpoints by what a panel calls them; one that is its own reference comes once."""
        found = {"this checkpoint": self.vitals}
        if self.references is not None:
            kinds = zip(("healthy", "collapsed"), self.references, strict=True)
            found |= {kind: one for kind, one in kinds if one is not self.vitals}
        return found

    def summary(self) -> dict[str, Any]:
        """Return each sign with its references, threshold and verdict, and what lies behind."""
        words = [one.words for one in self.verdicts]
        settled = words.count(COLLAPSED) + words.count(HEALTHY)
        own = self.vitals
        dead = {network: own.dead(network) for network in ("generator", "discriminator")}
        return {
            **self.about,
            "verdict": None if self.itself else self.overall,  # beside itself it would say nothing
            "is_itself_the_reference": self.itself,
            # Where none settles, a 0 would read as a clean bill.
            "signs_like_the_collapsed_one": words.count(COLLAPSED) if settled else None,
            "signs_that_settle": settled,
            "signs": {one.sign.key: _sign(one) for one in self.verdicts},
            "effective_rank": own.rank,
            "participation_ratio": own.participation,
            "most_rank": own.spectra.shape[1],
            "dead_units": {network: count for network, (count, _) in dead.items()},
            "units": {network: units for network, (_, units) in dead.items()},
            "samples_distance": own.spread[0],
            "real_distance": own.spread[1],
            "saturated": own.saturated[0],
            "saturated_real": own.saturated[1],
            "gradient_norms": None if own.gradients is None else own.gradients.totals,
            "losses": None if own.gradients is None else own.gradients.losses,
            "parameters": {
                network: sum(k[1] for name, k in own.kinds.items() if name.startswith(network))
                for network in dict.fromkeys(name.split(".")[0] for name in own.kinds)
            },
        }

    def panels(self) -> list[Panel]:
        """Return the signs, the samples, the figures, and the tables of the layers."""
        panels: list[Panel] = [show.signs(self.verdicts, self.references, self.itself)]
        panels += show.samples(self.everyone)
        panels += [show.spectrum(self.everyone), show.dead(self.everyone)]
        if len(self.vitals.on_real):
            panels.append(show.outputs(self.everyone))
        panels.append(show.layers(self.vitals))
        return [*panels, show.norms(self.vitals)] if self.vitals.norms else panels


def _sign(one: Verdict) -> dict[str, Any]:
    values = (one.value, one.healthy, one.collapsed, one.threshold)
    plain = [None if v is None or not np.isfinite(v) else float(v) for v in values]
    keys = ("value", "healthy", "collapsed", "threshold")
    return {**dict(zip(keys, plain, strict=True)), "verdict": one.words}
