"""What belongs to one step of a run: its images, latents and noise, drawn from keyed streams."""

import hashlib
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor

from ganlens.augment import augment
from ganlens.images import from_uint8
from ganlens.models.prior import Prior
from ganlens.training.config import TrainConfig
from ganlens.training.rotation import TURNS, quarter_turns

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Rows = TypeVar("Rows", np.ndarray, Tensor)


def stream(seed: int, purpose: str, step: int) -> int:
    """Return the seed of one purpose at one step; equal arguments give equal draws anywhere."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class Feed:
    """Gives each rank its part of every step's batch; has no state, so nothing is to be resumed.

    Args:
        images: (N, H, W, C) uint8 training images; may be memory-mapped.
        config: batch size, seed, noise and augmentation.
        fabric: device and ranks.
    """

    def __init__(self, images: np.ndarray, config: TrainConfig, fabric: "Fabric") -> None:
        self.images, self.config, self.fabric = images, config, fabric

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one pass."""
        return len(self.images) // self.config.batch_size

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_per_epoch * self.config.epochs

    def real(self, step: int) -> Tensor:
        """Return this rank's (n, C, H, W) training images of a step, in [-1, 1]."""
        epoch, place = divmod(step, self.steps_per_epoch)
        drawn = np.random.default_rng(stream(self.config.seed, "order", epoch))
        order = drawn.permutation(len(self.images))
        rows = order[place * self.config.batch_size : (place + 1) * self.config.batch_size]
        batch = from_uint8(self.images[np.sort(self._share(rows))], self.fabric.device)
        if self.config.flip:
            mirrored = torch.rand(len(batch), generator=self._generator("flip", step)) < 0.5
            mirrored = mirrored.to(batch.device)[:, None, None, None]
            batch = torch.where(mirrored, batch.flip(3), batch)
        return batch

    def latents(self, step: int, prior: Prior) -> Tensor:
        """Return this rank's (n, d) latents of a step."""
        seed = stream(self.config.seed, "latents", step)
        z = prior.sample_batch(self.config.batch_size, seed)
        return self._share(z).to(self.fabric.device)

    def seen(self, x: Tensor, purpose: str, step: int) -> Tensor:
        """Return what the discriminator sees of a batch: with instance noise and augmentation.

        Args:
            x: (n, C, H, W) images in [-1, 1].
            purpose: "real", "fake" or what else is seen in a step: each has noise of its own.
            step: the noise decays over the run.
        """
        remaining = 1 - step / self.total_steps
        if self.config.instance_noise > 0:
            noise = torch.randn(x.shape, generator=self._generator(f"noise-{purpose}", step))
            x = x + noise.to(x.device) * (self.config.instance_noise * remaining)
        if self.config.augment:
            generator = self._generator(f"augment-{purpose}", step)
            x = augment(x, self.config.augment, generator)
        return x

    def turned(self, x: Tensor, purpose: str, step: int) -> Tensor:
        """Return ``quarter_turns`` of a random quarter of a batch, as the discriminator sees them.

        Args:
            x: (n, C, S, S) images in [-1, 1], before ``seen``.
            purpose: "real" or "fake".
            step: its number.
        """
        drawn = torch.randperm(len(x), generator=self._generator(f"turned-{purpose}", step))
        rows = drawn[: max(1, len(x) // TURNS)].to(x.device)
        return self.seen(quarter_turns(x[rows]), f"turned-{purpose}", step)

    def _share(self, rows: Rows) -> Rows:
        """Return this rank's part of what belongs to the whole batch."""
        return rows[self.fabric.global_rank :: self.fabric.world_size]

    def _generator(self, purpose: str, step: int) -> torch.Generator:
        purpose = f"{purpose}-{self.fabric.global_rank}"
        return torch.Generator().manual_seed(stream(self.config.seed, purpose, step))
