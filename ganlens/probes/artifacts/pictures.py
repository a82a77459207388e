"""Pictures: predicted overlaps, and the samples that show a pattern most."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from ganlens import images
from ganlens.panels import ImagePanel

if TYPE_CHECKING:
    from ganlens.probes.artifacts.result import ArtifactsResult

GAIN = 8  # by which the high-passed view is strengthened


def overlaps(result: "ArtifactsResult") -> ImagePanel:
    """How often each output position of the last upsampling layers is stamped."""
    shown = [one for one in (result.own, *result.beside) if one.stages]
    tiles = [one.stages[-1].overlap for one in shown] or [np.ones((16, 16))]
    pixels = [(255 * tile / tile.max()).round().astype(np.uint8)[..., None] for tile in tiles]
    kinds = "; ".join(f"{one.name}: {one.stages[-1].kind}" for one in shown)
    return ImagePanel(
        title="Predicted overlap",
        caption="How often a kernel of ones stamps each of 16 x 16 output pixels of the last "
        "upsampling layer (white: most often). Even grey draws no checkerboard by itself; a "
        f"pattern must be unlearned by the weights. From left to right: {kinds}.",
        image=images.grid(np.stack([images.enlarge(tile, 4) for tile in pixels]), len(pixels)),
        alt="checkerboards of light and dark squares where the overlap is uneven, else plain white",
        scale=2,
    )


def worst(result: "ArtifactsResult") -> ImagePanel:
    """The samples with most power at the period, and real images, each with its fine structure."""
    own, real = result.own, result.real.samples
    period = own.verdict.period or (own.stages[-1].period if own.stages else 2)
    rows = [own.worst, fine_structure(own.worst), real, fine_structure(real)]
    tiles = np.concatenate([images.as_rgb(row) for row in rows])
    return ImagePanel(
        title="Samples that show it most",
        caption=f"First row: the {len(own.worst)} of {result.about['n_generated']:,} samples with "
        f"the most power at a period of {period} pixels beside the frequencies around it. Second "
        f"row: the same less a 3x3 blur, {GAIN} times stronger (grey: no fine structure); a "
        "checkerboard would be a regular grid here. Below: real images, alike.",
        image=images.grid(np.stack([images.enlarge(tile, 2) for tile in tiles]), len(own.worst)),
        alt="rows of samples and of real images, each above its high-passed view",
        scale=2,
    )


def fine_structure(pictures: np.ndarray) -> np.ndarray:
    """Return (N, H, W, C) uint8 pictures less their binomial 3x3 blur, GAIN times stronger."""
    x = images.from_uint8(pictures).contiguous()
    kernel = torch.tensor([1.0, 2.0, 1.0]) / 4
    weight = (kernel[:, None] * kernel).expand(x.shape[1], 1, 3, 3)
    blurred = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight, groups=x.shape[1])
    return images.to_uint8(GAIN * (x - blurred))
