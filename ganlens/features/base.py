"""What an extractor is, and how images stream through one."""

import hashlib
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.images import as_rgb, from_uint8, to_uint8
from ganlens.progress import finish


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


def quantised(batch: Tensor) -> Tensor:
    """Round images to 8 bits and back: what a PNG of them would hold. (N, C, H, W), in [-1, 1]."""
    return from_uint8(to_uint8(batch))


def rgb_pixels(batch: Tensor) -> Tensor:
    """Return images in [-1, 1] as published networks take them: (N, 3, H, W) uint8 on the CPU."""
    return torch.from_numpy(np.ascontiguousarray(as_rgb(to_uint8(batch)).transpose(0, 3, 1, 2)))


def extract(
    extractor: Extractor,
    batches: Iterable[Tensor],
    count: int | None = None,
    path: str | Path | None = None,
) -> np.ndarray:
    """Stream images through an extractor.

    Args:
        extractor: what to apply.
        batches: (n, C, H, W) float images in [-1, 1]; only one batch is held at a time.
        count: number of images, if known: the array is then allocated once.
        path: an ``.npy`` file that is to hold the features, as a memory map; needs ``count``.

    Returns:
        (N, D) float32.

    Raises:
        GanlensError: no images, not as many as ``count`` says, or a path without a count.
    """
    return finish(extract_steps(extractor, batches, count, path))


def extract_steps(
    extractor: Extractor,
    batches: Iterable[Tensor],
    count: int | None = None,
    path: str | Path | None = None,
) -> Generator[int, None, np.ndarray]:
    """Do the same as ``extract``; yield the number of images done after each batch."""
    if path is not None and count is None:
        raise GanlensError("features written to a file need their count: give count=N")
    rows: np.ndarray | None = None
    done = 0
    for batch in batches:
        part = extractor(batch).numpy()
        rows = _room(rows, done, len(part), part.shape[1], count, path)
        rows[done : done + len(part)] = part
        done += len(part)
        yield done
    if rows is None or (count is not None and done != count):
        raise GanlensError(f"features of {done} images where {count or 'some'} were expected")
    return rows[:done]


def _room(
    rows: np.ndarray | None, done: int, more: int, width: int, count: int | None, path: Any
) -> np.ndarray:
    """Return an array with room for ``more`` rows after ``done``, doubled if need be."""
    if count is not None and done + more > count:
        raise GanlensError(f"features of more than the {count} images that were expected")
    if rows is not None and done + more <= len(rows):
        return rows
    if path is not None and count is not None:
        return np.lib.format.open_memmap(path, "w+", np.float32, (count, width))
    grown = np.empty((count or max(done + more, 2 * done), width), np.float32)
    if rows is not None:
        grown[:done] = rows[:done]
    return grown


def module_hash(module: nn.Module) -> str:
    """Hash the weights and buffers of a module, names and shapes included: sha256, hexadecimal."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        array = value.detach().cpu().contiguous()
        digest.update(f"{name}:{array.dtype}:{tuple(array.shape)};".encode())
        digest.update(array.flatten().view(torch.uint8).numpy().tobytes() if array.numel() else b"")
    return digest.hexdigest()


def place_of(module: nn.Module) -> torch.device:
    """Return the device of a module's weights, the CPU if it has none."""
    return next((p.device for p in module.parameters()), torch.device("cpu"))


def check_shape(batch: Tensor, expected: tuple[int, ...], name: str) -> None:
    """Raise GanlensError unless a batch holds images of the (C, H, W) that an extractor takes."""
    if tuple(batch.shape[1:]) != tuple(expected):
        channels, size = expected[0], expected[-1]
        raise GanlensError(
            f"images of shape {tuple(batch.shape[1:])} do not fit the {name} extractor, which "
            f"takes {tuple(expected)}: open the data with size={size}, channels={channels}, "
            "or choose another extractor"
        )
