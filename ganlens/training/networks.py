"""The networks of a run: a family's, their moving averages, and what only training needs.

What is saved of a run are their tensors, under their names here.
"""

import copy
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.checkpoints import Checkpoint
from ganlens.errors import GanlensError
from ganlens.models import build
from ganlens.models.arguments import completed
from ganlens.models.family import check_reads
from ganlens.models.guard import guarded
from ganlens.training.checks import check_networks
from ganlens.training.config import TrainConfig, trainable
from ganlens.training.start import check_start, fill
from ganlens.training.streams import stream


class TrainedNetworks:
    """A family's networks as they learn.

    Args:
        family: a key of MODELS.
        arguments: the networks' plain values.
        config: how they are trained.
        start: a checkpoint whose weights they take over; None for random ones.

    Attributes:
        learning: networks by name, with what only training needs.
        averages: name -> the moving average of that network.
        saved: names of the networks that a checkpoint holds.

    Raises:
        GanlensError: the start has other networks, or the family's cannot be used.
    """

    def __init__(
        self,
        family: str,
        arguments: Mapping[str, Any],
        config: TrainConfig,
        start: Checkpoint | None,
    ) -> None:
        one = trainable(family)
        self._begun = start is not None
        if start:
            check_start(start, family, completed(one, arguments))
        with guarded(one, family, "its networks"):
            built = build(family, arguments, stream(config.seed, "init", 0))
        check_networks(family, one, built)
        check_reads(built, one)
        self.saved = tuple(built)
        self.learning: Any = nn.ModuleDict(built)
        slow = {name: copy.deepcopy(built[name]) for name in one.averaged}
        self.averages = nn.ModuleDict(slow).requires_grad_(False)
        if start:
            fill(start, self.learning, self.averages)
        # Still on the CPU, where seeds mean the same on every machine.
        draw = partial(stream, config.seed, step=0)
        with guarded(one, family, "equip"):
            self.learning.update(_apart(one.equip(built, config.objective, draw), built, family))

    def to(self, device: torch.device) -> None:
        """Move everything to a device, channels last."""
        for part in (self.learning, self.averages):
            part.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def group(self, names: Collection[str]) -> nn.ModuleList:
        """Return some networks as one: what an optimizer steps."""
        return nn.ModuleList(self.learning[name] for name in names)

    @contextmanager
    def only(self, names: Collection[str]) -> Iterator[None]:
        """Let some networks learn inside the block; through the others gradients still pass."""
        spared = [
            weight
            for name, network in self.learning.items()
            if name not in names
            for weight in network.parameters()
            if weight.requires_grad
        ]
        for weight in spared:
            weight.requires_grad_(False)
        try:
            yield
        finally:
            for weight in spared:
                weight.requires_grad_(True)

    @torch.no_grad()
    def average(self, step: int, decay: float) -> None:
        """Move the averages, floating buffers included; slower as the run gets older.

        One that goes on from a start is old already: haste would forget it in a few steps.
        """
        weight = 1 - (decay if self._begun else min(decay, (1 + step) / (10 + step)))
        for name, slow in self.averages.items():
            fast, pairs = self.learning[name], list[tuple[Tensor, Tensor]]()
            pairs += zip(slow.parameters(), fast.parameters(), strict=True)
            pairs += zip(slow.buffers(), fast.buffers(), strict=True)
            floats = [(a, b) for a, b in pairs if a.is_floating_point()]
            torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], weight)

    def by_name(self) -> dict[str, nn.Module]:
        """Return every network under the name of its tensors: averages as "ema.NAME"."""
        return {**self.learning, **{f"ema.{name}": net for name, net in self.averages.items()}}


def _apart(more: dict[str, nn.Module], built: Collection[str], family: str) -> dict[str, nn.Module]:
    """Return what only training needs; one that hid a network would be saved in its place."""
    if hidden := sorted(set(more) & set(built)):
        raise GanlensError(f"equip of family {family!r} returns {hidden[0]!r}, the name of one of"
                           " its networks: choose another")  # fmt: skip
    return more
