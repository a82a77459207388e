"""Layers that draw, from a seed: torch has one global stream for initial weights and dropout."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

_STREAM = RLock()


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """Let layers that are built or run inside draw from a seed; then the stream is as it was.

    Two threads that do so at once take turns, so each gets what it would get alone.

    Args:
        seed: of the weights, or of dropped units; of no consequence where nothing draws.
    """
    with _STREAM, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
