"""Weights from a seed: torch initialises layers from one stream, which all threads share."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

_STREAM = RLock()


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """Let layers that are built inside draw from a seed; the global stream is then as it was.

    Two threads that build at once take turns, so each gets what it would get alone.

    Args:
        seed: of the weights; of no consequence to who loads others over them.
    """
    with _STREAM, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
