"""The networks of a run: the pair, the generator's moving average, the discriminator's second task.

What is saved of a run are their tensors, under their names here.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.checkpoints import Checkpoint
from ganlens.models import build
from ganlens.models.spectral import normalise
from ganlens.training.config import TrainConfig
from ganlens.training.feed import stream
from ganlens.training.rotation import RotationTask
from ganlens.training.start import check_start, completed, fill


class Learners(nn.Module):
    """``generator``, ``discriminator``, ``ema``, and ``rotation`` where it is asked for.

    Args:
        family: a key of MODELS.
        arguments: the constructor arguments of both networks.
        config: how they are trained.
        start: a checkpoint whose weights they take over; None for random ones.

    Raises:
        GanlensError: the start has other networks.
    """

    def __init__(
        self, family: str, arguments: dict[str, Any], config: TrainConfig, start: Checkpoint | None
    ) -> None:
        super().__init__()
        self._begun = start is not None
        if start:
            check_start(start, family, completed(family, arguments))
        pair: Any = build(family, arguments, stream(config.seed, "init", 0))
        self.generator, self.discriminator = pair
        self.ema = copy.deepcopy(self.generator).requires_grad_(False)
        if start:
            fill(start, **dict(self.named_children()))
        if config.spectral_norm:  # still on the CPU, where seeds mean the same on every machine
            normalise(self.discriminator, stream(config.seed, "spectral norm", 0))
        if config.rotation:
            seed = stream(config.seed, "rotation", 0)
            self.rotation = RotationTask(self.discriminator, seed)
            if config.spectral_norm:  # as the authors' code has it
                normalise(self.rotation, stream(config.seed, "rotation's spectral norm", 0))

    @property
    def discriminator_side(self) -> nn.ModuleList:
        """What learns on the discriminator's side: it, and its second task."""
        side = (self.discriminator, getattr(self, "rotation", None))
        return nn.ModuleList(part for part in side if part is not None)

    @torch.no_grad()
    def average(self, step: int, decay: float) -> None:
        """Move the averaged generator, floating buffers included; slower as the run gets older.

        One that goes on from a start is old already: haste would forget it in a few steps.
        """
        weight = 1 - (decay if self._begun else min(decay, (1 + step) / (10 + step)))
        pairs: list[tuple[Tensor, Tensor]] = []
        pairs += zip(self.ema.parameters(), self.generator.parameters(), strict=True)
        pairs += zip(self.ema.buffers(), self.generator.buffers(), strict=True)
        floats = [(a, b) for a, b in pairs if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], weight)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Spare the gradients of a network's weights inside the block; they still pass through it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
