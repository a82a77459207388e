"""Layers that draw, from a seed: torch has one global stream for initial weights and dropout."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

_STREAM = RLock()


@contextmanager
def seeded(seed: int = 0, device: torch.device | None = None) -> Iterator[None]:
    """Let layers that are built or run inside draw from a seed; then the streams are as they were.

    Two threads that do so at once take turns, so each gets what it would get alone. Nothing else
    may draw from that stream, or put it back.

    Args:
        seed: of the weights, or of dropped units; of no consequence where nothing draws.
        device: where layers run: a GPU has a stream of its own, which dropout there draws from.
    """
    if device is None or device.type == "cpu":
        with _STREAM, torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            yield
        return
    index = device.index or 0
    with _STREAM, torch.random.fork_rng(devices=[index], device_type=device.type):
        torch.default_generator.manual_seed(seed)
        torch.get_device_module(device).default_generators[index].manual_seed(seed)
        yield
