"""Deterministic batches: images and latents of a step, from seeds of (seed, purpose, step)."""

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
from ganlens.training.streams import stream as seed_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric

ArrayT = TypeVar("ArrayT", np.ndarray, Tensor)


class Batches:
    """The batches of a run by their step; without state, so that nothing is to be resumed.

    Each pass is in another order and leaves the last incomplete batch out. Of a batch each rank has
    every world_size-th image. Order and latents are the same on any number of ranks, flips and
    noise are a rank's own.

    Args:
        data: what is trained on.
        config: batch size over all ranks, seed, and whether half of the images are mirrored.
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
        """Return this rank's part of a step on its device: (n, C, H, W) images in [-1, 1].

        n is the batch size over the number of ranks.
        """
        rows = self.rows(step)
        labels = self.data.labels
        labelled = None if labels is None else labels[torch.from_numpy(rows)].to(self.fabric.device)
        return Batch(
            images=self._loaded(self.data.images, rows, "flip", step),
            labels=labelled,
            others=self._others(step),
            step=step,
            progress=step / self.total_steps,
            stream=partial(self.stream, step=step),
            latents=partial(self.latents, step),
        )

    def rows(self, step: int) -> np.ndarray:
        """Return the (n,) ascending indices of this rank's training images of a step."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = self._order("order", epoch, len(self.data.images))
        rows = order[place * self.config.batch_size : (place + 1) * self.config.batch_size]
        return np.sort(self._part(rows))

    def latents(self, step: int, prior: Prior) -> Tensor:
        """Return this rank's (n, d) latents of a step; equal priors give equal ones."""
        seed = seed_of(self.config.seed, "latents", step)
        z = prior.sample_batch(self.config.batch_size, seed)
        return self._part(z).to(self.fabric.device)

    def stream(self, purpose: str, step: int) -> torch.Generator:
        """Return a generator on the CPU for one draw of this rank at a step."""
        return torch.Generator().manual_seed(self.seed(purpose, step))

    def seed(self, purpose: str, step: int) -> int:
        """Return the seed of one draw of this rank at a step."""
        return seed_of(self.config.seed, f"{purpose}-{self.fabric.global_rank}", step)

    def _loaded(self, images: np.ndarray, rows: np.ndarray, purpose: str, step: int) -> Tensor:
        """Return images in [-1, 1], half of them mirrored where that is asked for."""
        batch = from_uint8(images[rows], self.fabric.device)
        if self.config.flip:
            mirrored = torch.rand(len(batch), generator=self.stream(purpose, step)) < 0.5
            mirrored = mirrored.to(batch.device)[:, None, None, None]
            batch = torch.where(mirrored, batch.flip(3), batch)
        return batch

    def _others(self, step: int) -> Tensor | None:
        """Return images of the second domain, in an order of its own that changes each pass."""
        others, size = self.data.others, self.config.batch_size
        if others is None:
            return None
        passes, places = np.divmod(np.arange(step * size, (step + 1) * size), len(others))
        orders = {
            p: np.random.default_rng(seed_of(self.config.seed, "others", p)).permutation(
                len(others)
            )
            for p in np.unique(passes).tolist()
        }
        rows = np.array([orders[p][i] for p, i in zip(passes.tolist(), places, strict=True)])
        return self._loaded(others, self._part(rows), "flip-others", step)

    def _order(self, purpose: str, epoch: int, count: int) -> np.ndarray:
        """Return the (count,) order of images in one pass, the same on every rank."""
        rng = np.random.default_rng(seed_of(self.config.seed, purpose, epoch))
        return rng.permutation(count)

    def _part(self, rows: ArrayT) -> ArrayT:
        """Return this rank's part of what belongs to the whole batch."""
        return rows[self.fabric.global_rank :: self.fabric.world_size]
