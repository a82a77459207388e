"""Features of many images, means over copies, in one array that may be larger than memory."""

import os
import tempfile
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens import svm
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.places import cache_folder
from ganlens.precision import FLOAT32, autocast

BATCH = 512
IN_MEMORY = 2**29  # bytes: a larger array goes into a file, so that memory does not grow with N


def pixels(batch: Tensor) -> Tensor:
    """Return (n, C, H, W) images as they are: (n, C * H * W) features."""
    return batch.flatten(1)


def extract(
    function: Callable[[Tensor], Tensor], part: ImageSet, *, mirror: bool = False, shift: int = 0,
    half: bool = False, device: torch.device | None = None,
) -> svm.Features:  # fmt: skip
    """Compute the features of all images in float32, a batch at a time: there is only one copy.

    Args:
        function: (n, C, H, W) images in [-1, 1] to (n, D) features; ``pixels`` of images that are
            not averaged gives the bytes as they lie in the data: no copy.
        part: the images.
        mirror: average the features over both mirror images; see ``views``.
        shift: average them over nine copies, moved by so many pixels; see there too.
        half: keep float16, which halves the file.
        device: a GPU takes the array into its own memory.

    Returns:
        (N, D) float32 or float16: a tensor on a GPU, or an array; one of more than 512 MiB is
        mapped from a file without a name in the cache folder, which is gone when the array is.

    Raises:
        GanlensError: no room for the file, or values beyond float16's 65,504.
    """
    if function is pixels and not (mirror or shift):
        return part.images.reshape(len(part), -1)
    out: np.ndarray | None = None
    for start in range(0, len(part), BATCH):
        copies = views(part.batch(slice(start, start + BATCH)), mirror, shift)
        with autocast(FLOAT32, device or "cpu"):
            total = sum(map(function, copies), torch.zeros(1))
        found = (total / ((9 if shift else 1) * (2 if mirror else 1))).numpy()
        if out is None:
            out = _empty((len(part), found.shape[1]), np.dtype(np.float16 if half else np.float32))
        if half and np.abs(found).max() > np.finfo(np.float16).max:
            raise GanlensError(
                f"features up to {np.abs(found).max():.3g} do not fit float16: set half to false"
            )
        out[start : start + len(found)] = found
    assert out is not None
    on_gpu = device is not None and device.type != "cpu"
    return torch.from_numpy(out).to(device) if on_gpu else out


def views(batch: Tensor, mirror: bool = False, shift: int = 0) -> Iterator[Tensor]:
    """Yield a batch, and copies of it that show the same things.

    Features of strided convolutions depend on where in a stride a thing happens to lie; their mean
    over shifted copies depends on it less, and that over both mirror images not on the side.

    Args:
        batch: (N, C, H, W) images.
        mirror: also yield each copy's mirror image.
        shift: yield nine copies, moved by so many pixels up or down, left or right, or not; what
            comes in at the edge is the image's own mirror image. Below both sides.

    Yields:
        (N, C, H, W) each time, the batch itself first.
    """
    height, width = batch.shape[-2:]
    padded = F.pad(batch, (shift,) * 4, mode="reflect") if shift else batch
    for down in (0, -shift, shift) if shift else (0,):
        for right in (0, -shift, shift) if shift else (0,):
            top, left = shift - down, shift - right
            moved = padded[:, :, top : top + height, left : left + width]
            yield moved
            if mirror:
                yield moved.flip(3)


def _empty(shape: tuple[int, int], kind: np.dtype) -> np.ndarray:
    size = shape[0] * shape[1] * kind.itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, kind)
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is an error now, not a crash later
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, kind, "w+", shape=shape)
    except OSError as error:
        raise GanlensError(
            f"no room for features of {size:,} bytes in {folder} ({error.strerror}): give fewer "
            "train images, or set GANLENS_CACHE to another folder"
        ) from error
