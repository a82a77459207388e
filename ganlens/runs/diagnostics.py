"""Diagnostics of a run: what its steps and its samples show to go wrong."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from torch import Tensor

from ganlens.models.family import Family, History
from ganlens.models.guard import guarded
from ganlens.training import TrainStep

WINDOW = 200  # steps that diagnostics are about
ROUNDING = 1e-5  # in [-1, 1]
COLLAPSED = 0.35  # share of the real images' spread below which samples are near copies


class NotFinite(ArithmeticError):
    """A loss or a gradient became NaN or infinite: no later step can be good."""


@dataclass
class Diagnostics:
    """Numbers of recent steps, and warnings from them and from samples.

    Attributes:
        family: knows what its own numbers mean.
        real_spread: mean pairwise distance of real images, see ``spread``.
        recent: numbers of the last steps.
        early: name -> its first ``WINDOW`` values.
    """

    family: Family
    real_spread: float
    recent: deque[dict[str, float]] = field(default_factory=lambda: deque(maxlen=WINDOW))
    early: dict[str, list[float]] = field(default_factory=dict)

    def add(self, step: TrainStep) -> None:
        """Take note of a step.

        Raises:
            NotFinite: one of its numbers is NaN or infinite.
        """
        for name, value in step.numbers.items():
            if not math.isfinite(value):
                raise NotFinite(f"{name} is {value} at step {step.step}")
            first = self.early.setdefault(name, [])
            if len(first) < WINDOW:
                first.append(value)
        self.recent.append(dict(step.numbers))

    def warnings(self, samples: np.ndarray) -> list[str]:
        """Return what looks wrong now, one line each.

        Args:
            samples: (N, H, W, C) uint8 images of fixed seeds.
        """
        found = []
        share = spread(samples) / max(self.real_spread, 1e-9)
        if share < COLLAPSED:
            found.append(
                f"collapse: samples of different seeds differ {share:.0%} as much as real images"
                " do; go back to the best checkpoint, or try a lower --lr" + self._noise()
            )
        history = History(tuple(self.recent), self.early, WINDOW)
        with guarded(self.family, type(self.family).__name__, "warnings"):
            lines = self.family.warnings(history)
            return found + ([lines] if isinstance(lines, str) else list(lines))

    def _noise(self) -> str:
        known = any(one.name == "instance_noise" for one in fields(self.family.Training))
        return " or --instance-noise 0.5" if known else ""


def beyond(samples: Tensor) -> list[str]:
    """Return a warning where (N, C, H, W) samples leave [-1, 1]: bytes, and scores, cut it off."""
    share = float((samples.abs() > 1 + ROUNDING).float().mean())
    if not share:
        return []
    return [
        f"range: {share:.1%} of the values of samples are beyond -1 and 1, the farthest"
        f" {float(samples.abs().max()):.3g}, and are cut off; end the network with tanh"
    ]


def spread(images: np.ndarray | Sequence[np.ndarray]) -> float:
    """Mean root-mean-square distance of all pairs of up to 64 images, in grey levels (0 to 255)."""
    flat = np.asarray(images[:64], np.float64).reshape(min(len(images), 64), -1)
    squares = (flat**2).sum(1)
    gram = squares[:, None] + squares[None, :] - 2 * flat @ flat.T
    upper = np.triu_indices(len(flat), 1)
    return (
        float(np.sqrt(np.maximum(gram[upper], 0) / flat.shape[1]).mean()) if len(flat) > 1 else 0.0
    )
