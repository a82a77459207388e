"""Deterministic batches: images, latents and noise of a step, from streams keyed by its number."""

from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor

from ganlens.images import from_uint8
from ganlens.models.family import Batch
from ganlens.models.prior import Prior
from ganlens.training.config import TrainConfig
from ganlens.training.data import TrainingData
from ganlens.training.streams import stream

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Rows = TypeVar("Rows", np.ndarray, Tensor)


class Batches:
    """Gives each rank its part of every step's batch; has no state, so nothing is to be resumed.

    Args:
        data: what is trained on.
        config: batch size, seed and flips.
        fabric: device and ranks.
    """

    def __init__(self, data: TrainingData, config: TrainConfig, fabric: "Fabric") -> None:
        self.data, self.config, self.fabric = data, config, fabric

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one pass."""
        return len(self.data.images) // self.config.batch_size

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_per_epoch * self.config.epochs

    def batch(self, step: int) -> Batch:
        """Return this rank's part of a step, on its device."""
        rows = self.rows(step)
        labels = self.data.labels
        told = None if labels is None else labels[torch.from_numpy(rows)].to(self.fabric.device)
        return Batch(
            images=self._images(self.data.images, rows, "flip", step),
            labels=told,
            others=self._others(step),
            step=step,
            progress=step / self.total_steps,
            stream=partial(self.stream, step=step),
            latents=partial(self.latents, step),
        )

    def rows(self, step: int) -> np.ndarray:
        """Return the ascending (n,) rows of this rank's training images of a step."""
        epoch, place = divmod(step, self.steps_per_epoch)
        drawn = np.random.default_rng(stream(self.config.seed, "order", epoch))
        order = drawn.permutation(len(self.data.images))
        rows = order[place * self.config.batch_size : (place + 1) * self.config.batch_size]
        return np.sort(self._share(rows))

    def latents(self, step: int, prior: Prior) -> Tensor:
        """Return this rank's (n, d) latents of a step."""
        seed = stream(self.config.seed, "latents", step)
        z = prior.sample_batch(self.config.batch_size, seed)
        return self._share(z).to(self.fabric.device)

    def stream(self, purpose: str, step: int) -> torch.Generator:
        """Return the generator of one draw of this rank's at a step."""
        return torch.Generator().manual_seed(self.seed(purpose, step))

    def seed(self, purpose: str, step: int) -> int:
        """Return the seed of one draw of this rank's at a step."""
        return stream(self.config.seed, f"{purpose}-{self.fabric.global_rank}", step)

    def _images(self, images: np.ndarray, rows: np.ndarray, flips: str, step: int) -> Tensor:
        batch = from_uint8(images[rows], self.fabric.device)
        if self.config.flip:
            mirrored = torch.rand(len(batch), generator=self.stream(flips, step)) < 0.5
            mirrored = mirrored.to(batch.device)[:, None, None, None]
            batch = torch.where(mirrored, batch.flip(3), batch)
        return batch

    def _others(self, step: int) -> Tensor | None:
        """Return images of the second domain: it is passed through by itself, again and again."""
        others, size = self.data.others, self.config.batch_size
        if others is None:
            return None
        passes, places = np.divmod(np.arange(step * size, (step + 1) * size), len(others))
        orders = {
            p: np.random.default_rng(stream(self.config.seed, "others", p)).permutation(len(others))
            for p in np.unique(passes).tolist()
        }
        rows = np.array([orders[p][i] for p, i in zip(passes.tolist(), places, strict=True)])
        return self._images(others, self._share(rows), "flip-others", step)

    def _share(self, rows: Rows) -> Rows:
        """Return this rank's part of what belongs to the whole batch."""
        return rows[self.fabric.global_rank :: self.fabric.world_size]
