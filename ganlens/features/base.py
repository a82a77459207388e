"""What an extractor is."""

import hashlib
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.images import as_rgb, to_uint8


@runtime_checkable
class Extractor(Protocol):
    """A fixed map from images to feature vectors: in eval mode, without gradients.

    Attributes:
        name: what a Fréchet distance on its features is called after: ``FD-<name>``.
        hash: sha256 hex digest of its weights, "" where it has none.
        device: where it runs.
    """

    name: str
    hash: str

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return JSON-able settings; features of different descriptions cannot be compared.

        Keys: ``name``, ``weights`` (hash or None), ``layer``, ``pool``, ``resize``,
        ``quantisation``, ``dimensions``.
        """
        ...

    def __call__(self, batch: Tensor) -> Tensor:
        """Map (N, C, H, W) float images in [-1, 1] to (N, D) float32 features on the CPU."""
        ...


def rgb_pixels(batch: Tensor) -> Tensor:
    """Return images in [-1, 1] as published networks take them: (N, 3, H, W) uint8 on the CPU."""
    return torch.from_numpy(np.ascontiguousarray(as_rgb(to_uint8(batch)).transpose(0, 3, 1, 2)))


def module_hash(module: nn.Module) -> str:
    """Hash the weights and buffers of a module, names and shapes included: sha256, hexadecimal."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        array = value.detach().cpu().contiguous()
        digest.update(f"{name}:{array.dtype}:{tuple(array.shape)};".encode())
        digest.update(array.flatten().view(torch.uint8).numpy().tobytes() if array.numel() else b"")
    return digest.hexdigest()


def check_shape(batch: Tensor, expected: tuple[int, ...], name: str) -> None:
    """Raise GanlensError unless a batch holds images of the (C, H, W) that an extractor takes."""
    if tuple(batch.shape[1:]) != tuple(expected):
        channels, size = expected[0], expected[-1]
        raise GanlensError(
            f"images of shape {tuple(batch.shape[1:])} do not fit the {name} extractor, which "
            f"takes {tuple(expected)}: open the data with size={size}, channels={channels}, "
            "or choose another extractor"
        )
