"""Gradient ascent for a group of units, and what real images and noise reach."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from ganlens import images
from ganlens.devices import place_of
from ganlens.probes.base import Progress, Steps
from ganlens.probes.maximize.units import Unit, activations, channels, probabilities
from ganlens.visualization import Colours, Shake, ascend

BATCH = 256


@dataclass(frozen=True)
class Ascent:
    """Images that excite one network's U units, in their order.

    Attributes:
        pictures: (U, H, W, C) uint8, the maximised images.
        history: (steps, U) activations of the moved images during the ascent.
        reached: (U,) activations of the maximised images, not moved.
        highest_real: (U,) highest activation among the real images.
        median_real: (U,) their median.
        highest_row: (U,) which of the real images it is.
        highest_noise: (U,) highest activation among the noise images.
        probability: (U,) the classifier's probability of the class; NaN for other units.
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
        return (values - self.median_real) / np.where(span > 0, span, np.nan)


@dataclass(frozen=True)
class AscentInputs:
    """What an ascent starts from and is compared with.

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


def climb(
    module: nn.Module, units: Sequence[Unit], inputs: AscentInputs, what: str
) -> Steps[Ascent]:
    """Maximise units of one layer, and measure them on the real images and the noise."""
    history, made = [], inputs.real[:0]

    def objective(x: Tensor) -> Tensor:
        return activations(module, units, x, inputs.position).diagonal()

    _, *shape = inputs.real.shape
    how = (inputs.colours, inputs.steps, inputs.shake, inputs.seed, place_of(module))
    for now in ascend(objective, len(units), (shape[0], shape[1], shape[2]), *how):
        history.append(now.reached.float().cpu())
        made = now.images
        if now.step % 16 == 1:
            yield Progress(now.step - 1, inputs.steps, f"steps up: {what}")
    with torch.inference_mode():
        reached = objective(made).float().cpu()
        probability = probabilities(module, units, made)
    yield Progress(inputs.steps, inputs.steps, f"real images: {what}")
    real = _measured(module, units, inputs.real, inputs.position)
    noise = _measured(module, units, inputs.noise, inputs.position)
    highest = real.max(0)
    return Ascent(
        pictures=images.to_uint8(made),
        history=torch.stack(history).numpy(),
        reached=reached.numpy(),
        highest_real=highest.values.numpy(),
        median_real=real.median(0).values.numpy(),
        highest_row=highest.indices.numpy(),
        highest_noise=noise.amax(0).numpy(),
        probability=probability,
    )


def join(parts: Sequence[Ascent], order: Sequence[int]) -> Ascent:
    """Put groups of units together and into an order."""
    together = {}
    for name in (field.name for field in fields(Ascent)):
        axis = 1 if name == "history" else 0
        every = np.concatenate([getattr(part, name) for part in parts], axis=axis)
        together[name] = np.take(every, order, axis=axis)
    return Ascent(**together)


@torch.inference_mode()
def _measured(module: nn.Module, units: Sequence[Unit], x: Tensor, position: str) -> Tensor:
    place = place_of(module)
    parts = [activations(module, units, part.to(place), position) for part in x.split(BATCH)]
    return torch.cat(parts).float().cpu()


def most_varied(module: nn.Module, layer: str, count: int, inputs: AscentInputs) -> list[int]:
    """Return the channels of a layer that differ most between the real images."""
    every = [Unit("", "", layer, index) for index in range(channels(module, layer))]
    spread = _measured(module, every, inputs.real, inputs.position).std(0)
    return spread.argsort(descending=True, stable=True)[:count].tolist()
