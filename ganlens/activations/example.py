"""An input that a network takes, so that a forward pass can be followed without any data."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.initialisation import seeded

SIDES = (32, 64, 28, 16, 128, 8, 4, 256)  # of images that are tried, where a network names none


def examples_of(module: nn.Module) -> Iterator[tuple[Tensor, ...]]:
    """Yield inputs that a network may take: what it says of itself, else what its layers suggest.

    A network with a ``prior`` takes latents, one with a ``source_shape`` or ``image_shape`` takes
    images, and with a ``condition_dim`` rows beside. Of any other module the first layers tell a
    width, and images of several sides are tried.
    """
    known: Any = module
    stream = torch.Generator().manual_seed(0)
    parameter = next(module.parameters(), torch.empty(0))

    def drawn(*shape: int) -> Tensor:
        return (torch.randn(1, *shape, generator=stream) / 2).to(parameter)

    rows = getattr(known, "condition_dim", None)
    beside = (torch.eye(1, int(rows)).to(parameter),) if rows else ()
    if (dim := getattr(getattr(known, "prior", None), "dim", None)) is not None:
        yield drawn(int(dim)), *beside
        return
    shape = getattr(known, "source_shape", getattr(known, "image_shape", None))
    if shape is not None:
        yield drawn(*shape), *beside
        return
    for width, maps in _widths(module):
        for side in (1, *SIDES) if maps else ():
            yield (drawn(width, side, side),)
        yield (drawn(width),)


def _widths(module: nn.Module) -> list[tuple[int, bool]]:
    """Return inputs of the first layers, and whether these take maps."""
    found: dict[tuple[int, bool], None] = {}
    for part in module.modules():
        for key in ("in_channels", "num_features", "in_features"):
            if isinstance(width := getattr(part, key, None), int):
                found[(width, key != "in_features")] = None
    return list(found)[:6]


@contextmanager
def at_rest(module: nn.Module) -> Iterator[None]:
    """Keep a network in eval mode, and torch's random stream as it was, inside the block.

    Another thread that builds weights from that stream is waited for: to put the stream back
    in the middle of its draws would change them.
    """
    modes = [(part, part.training) for part in module.modules() if part.training]
    for part, _ in modes:
        part.training = False
    try:
        with seeded(), torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode
