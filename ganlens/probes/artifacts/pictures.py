"""Pictures: predicted overlaps, the samples that show a pattern most, and those trained alike."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ganlens import images
from ganlens.panels import ImagePanel
from ganlens.probes.artifacts.result import ArtifactsResult
from ganlens.probes.artifacts.stages import PICTURE, overlap_of

GREY = 128  # frames the squares: an even one is white, as pages are
GAIN = 8  # by which the high-passed view is strengthened


def overlaps(result: ArtifactsResult) -> ImagePanel:
    """How often each output position is stamped: by this generator's last layer, and by others."""
    own = result.own.stages[-1].overlap if result.own.stages else np.ones((PICTURE, PICTURE))
    others = (nn.ConvTranspose2d(1, 1, 5, 2), nn.ConvTranspose2d(1, 1, 4, 2), nn.Upsample((2, 2)))
    tiles = [own, *(overlap_of(layer, even=True)[0].numpy() for layer in others)]
    pixels = [(255 * tile / tile.max()).round().astype(np.uint8)[..., None] for tile in tiles]
    sheet = images.grid(images.enlarge(np.stack(pixels), 4), 4, background=GREY)
    kind = result.own.stages[-1].kind if result.own.stages else "none"
    return ImagePanel(
        title="Predicted overlap",
        caption="How often a kernel of ones stamps each of 16 x 16 output pixels (white: most "
        f"often). From left to right: this generator's last upsampling layer ({kind}); a 5x5 and a "
        "4x4 transposed convolution of stride 2; resizing. Where the stamps are uneven, the "
        "weights must unlearn a checkerboard; even ones can still draw one by unequal weights.",
        image=np.pad(sheet, ((2, 2), (2, 2), (0, 0)), constant_values=GREY),
        alt="four squares: light and dark checks where the overlap is uneven, else plain white",
        scale=2,
    )


def worst(result: ArtifactsResult) -> ImagePanel:
    """The samples with most power at the period, and real images, each with its fine structure."""
    own, real = result.own, result.real.samples
    period = own.verdict.period or (own.stages[-1].period if own.stages else 2)
    rows = [own.worst, fine_structure(own.worst), real, fine_structure(real)]
    return ImagePanel(
        title="Samples that show it most",
        caption=f"First row: the {len(own.worst)} of {result.about['n_generated']:,} samples with "
        f"the most power at a period of {period} pixels beside the frequencies around it. Second "
        f"row: the same less a 3x3 blur, {GAIN} times stronger (grey: no fine structure); a "
        "checkerboard would be a regular grid here. Below: real images, alike.",
        image=tiled(rows),
        alt="rows of samples and of real images, each above its high-passed view",
        scale=2,
    )


def samples(result: ArtifactsResult) -> ImagePanel:
    """Samples of each generator trained alike, each row above its fine structure."""
    rows = [row for one in result.beside for row in (one.samples, fine_structure(one.samples))]
    names = ", ".join(one.name for one in result.beside)
    return ImagePanel(
        title="Samples of each",
        caption=f"From top to bottom: {names}. Each row of samples (the same seeds, not chosen) "
        "has its fine structure below it: the samples less a 3x3 blur, strengthened; a "
        "checkerboard is a regular grid there.",
        image=tiled(rows),
        alt="rows of samples of three generators, each above its high-passed view",
        scale=2,
    )


def tiled(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Lay out rows of (k, H, W, C) uint8 pictures, twice as large."""
    tiles = np.concatenate([images.as_rgb(row) for row in rows])
    return images.grid(images.enlarge(tiles, 2), len(rows[0]))


def fine_structure(pictures: np.ndarray) -> np.ndarray:
    """Return (N, H, W, C) uint8 pictures less their binomial 3x3 blur, GAIN times stronger."""
    x = images.from_uint8(pictures).contiguous()
    kernel = torch.tensor([1.0, 2.0, 1.0]) / 4
    weight = (kernel[:, None] * kernel).expand(x.shape[1], 1, 3, 3)
    blurred = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight, groups=x.shape[1])
    return images.to_uint8(GAIN * (x - blurred))
