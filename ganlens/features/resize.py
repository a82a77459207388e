"""TensorFlow 1's bilinear resize, which every published FID went through, as matrix products."""

from functools import lru_cache

import torch
from torch import Tensor


def tf1_resize(images: Tensor, side: int) -> Tensor:
    """Resize as ``tf.image.resize_bilinear`` did: no half-pixel centres, no antialiasing.

    Bilinear interpolation is separable, so it is one matrix from the left and one from the right:
    the same values as torch-fidelity's ``interpolate_bilinear_2d_like_tensorflow1x`` up to
    float32's rounding, without its eight gathered copies.

    Args:
        images: (N, C, H, W) uint8 or float.
        side: height and width of the result.

    Returns:
        (N, C, side, side) float32, in the range of the images.
    """
    with torch.autocast(images.device.type, enabled=False):
        rows = _weights(images.shape[2], side).to(images.device)
        columns = _weights(images.shape[3], side).to(images.device)
        return rows @ images.float() @ columns.T


@lru_cache(maxsize=8)
def _weights(before: int, after: int) -> Tensor:
    """Return the (after, before) matrix that interpolates one dimension."""
    with torch.inference_mode(False):  # kept beyond the caller's block
        place = torch.arange(after, dtype=torch.float32) * torch.tensor(before / after)
        low = place.long()
        high = (low + 1).clamp_max(before - 1)
        share, index = place - low, torch.arange(after)
        weights = torch.zeros(after, before)
        weights[index, low] = 1 - share
        weights[index, high] += share
    return weights
