"""One pass shared by the processes that ``torchrun`` starts: each takes a stretch of the images."""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist

from ganlens.errors import GanlensError
from ganlens.features.base import Extractor
from ganlens.features.passes import BATCH, features_of
from ganlens.features.source import ImageSource, Stretch
from ganlens.features.store import FeatureStore

PIECE = 2**24  # numbers that travel at a time
PATIENCE = timedelta(hours=12)  # that a rank waits for a slower one, whose features may be cold


@dataclass(frozen=True)
class World:
    """The processes that share the work.

    Attributes:
        rank: which of them this is, from 0.
        size: how many there are; 1 outside ``torchrun``.
    """

    rank: int = 0
    size: int = 1


def world() -> World:
    """Read from the environment that ``torchrun`` sets; alone where nothing is set."""
    return World(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


@contextmanager
def together(device: torch.device | str = "cpu") -> Iterator[World]:
    """Let the ranks reach each other inside the block; one that exists already is left as it is.

    Features travel as CPU tensors by gloo; on a GPU nccl is there beside it.

    Args:
        device: where this rank's extractor runs.
    """
    here = world()
    if here.size == 1 or dist.is_initialized():
        yield here
        return
    cuda = torch.device(device).type == "cuda"
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=PATIENCE)
    try:
        yield here
    finally:
        dist.destroy_process_group()


def shard(source: ImageSource, here: World, batch_size: int = BATCH) -> ImageSource:
    """Return the contiguous stretch of a source that a rank takes; alone, the source itself.

    Stretches begin at whole batches where there are enough of them, so that an image is in the
    same company as in a single process.

    Raises:
        GanlensError: fewer images than ranks.
    """
    if here.size == 1:
        return source
    if source.count < here.size:
        raise GanlensError(
            f"{source.count} images cannot be shared by {here.size} processes: start fewer"
        )
    unit = batch_size if source.count >= batch_size * here.size else 1
    units = source.count // unit
    first, stop = (units * rank // here.size * unit for rank in (here.rank, here.rank + 1))
    return Stretch(source, first, source.count if here.rank + 1 == here.size else stop)


def shared_features_of(
    extractor: Extractor,
    source: ImageSource,
    *,
    store: FeatureStore | None = None,
    batch_size: int = BATCH,
    precision: str = "float32",
) -> Generator[int, None, np.ndarray]:
    """Do the same as ``features_of``, each rank for its stretch; every rank returns all features.

    Every rank's stretch is stored and continued by itself; the whole, (N, D), is held in memory
    where there is more than one rank. Must be called by every rank inside ``together``.

    Yields:
        The number of images done by this rank.
    """
    part = yield from features_of(
        extractor,
        shard(source, world(), batch_size),
        store=store,
        batch_size=batch_size,
        precision=precision,
    )
    return gather(part)


def gather(part: np.ndarray) -> np.ndarray:
    """Return the rows of every rank, in their order, on every rank.

    Args:
        part: (n, D) float32 rows of this rank; n may differ from rank to rank, D not.

    Raises:
        GanlensError: more than one rank outside ``together``.
    """
    here = world()
    if here.size == 1:
        return part
    counts = _sent_by_all(np.array([len(part)], np.int64)).flatten().tolist()
    whole = np.empty((sum(counts), part.shape[1]), np.float32)
    step, first = max(1, PIECE // part.shape[1]), 0
    for rank, count in enumerate(counts):
        for start in range(0, count, step):
            stop = min(start + step, count)
            rows = torch.from_numpy(whole[first + start : first + stop])
            if rank == here.rank:
                rows.copy_(torch.from_numpy(np.array(part[start:stop])))
            dist.broadcast(rows, rank)
        first += count
    return whole


def _sent_by_all(own: np.ndarray) -> np.ndarray:
    """Stack the arrays of all ranks, equal in shape and type, in rank order."""
    if not dist.is_initialized():
        raise GanlensError(
            f"{world().size} processes do not know of each other: wrap the work in"
            " ganlens.features.together()"
        )
    parts = [torch.from_numpy(np.empty_like(own)) for _ in range(world().size)]
    dist.all_gather(parts, torch.from_numpy(np.ascontiguousarray(own)))
    return torch.stack(parts).numpy()
