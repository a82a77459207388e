"""The training loop: ``train`` yields one TrainStep per update, prints nothing, touches no disk.

It knows phases and networks by name, and no family. Every random draw belongs to a step: batch
order, latents, augmentation and what layers draw themselves come from streams keyed by (seed,
purpose, step). A run that was interrupted therefore continues exactly where an uninterrupted one
would be, with no random state to save.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.checkpoints import Checkpoint
from ganlens.errors import GanlensError
from ganlens.initialisation import seeded
from ganlens.models.base import source_shape
from ganlens.models.family import Batch, Phase, domain_of
from ganlens.models.guard import guarded
from ganlens.training.batches import Batches
from ganlens.training.checks import check_learning, check_outputs, check_phases, checked_loss
from ganlens.training.config import TrainConfig, configure, trainable
from ganlens.training.data import TrainingData, as_training_data
from ganlens.training.networks import TrainedNetworks
from ganlens.training.ranks import alone, average_in_place, averaged
from ganlens.training.state import restore, state_of
from ganlens.training.step import TrainStep

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Trainer:
    """The state of a run and the step that advances it.

    Args:
        family: a key of MODELS that ganlens trains.
        arguments: the networks' plain values.
        config: how to train.
        data: (N, H, W, C) uint8 training images, memory-mapped or not, or these with labels and
            a second domain.
        fabric: device, precision and ranks; a single process on the best device by default.
        start: a checkpoint of the same networks to train on (fine-tuning); None begins with random
            weights.

    Raises:
        GanlensError: fewer images than a batch, images of another shape than the networks', data
            without what the family learns from, or a start with other networks.
    """

    def __init__(
        self,
        family: str,
        arguments: Mapping[str, Any],
        config: TrainConfig,
        data: np.ndarray | TrainingData,
        fabric: "Fabric | None" = None,
        start: Checkpoint | None = None,
    ) -> None:
        self.fabric = fabric or alone()
        self.family, self.arguments, self.start = family, dict(arguments), start
        self.config = config if config.objective else configure(family, **config.flat())
        self.data = as_training_data(data)
        self._family = trainable(family)
        self.trained = TrainedNetworks(family, arguments, self.config, start)
        self.batches = Batches(self.data, self.config, self.fabric)
        self._check()
        self.trained.to(self.fabric.device)
        self.step = 0
        self.phases = self._phases()
        self._optimizers = {f"{p.name}_adam": self._adam(p) for p in self.phases}

    def _phases(self) -> tuple[Phase, ...]:
        nets = self.trained.learning
        saved = {name: nets[name] for name in self.trained.saved}
        check_outputs(self.family, self._family, saved, self.data.labels)
        with self._guarded("phases"):
            found = self._family.phases(nets, self.config.objective)
        phases = check_phases(self.family, found, list(nets))
        check_learning(self.family, self._family, phases, saved)
        return phases

    def _guarded(self, what: str) -> AbstractContextManager[None]:
        return guarded(self._family, self.family, what)

    def _check(self) -> None:
        """Fail before the long work."""
        count, size, ranks = len(self.data.images), self.config.batch_size, self.fabric.world_size
        self._check_data()
        if count < size:
            raise GanlensError(
                f"batch size {size} is more than the {count} training"
                f" images: choose --batch-size {max(count, 2)} or less"
            )
        norms = (m for m in self.trained.learning.modules() if isinstance(m, nn.BatchNorm1d))
        if size <= ranks and any(norms):
            raise GanlensError(
                f"batch size {size} leaves one latent to a process, over which"
                f" no batch norm can be taken: choose {2 * ranks} or more"
            )
        if size % ranks:
            raise GanlensError(
                f"batch size {size} cannot be shared by {ranks} processes: choose a multiple"
            )

    def _check_data(self) -> None:
        family, data = self._family, self.data
        if family.conditions and data.labels is None:
            raise GanlensError(
                f"family {self.family!r} takes {' or '.join(family.conditions)} and these images"
                " have none: give data that have"
            )
        if family.domains == 2 and data.others is None:
            raise GanlensError(
                f"family {self.family!r} learns from two sets of images: give --others SPEC"
            )
        for name in self.trained.saved:
            channels, height, width = source_shape(self.trained.learning[name])
            shape = data.of(domain_of(family, name)).shape[1:]
            if shape != (height, width, channels):
                raise GanlensError(
                    f"images of shape {shape} do not fit networks for"
                    f" {(height, width, channels)}: open the data with size={height},"
                    f" channels={channels}"
                )

    def _adam(self, phase: Phase) -> torch.optim.Adam:
        weights, how = self.trained.group(phase.learns).parameters(), phase.adam
        return torch.optim.Adam(
            weights, how.lr, how.betas, weight_decay=how.weight_decay, fused=True
        )

    @property
    def networks(self) -> dict[str, nn.Module]:
        """What a checkpoint keeps: networks by name, their moving averages as "ema.NAME"."""
        learning = {name: self.trained.learning[name] for name in self.trained.saved}
        return learning | {f"ema.{name}": net for name, net in self.trained.averages.items()}

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one pass."""
        return self.batches.steps_per_epoch

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.batches.total_steps

    def advance(self) -> TrainStep:
        """Do one step on the next batch of this run's order."""
        began, batch = time.perf_counter(), self.batches.batch(self.step)
        self.trained.learning.train()
        with self._guarded("at"):
            self._family.at(self.trained.learning, batch.progress)
        due = [p for p in self.phases if self.step % p.every == p.offset % p.every]
        made = self._forward(due, batch)
        numbers: dict[str, float] = {}
        for phase in due:
            numbers |= self._descend(phase, batch, made)
            if set(phase.learns) & set(self.trained.averages):
                self.trained.average(self.step, self.config.ema_decay)
        self.step += 1
        rate = self.config.batch_size / (time.perf_counter() - began)
        epoch = (self.step - 1) // self.steps_per_epoch
        return TrainStep(self.step, epoch, rate, numbers)

    def _forward(self, due: list[Phase], batch: Batch) -> Any:
        learns = {name for phase in due for name in phase.learns}
        what = self._guarded("forward")
        with self.trained.only(learns), self._drawing("forward"), self.fabric.autocast(), what:
            return self._family.forward(self.trained.learning, batch)

    def _descend(self, phase: Phase, batch: Batch, made: Any) -> dict[str, float]:
        """Step one phase's optimizer; return what it shows, as means over the ranks."""
        optimizer = self._optimizers[f"{phase.name}_adam"]
        with self.trained.only(phase.learns):
            what = self._guarded(f"its phase {phase.name!r}")
            with self._drawing(f"phase {phase.name}"), self.fabric.autocast(), what:
                found = phase.loss(batch, made)
            loss, numbers = checked_loss(self.family, phase.name, found)
            optimizer.zero_grad()
            with self._guarded(f"the gradient of its phase {phase.name!r}"):
                loss.backward()
            weights = self.trained.group(phase.learns).parameters()
            gradients = [w.grad for w in weights if w.grad is not None]
            average_in_place(self.fabric, gradients)
            norm = nn.utils.get_total_norm(gradients)
            optimizer.param_groups[0]["lr"] = phase.adam.lr_at(batch.progress)
            optimizer.step()
        shown = {name: self._mean(value) for name, value in numbers.items()}
        return {**shown, f"{phase.name}_grad": float(norm)}

    def _drawing(self, purpose: str) -> Any:
        """Let layers that draw, such as dropout, draw from a stream of this step."""
        return seeded(self.batches.seed(purpose, self.step), self.fabric.device)

    def _mean(self, value: Tensor) -> float:
        return float(averaged(self.fabric, value.detach()))

    def state(self) -> dict[str, Tensor]:
        """Return every tensor that resuming needs, by name; the step is ``step``."""
        networks = self.trained.by_name()
        return state_of(networks, self._optimizers) | {"step": torch.tensor(self.step)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what ``state`` returned, or what ganlens 0.1 wrote.

        Raises:
            RuntimeError: the tensors are those of other networks, or those of an optimizer that has
                stepped are missing.
        """
        restore(tensors, self.trained.by_name(), self._optimizers)
        self.step = int(tensors["step"])
        for phase in self.phases:
            if self.step > phase.offset and not self._optimizers[f"{phase.name}_adam"].state:
                raise RuntimeError(f"the moments of phase {phase.name!r} are missing")


def train(trainer: Trainer) -> Iterator[TrainStep]:
    """Advance a run to its end, one TrainStep at a time."""
    while trainer.step < trainer.total_steps:
        yield trainer.advance()
