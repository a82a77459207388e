"""Progressive GAN (Karras 2018, arXiv 1710.10196) as facebookresearch/pytorch_GAN_zoo has it.

Weights are stored before their equalising factor (He's constant of the fan-in), which multiplies
each layer's output, bias and all. Growth is taken as finished: only the last ``toRGB`` layer draws.
The discriminator's standard deviation over the minibatch is 0, as for an image by itself: a score
must not depend on who else is in the batch.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.models.imported.output import Pixels
from ganlens.models.imported.pair import PairFamily
from ganlens.models.prior import Prior

EPS = 1e-8  # in the pixel norm


class Equalised(nn.Module):
    """A convolution or matrix whose output is multiplied by sqrt(2 / fan-in)."""

    def __init__(self, module: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.module = module
        self.factor = math.sqrt(2 / math.prod(module.weight.shape[1:]))

    def forward(self, x: Tensor) -> Tensor:
        """Apply it."""
        return self.module(x) * self.factor


class PixelNorm(nn.Module):
    """Every position's vector over its root mean square."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, ...) to the same shape."""
        return x * (x.square().mean(dim=1, keepdim=True) + EPS).rsqrt()


class ProgressiveGenerator(nn.Module):
    """(N, d) latents to images in [-1, 1]; ``formatLayer``, ``groupScale0``, ``scaleLayers``.

    Args:
        latent_dim: d.
        widths: feature maps at each scale, from 4x4 up.
        channels: of the images.
        prior: "normal" or "uniform".
        slope: of the leaky ReLUs.
        output: arguments of ``Pixels``.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        channels: int,
        prior: str,
        slope: float,
        output: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.prior = Prior(prior, latent_dim)  # type: ignore[arg-type]
        side = 4 * 2 ** (len(widths) - 1)
        self.image_shape = (channels, side, side)
        self.formatLayer = Equalised(nn.Linear(latent_dim, 16 * widths[0]))
        self.groupScale0 = nn.ModuleList([_conv(widths[0], widths[0])])
        self.scaleLayers = nn.ModuleList(
            nn.ModuleList([_conv(in_, out), _conv(out, out)]) for in_, out in pairwise(widths)
        )
        self.toRGBLayers = nn.ModuleList(_conv(width, channels, 1) for width in widths)
        self.activation, self.norm = nn.LeakyReLU(slope), PixelNorm()
        self.pixels = Pixels(**output)

    def forward(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to images."""
        maps = self.activation(self.formatLayer(self.norm(z.flatten(1))))
        maps = self.norm(maps.view(len(z), -1, 4, 4))
        for layer in self.groupScale0:
            maps = self.norm(self.activation(layer(maps)))
        for group in self.scaleLayers:
            maps = F.interpolate(maps, scale_factor=2, mode="nearest")
            for layer in group:  # type: ignore[attr-defined]
                maps = self.norm(self.activation(layer(maps)))
        return self.pixels(self.toRGBLayers[-1](maps))


class ProgressiveDiscriminator(nn.Module):
    """(N, C, H, W) images in [-1, 1] to (N,) logits; ``fromRGBLayers``, ``scaleLayers`` ...

    Args:
        channels: of the images.
        widths: feature maps at each scale, from 4x4 up.
        decisions: what the last layer gives; the first of them is the logit.
        minibatch: whether a map of standard deviations is appended at 4x4.
        slope: of the leaky ReLUs.
    """

    def __init__(
        self, channels: int, widths: Sequence[int], decisions: int, minibatch: bool, slope: float
    ) -> None:
        super().__init__()
        side = 4 * 2 ** (len(widths) - 1)
        self.image_shape, self.minibatch = (channels, side, side), minibatch
        self.fromRGBLayers = nn.ModuleList(_conv(channels, width, 1) for width in widths)
        self.scaleLayers = nn.ModuleList(
            nn.ModuleList([_conv(out, out), _conv(out, in_)]) for in_, out in pairwise(widths)
        )
        first = widths[0]
        matrix = Equalised(nn.Linear(16 * first, first))
        self.groupScaleZero = nn.ModuleList([_conv(first + minibatch, first), matrix])
        self.decisionLayer = Equalised(nn.Linear(first, decisions))
        self.activation = nn.LeakyReLU(slope)
        scales = range(len(widths) - 1, 0, -1)
        self.feature_layers = tuple(f"scaleLayers.{i - 1}.{j}" for i in scales for j in (0, 1))
        self.feature_layers += ("groupScaleZero.0",)

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        maps = self.activation(self.fromRGBLayers[-1](x))
        for group in reversed(list(self.scaleLayers)):
            for layer in group:  # type: ignore[attr-defined]
                maps = self.activation(layer(maps))
            maps = F.avg_pool2d(maps, 2)
        if self.minibatch:
            maps = torch.cat([maps, torch.zeros_like(maps[:, :1])], dim=1)
        maps = self.activation(self.groupScaleZero[0](maps)).flatten(1)
        return self.decisionLayer(self.activation(self.groupScaleZero[1](maps)))[:, 0]


class GanZooProgressive(PairFamily):
    """Either network from its own arguments."""

    generator_class = ProgressiveGenerator
    discriminator_class = ProgressiveDiscriminator


def _conv(in_: int, out: int, kernel: int = 3) -> Equalised:
    return Equalised(nn.Conv2d(in_, out, kernel, 1, kernel // 2))
