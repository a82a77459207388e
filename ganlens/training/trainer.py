"""The training loop: ``train`` yields one TrainStep per update, prints nothing, touches no disk.

Every random draw belongs to a step: batch order, latents and augmentation come from streams keyed
by (seed, purpose, step). A run that was interrupted therefore continues exactly where an
uninterrupted one would be, with no random state to save.
"""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.checkpoints import Checkpoint
from ganlens.errors import GanlensError
from ganlens.models.prior import Prior
from ganlens.training.config import TrainConfig
from ganlens.training.feed import Feed
from ganlens.training.learners import Learners, frozen
from ganlens.training.losses import discriminator_loss, generator_loss, r1_penalty
from ganlens.training.ranks import alone, average_in_place, averaged
from ganlens.training.rotation import FOR_GENERATOR
from ganlens.training.state import restore, state_of
from ganlens.training.step import TrainStep

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Trainer:
    """The state of a run and the step that advances it.

    Args:
        family: a key of MODELS.
        arguments: the constructor arguments of both networks.
        config: how to train.
        images: (N, H, W, C) uint8 training images; may be memory-mapped.
        fabric: device, precision and ranks; a single process on the best device by default.
        start: a checkpoint of the same networks to train on (fine-tuning); None begins with random
            weights.

    Raises:
        GanlensError: fewer images than a batch, images of another shape than the networks', or a
            start with other networks.
    """

    def __init__(
        self,
        family: str,
        arguments: dict[str, Any],
        config: TrainConfig,
        images: np.ndarray,
        fabric: "Fabric | None" = None,
        start: Checkpoint | None = None,
    ) -> None:
        self.fabric = fabric or alone()
        self.family, self.arguments = family, arguments
        self.config, self.images, self.start = config, images, start
        self._learners = Learners(family, arguments, config, start)
        self._check(self._learners.generator)
        self.prior: Prior = self._learners.generator.prior
        place: dict[str, Any] = {"device": self.fabric.device, "memory_format": torch.channels_last}
        self._learners.to(**place)
        self.step = 0
        self.g_optimizer = self._adam(self.generator, config.lr)
        self.d_optimizer = self._adam(
            self._learners.discriminator_side, config.lr_discriminator or config.lr
        )
        self._optimizers = {"g_adam": self.g_optimizer, "d_adam": self.d_optimizer}
        self._feed = Feed(images, config, self.fabric)

    def _check(self, generator: Any) -> None:
        channels, height, width = generator.image_shape
        if self.images.shape[1:] != (height, width, channels):
            raise GanlensError(
                f"images of shape {self.images.shape[1:]} do not fit networks for"
                f" {(height, width, channels)}: open the data with size={height},"
                f" channels={channels}"
            )
        if len(self.images) < self.config.batch_size:
            raise GanlensError(
                f"batch size {self.config.batch_size} is more than the {len(self.images)} training"
                f" images: choose --batch-size {max(len(self.images), 2)} or less"
            )
        alone = self.config.batch_size <= self.fabric.world_size
        if alone and any(isinstance(m, nn.BatchNorm1d) for m in generator.modules()):
            raise GanlensError(
                f"batch size {self.config.batch_size} leaves one latent to a process, over which"
                f" no batch norm can be taken: choose {2 * self.fabric.world_size} or more"
            )
        if self.config.batch_size % self.fabric.world_size:
            raise GanlensError(
                f"batch size {self.config.batch_size} cannot be shared by {self.fabric.world_size}"
                " processes: choose a multiple"
            )

    def _adam(self, network: nn.Module, lr: float) -> torch.optim.Adam:
        betas = (self.config.beta1, self.config.beta2)
        decay = self.config.weight_decay
        return torch.optim.Adam(network.parameters(), lr, betas, weight_decay=decay, fused=True)

    @property
    def generator(self) -> nn.Module:
        """The generator as the last step left it."""
        return self._learners.generator

    @property
    def discriminator(self) -> nn.Module:
        """The discriminator as the last step left it."""
        return self._learners.discriminator

    @property
    def ema(self) -> nn.Module:
        """The generator's moving average."""
        return self._learners.ema

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The generator, the discriminator and "ema", the generator's moving average, by name."""
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "ema": self.ema,
        }

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one pass."""
        return self._feed.steps_per_epoch

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self._feed.total_steps

    def advance(self) -> TrainStep:
        """Do one step on the next batch of this run's order."""
        began = time.perf_counter()
        update_d, update_g = self._turns()
        real, z = self._feed.real(self.step), self._feed.latents(self.step, self.prior)
        self.generator.train(), self.discriminator.train()
        with self.fabric.autocast(), torch.set_grad_enabled(update_g):
            fake = self.generator(z)
        d = self._update_discriminator(real, fake.detach()) if update_d else {}
        g = self._update_generator(fake) if update_g else {}
        self.step += 1
        rate = self.config.batch_size / (time.perf_counter() - began)
        epoch = (self.step - 1) // self.steps_per_epoch
        return TrainStep(step=self.step, epoch=epoch, images_per_second=rate, **d, **g)

    def _turns(self) -> tuple[bool, bool]:
        if self.config.schedule == "both":
            return True, True
        return self.step % 2 == 1, self.step % 2 == 0  # the authors' loop begins with G

    def _update_discriminator(self, real: Tensor, fake: Tensor) -> dict[str, float | None]:
        penalise = self.config.r1 > 0 and self.step % self.config.r1_every == 0
        seen = self._feed.seen(real, "real", self.step).requires_grad_(penalise)
        with self.fabric.autocast():
            on_real = self.discriminator(seen).float()
            on_fake = self.discriminator(self._feed.seen(fake, "fake", self.step)).float()
        loss = d_loss = discriminator_loss(on_real, on_fake, self.config.label_smoothing)
        if penalise:
            loss = d_loss + self.config.r1_every * r1_penalty(on_real, seen, self.config.r1)
        turned, told = self._rotation(real.detach(), "real")  # R1 may watch real's gradient
        norm = self._descend(self._learners.discriminator_side, self.d_optimizer, loss + turned)
        return {
            "d_loss": self._mean(d_loss),
            "d_real": self._mean((on_real > 0).float().mean()),
            "d_fake": self._mean((on_fake < 0).float().mean()),
            "d_turned": told,
            "d_grad": norm,
        }

    def _update_generator(self, fake: Tensor) -> dict[str, float | None]:
        with frozen(self._learners.discriminator_side):
            with self.fabric.autocast():
                logits = self.discriminator(self._feed.seen(fake, "fake", self.step)).float()
            loss = generator_loss(logits)
            turned, _ = self._rotation(fake, "fake")
            norm = self._descend(self.generator, self.g_optimizer, loss + FOR_GENERATOR * turned)
        self._learners.average(self.step, self.config.ema_decay)
        return {"g_loss": self._mean(loss), "g_grad": norm}

    def _rotation(self, x: Tensor, purpose: str) -> tuple[Tensor | float, float | None]:
        """Return the rotation task's weighted loss and share told right; without it 0 and None."""
        if not self.config.rotation:
            return 0.0, None
        turned = self._feed.turned(x, purpose, self.step)
        with self.fabric.autocast():
            loss, right = self._learners.rotation(self.discriminator, turned)
        return self.config.rotation * loss, self._mean(right)

    def _descend(self, network: nn.Module, optimizer: torch.optim.Adam, loss: Tensor) -> float:
        optimizer.zero_grad()
        loss.backward()
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        average_in_place(self.fabric, gradients)
        norm = nn.utils.get_total_norm(gradients)
        optimizer.step()
        return float(norm)

    def _mean(self, value: Tensor) -> float:
        return float(averaged(self.fabric, value.detach()))

    def state(self) -> dict[str, Tensor]:
        """Return every tensor that resuming needs, by name; the step is ``step``."""
        networks = dict(self._learners.named_children())
        return state_of(networks, self._optimizers) | {"step": torch.tensor(self.step)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over what ``state`` returned."""
        restore(tensors, dict(self._learners.named_children()), self._optimizers)
        self.step = int(tensors["step"])


def train(trainer: Trainer) -> Iterator[TrainStep]:
    """Advance a run to its end, one TrainStep at a time."""
    while trainer.step < trainer.total_steps:
        yield trainer.advance()
