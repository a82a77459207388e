"""Pixels as features: no network, so no opinion, and little sense of what is alike."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.errors import GanlensError


class PixelExtractor:
    """Pixel values in [-1, 1], flattened; optionally averaged down to a small square first.

    Args:
        side: images larger than this are averaged down to side x side (adaptive average pooling,
            which is the mean of equal blocks where side divides the size); None keeps every pixel.

    Attributes:
        name: "pixels", or "pixels-16x16" where they are averaged.
        hash: "", since there are no weights.
        device: the CPU.
    """

    device = torch.device("cpu")

    def __init__(self, side: int | None = None) -> None:
        if side is not None and side < 1:
            raise GanlensError(f"side {side} is too small: give at least 1, or None for all pixels")
        self.side = side
        self.name = "pixels" if side is None else f"pixels-{side}x{side}"
        self.hash = ""

    def describe(self) -> dict[str, Any]:
        """Return JSON-able settings."""
        pool = "none" if self.side is None else f"mean to at most {self.side}x{self.side}"
        return {
            "name": self.name,
            "weights": None,
            "layer": "image",
            "pool": pool,
            "resize": "none",
            "quantisation": "none of its own",
            "dimensions": None if self.side is None else f"channels x at most {self.side}^2",
        }

    @torch.inference_mode()
    def __call__(self, batch: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C * h * w) float32 on the CPU."""
        images = batch.detach().float()
        if self.side is not None and max(images.shape[2:]) > self.side:
            images = F.adaptive_avg_pool2d(images, self.side)
        return images.flatten(1).cpu()
