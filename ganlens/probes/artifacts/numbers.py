"""The numbers of the artifacts probe."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.artifacts.measure import Look
from ganlens.stats.excess import Excess
from ganlens.stats.spectrum import Spectrum


@dataclass(frozen=True)
class Baseline:
    """The baseline: two sets of held-out real images, measured as generated ones are.

    Attributes:
        samples: (SHOWN, S, S, C) uint8 of the first set.
        spectrum: of the first set, with which generators are compared.
        second_spectrum: of the second set.
        alone: stage by stage, how far the first set stands out of its own surroundings.
        by_chance: the excess of the second set over the first: what chance alone gives.
    """

    samples: np.ndarray
    spectrum: Spectrum
    second_spectrum: Spectrum
    alone: tuple[Excess, ...]
    by_chance: tuple[Excess, ...]


@dataclass(frozen=True)
class ArtifactsNumbers:
    """Spectra, excesses and the layer they were traced to.

    Attributes:
        own: the generator that was asked about.
        untrained: the same before training, not traced; None where it cannot be built.
        beside: generators with other upsampling layers, trained alike on the same data.
        real: held-out real images.
        least: dB that count.
        about: which checkpoint, data and settings.
    """

    own: Look
    untrained: Look | None
    beside: tuple[Look, ...]
    real: Baseline
    least: float
    about: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """Return the excess at every layer's period with its interval, and the layer named."""
        chance = dict(zip((s.layer for s in self.own.stages), self.real.by_chance, strict=True))
        return {
            **self.about,
            "least_db": self.least,
            **_verdict(self.own),
            "layers": {name: row | {
                "real_against_real_db": chance[name].value,
                "real_against_real_interval": list(chance[name].interval),
                "real_against_real_p": chance[name].p_above(),
            } for name, row in _rows(self.own).items()},
            "beside": {one.name: {**_verdict(one), "layers": _rows(one)} for one in self.beside},
        }  # fmt: skip


def _verdict(look: Look) -> dict[str, Any]:
    found = look.verdict
    periods = [stage.period for stage in look.stages]
    at = None if found.period is None else periods.index(found.period)
    return {
        "layer": found.layer,
        "layer_said": found.layer or "no layer",
        "period": found.period,
        "confirmed_by_evening": found.confirmed if found.layer else None,
        "reason": found.reason,
        "checkerboard_grey_levels": None if at is None else look.grey_levels[at],
        "highest_over_real_db": max((one.value for one in look.over), default=None),
    }


def _rows(look: Look) -> dict[str, dict[str, Any]]:
    return {
        stage.layer: {
            "period": stage.period,
            "excess_db": look.alone[i].value,
            "excess_interval": list(look.alone[i].interval),
            "over_real_db": look.over[i].value,
            "over_real_interval": list(look.over[i].interval),
            "p_adjusted": look.verdict.p_values[i],
            "grey_levels": look.grey_levels[i],
            "maps_db": look.maps[i].value,
            "unevenness_predicted": stage.unevenness,
            "unevenness_of_weights": stage.unevenness_weights,
            "removed_by_evening_db": look.removed[i][i].value if look.removed else None,
        }
        for i, stage in enumerate(look.stages)
    }
