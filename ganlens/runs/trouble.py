"""Naming what goes wrong in a training run, from its steps and its samples."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

import numpy as np

from ganlens.training import TrainStep

WINDOW = 200  # steps that a judgement looks back on
PINNED = 0.98  # accuracy of D on both sides above which it has nothing left to learn
VANISHED = 0.02  # share of its early norm below which G's gradient carries no news
COLLAPSED = 0.35  # share of the real images' spread below which samples are near copies


class NotFinite(ArithmeticError):
    """A loss or a gradient became NaN or infinite: no later step can be good."""


@dataclass
class Watch:
    """Looks at every step and, when it is time, at the samples of fixed latents.

    Attributes:
        real_spread: mean pairwise distance of real images, see ``spread``.
        recent: the last steps.
        early: G's gradient norms of the first ``WINDOW`` steps.
    """

    real_spread: float
    recent: deque[TrainStep] = field(default_factory=lambda: deque(maxlen=WINDOW))
    early: list[float] = field(default_factory=list)

    def see(self, step: TrainStep) -> None:
        """Take note of a step.

        Raises:
            NotFinite: one of its numbers is NaN or infinite.
        """
        for name in ("d_loss", "g_loss", "d_grad", "g_grad"):
            value = getattr(step, name)
            if value is not None and not math.isfinite(value):
                raise NotFinite(f"{name} is {value} at step {step.step}")
        self.recent.append(step)
        if step.g_grad is not None and len(self.early) < WINDOW:
            self.early.append(step.g_grad)

    def warnings(self, samples: np.ndarray) -> list[str]:
        """Return what looks wrong now, one line each.

        Args:
            samples: (N, H, W, C) uint8 images of fixed latents.
        """
        found = []
        share = spread(samples) / max(self.real_spread, 1e-9)
        if share < COLLAPSED:
            found.append(
                f"collapse: samples of different latents differ {share:.0%} as much as real images"
                " do; go back to the best checkpoint, or try --instance-noise 0.5 or a lower --lr"
            )
        if self._pinned():
            found.append(
                "discriminator too strong: it is right on nearly every image and the generator's"
                " gradient has vanished; try --instance-noise 0.5 --label-smoothing 0.1"
            )
        return found

    def _pinned(self) -> bool:
        """High accuracy alone is a false alarm; only without a gradient for G is the run stuck."""
        if len(self.recent) < WINDOW or not self.early:
            return False
        judged = [s for s in self.recent if s.d_real is not None]
        gradients = [s.g_grad for s in self.recent if s.g_grad is not None]
        if not judged or not gradients:
            return False
        right = fmean(min(s.d_real or 0.0, s.d_fake or 0.0) for s in judged)
        return right > PINNED and median(gradients) < VANISHED * median(self.early)


def spread(images: np.ndarray | Sequence[np.ndarray]) -> float:
    """Mean root-mean-square distance of all pairs of up to 64 images, in grey levels (0 to 255)."""
    flat = np.asarray(images[:64], np.float64).reshape(min(len(images), 64), -1)
    squares = (flat**2).sum(1)
    gram = squares[:, None] + squares[None, :] - 2 * flat @ flat.T
    upper = np.triu_indices(len(flat), 1)
    return (
        float(np.sqrt(np.maximum(gram[upper], 0) / flat.shape[1]).mean()) if len(flat) > 1 else 0.0
    )
