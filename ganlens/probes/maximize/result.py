"""Result of the maximize probe: images that excite units most, and what they reach."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.maximize.ascent import Ascent
from ganlens.probes.result import Number, Result


@dataclass(frozen=True)
class MaximizeResult(Result):
    """The images that excite U units most.

    Attributes:
        names: of the units, as the user writes them.
        networks: which network each is in.
        trained: what the ascent made and reached.
        untrained: the same in the untrained networks, None where there are none.
        real: (U, H, W, C) uint8, the real image with each unit's highest activation.
        note: why there is nothing untrained, or empty.
    """

    names: tuple[str, ...]
    networks: tuple[str, ...]
    trained: Ascent
    untrained: Ascent | None
    real: np.ndarray
    note: str

    def numbers(self) -> list[Number]:
        """Return what each unit reached beside the controls; the score is in steps of real images.

        0 is the median real image and 1 the highest one of the N.
        """
        found, before = self.trained, self.untrained
        alike = "every unit has the same activation on all real images"
        return Number.each(
            {
                "units": {name: self._unit(i) for i, name in enumerate(self.names)},
                "score_median": _median(found.score),
                "score_lowest": _plain(
                    np.min(found.score, initial=np.inf, where=np.isfinite(found.score))
                ),
                "score_noise_median": _median(found.scaled(found.highest_noise)),
                "score_untrained_median": before and _median(before.score),
                "above_every_real_image": (found.reached > found.highest_real).sum(),
                "n_units": len(self.names),
                "untrained_note": self.note or None,
            },
            {
                **dict.fromkeys(("score_median", "score_lowest", "score_noise_median"), alike),
                "score_untrained_median": self.note or alike,
            },
        )

    def _unit(self, i: int) -> dict[str, Any]:
        found, before = self.trained, self.untrained
        return {
            "network": self.networks[i],
            "reached": found.reached[i],
            "highest_real": found.highest_real[i],
            "median_real": found.median_real[i],
            "highest_noise": found.highest_noise[i],
            "score": _plain(found.score[i]),
            "probability": _plain(found.probability[i]),
            "reached_untrained": before and before.reached[i],
            "highest_real_untrained": before and before.highest_real[i],
            "score_untrained": before and _plain(before.score[i]),
        }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
