"""Copies of an image that show the same, over which features are averaged."""

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor


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
