"""One group of units: the images made for them, and what real images and noise reach."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from ganlens import images
from ganlens.probes.base import Progress
from ganlens.probes.maximize.units import Unit, activations, probabilities
from ganlens.visualization import Colours, Shake, ascend

BATCH = 256


@dataclass(frozen=True)
class Evidence:
    """What one network's units answer to; U units, in their order.

    Attributes:
        pictures: (U, H, W, C) uint8, the maximised images.
        history: (steps, U) activations of the moved images during the ascent.
        reached: (U,) activations of the maximised images, not moved.
        highest_real: (U,) highest activation among the real images.
        median_real: (U,) their median.
        highest_row: (U,) which of the real images it is.
        highest_noise: (U,) highest activation among the noise images.
        probability: (U,) what the classifier gives the asked class; NaN for other units.
    """

    pictures: np.ndarray
    history: np.ndarray
    reached: np.ndarray
    highest_real: np.ndarray
    median_real: np.ndarray
    highest_row: np.ndarray
    highest_noise: np.ndarray
    probability: np.ndarray

    @property
    def score(self) -> np.ndarray:
        """(U,) activations reached, 0 at the median real image and 1 at the highest one.

        NaN for a unit that answers alike to all real images.
        """
        return self.scaled(self.reached)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Put (..., U) activations on the scale of ``score``."""
        span = self.highest_real - self.median_real
        safe = np.where(span > 0, span, np.nan)
        return (values - self.median_real) / safe


@dataclass(frozen=True)
class Making:
    """How images are made and what they are compared with.

    Attributes:
        colours: of the data.
        steps: of gradient ascent.
        shake: random moves, or None.
        position: "mean" or "centre" of a feature map.
        seed: of the ascent.
        real: (N, C, H, W) real images in [-1, 1].
        noise: (N, C, H, W) random ones.
    """

    colours: Colours
    steps: int
    shake: Shake | None
    position: str
    seed: int
    real: Tensor
    noise: Tensor


def look(
    module: nn.Module, units: Sequence[Unit], how: Making, what: str
) -> Generator[Progress, None, Evidence]:
    """Maximise units of one layer, and read them off the real images and the noise."""
    place = next(module.parameters()).device
    history, made = [], how.real[:0]

    def objective(x: Tensor) -> Tensor:
        return activations(module, units, x, how.position).diagonal()

    shape = (how.real.shape[1], how.real.shape[2], how.real.shape[3])
    for now in ascend(
        objective, len(units), shape, how.colours, how.steps, how.shake, how.seed, place
    ):
        history.append(now.reached.float().cpu())
        made = now.images
        if now.step % 16 == 1:
            yield Progress(now.step - 1, how.steps, f"steps up: {what}")
    with torch.inference_mode():
        reached = objective(made).float().cpu()
        probability = probabilities(module, units, made)
    yield Progress(how.steps, how.steps, f"real images: {what}")
    real, noise = (_read(module, units, x, how.position) for x in (how.real, how.noise))
    highest = real.max(0)
    return Evidence(
        pictures=images.to_uint8(made),
        history=torch.stack(history).numpy(),
        reached=reached.numpy(),
        highest_real=highest.values.numpy(),
        median_real=real.median(0).values.numpy(),
        highest_row=highest.indices.numpy(),
        highest_noise=noise.amax(0).numpy(),
        probability=np.array([np.nan if p is None else p for p in probability]),
    )


def join(parts: Sequence[Evidence], order: Sequence[int]) -> Evidence:
    """Put groups of units together and into an order."""
    together = {}
    for field in fields(Evidence):
        axis = 1 if field.name == "history" else 0
        every = np.concatenate([getattr(part, field.name) for part in parts], axis=axis)
        together[field.name] = np.take(every, order, axis=axis)
    return Evidence(**together)


@torch.inference_mode()
def _read(module: nn.Module, units: Sequence[Unit], x: Tensor, position: str) -> Tensor:
    place = next(module.parameters()).device
    parts = [activations(module, units, part.to(place), position) for part in x.split(BATCH)]
    return torch.cat(parts).float().cpu()


def most_varied(
    module: nn.Module, layer: str, count: int, how: Making, candidates: int
) -> list[int]:
    """Return the channels of a layer that differ most between the real images."""
    every = [Unit("", "", layer, index) for index in range(candidates)]
    spread = _read(module, every, how.real, how.position).std(0)
    return spread.argsort(descending=True, stable=True)[:count].tolist()
