"""Result of the artifacts probe: spectra, excesses and the layer they are traced to."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.artifacts.measure import Measurement
from ganlens.probes.result import Number, Result
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
class ArtifactsResult(Result):
    """Spectra, excesses and the layer they were traced to.

    Attributes:
        own: the generator of the checkpoint.
        untrained: the same before training, not traced; None where it cannot be built.
        beside: generators with other upsampling layers, trained alike on the same data.
        real: held-out real images.
        least: dB that count.
    """

    own: Measurement
    untrained: Measurement | None
    beside: tuple[Measurement, ...]
    real: Baseline
    least: float

    def numbers(self) -> list[Number]:
        """Return the excess at every layer's period with its interval, and the layer named."""
        layers = _rows(self.own)
        for row, chance in zip(layers.values(), self.real.by_chance, strict=True):
            row["real_against_real_db"] = chance.value
            row["real_against_real_interval"] = chance.interval
            row["real_against_real_p"] = chance.p_above()
        others = {one.name: {**_verdict(one), "layers": _rows(one)} for one in self.beside}
        undefined = ("layer", "period", "confirmed_by_evening", "checkerboard_grey_levels",
                     "highest_over_real_db")  # fmt: skip
        return Number.each(
            {"least_db": self.least, **_verdict(self.own), "layers": layers, "beside": others},
            dict.fromkeys(undefined, self.own.verdict.reason),
        )


def _verdict(found: Measurement) -> dict[str, Any]:
    verdict = found.verdict
    periods = [stage.period for stage in found.stages]
    at = None if verdict.period is None else periods.index(verdict.period)
    return {
        "layer": verdict.layer,
        "layer_said": verdict.layer or "no layer",
        "period": verdict.period,
        "confirmed_by_evening": verdict.confirmed if verdict.layer else None,
        "reason": verdict.reason,
        "checkerboard_grey_levels": None if at is None else found.grey_levels[at],
        "highest_over_real_db": max((one.value for one in found.over), default=None),
    }


def _rows(found: Measurement) -> dict[str, dict[str, Any]]:
    return {
        stage.layer: {
            "period": stage.period,
            "excess_db": found.alone[i].value,
            "excess_interval": found.alone[i].interval,
            "over_real_db": found.over[i].value,
            "over_real_interval": found.over[i].interval,
            "p_adjusted": found.verdict.p_values[i],
            "grey_levels": found.grey_levels[i],
            "maps_db": found.maps[i].value,
            "unevenness_predicted": stage.unevenness,
            "unevenness_of_weights": stage.unevenness_weights,
            "removed_by_evening_db": found.removed[i][i].value if found.removed else None,
        }
        for i, stage in enumerate(found.stages)
    }
