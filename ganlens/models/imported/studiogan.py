"""StudioGAN's ``deep_conv`` backbone: DCGAN with biases, ReLU in both networks, BN eps 1e-4.

The generator ends with a 3x3 convolution after its transposed ones; the discriminator has a 3x3
and a strided 4x4 convolution in each block and sums over positions.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ganlens.models.imported.output import Pixels, leaky
from ganlens.models.imported.pair import PairFamily
from ganlens.models.prior import Prior


class UpBlock(nn.Module):
    """Transposed convolution, batch norm, ReLU."""

    def __init__(self, in_: int, out: int, bn_eps: float) -> None:
        super().__init__()
        self.deconv0 = nn.ConvTranspose2d(in_, out, 4, 2, 1)
        self.bn0 = nn.BatchNorm2d(out, eps=bn_eps)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, s, s) to (N, C', 2s, 2s)."""
        return self.activation(self.bn0(self.deconv0(x)))


class DownBlock(nn.Module):
    """Convolution 3x3, then a strided 4x4 one, each with ReLU, and with batch norm if there is."""

    def __init__(self, in_: int, out: int, bn_eps: float | None, slope: float) -> None:
        super().__init__()
        self.conv0, self.bn0 = nn.Conv2d(in_, out, 3, 1, 1), _norm(out, bn_eps)
        self.act0 = leaky(slope)
        self.conv1, self.bn1 = nn.Conv2d(out, out, 4, 2, 1), _norm(out, bn_eps)
        self.act1 = leaky(slope)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, s, s) to (N, C', s/2, s/2)."""
        return self.act1(self.bn1(self.conv1(self.act0(self.bn0(self.conv0(x))))))


class DeepConvGenerator(nn.Module):
    """(N, d) latents to images in [-1, 1]; layers ``linear0``, ``blocks.0.0`` ..., ``conv4``.

    Args:
        latent_dim: d.
        widths: feature maps of the first map and after each block.
        bottom: side of the first map.
        channels: of the images.
        prior: "normal" or "uniform".
        bn_eps: what batch norm adds to the variance.
        output: arguments of ``Pixels``.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        bottom: int,
        channels: int,
        prior: str,
        bn_eps: float,
        output: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.prior, self.bottom = Prior(prior, latent_dim), bottom  # type: ignore[arg-type]
        side = bottom * 2 ** (len(widths) - 1)
        self.image_shape = (channels, side, side)
        self.linear0 = nn.Linear(latent_dim, widths[0] * bottom**2)
        self.blocks = nn.ModuleList(
            nn.ModuleList([UpBlock(in_, out, bn_eps)]) for in_, out in pairwise(widths)
        )
        self.conv4 = nn.Conv2d(widths[-1], channels, 3, 1, 1)
        self.pixels = Pixels(**output)

    def forward(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to images."""
        maps = self.linear0(z.flatten(1)).view(len(z), -1, self.bottom, self.bottom)
        for i in range(len(self.blocks)):
            maps = self.get_submodule(f"blocks.{i}.0")(maps)
        return self.pixels(self.conv4(maps))


class DeepConvDiscriminator(nn.Module):
    """(N, C, H, W) images in [-1, 1] to (N,) logits; ``blocks.0.0`` ..., ``conv1``, ``linear1``.

    Args:
        channels: of the images.
        size: of the images; the sum over positions takes any.
        widths: feature maps after each block and after the last convolution.
        bn_eps: what batch norm adds to the variance; None for networks without it.
        slope: of the ReLUs below 0.
    """

    def __init__(
        self, channels: int, size: int, widths: Sequence[int], bn_eps: float | None, slope: float
    ) -> None:
        super().__init__()
        self.image_shape = (channels, size, size)
        self.blocks = nn.ModuleList(
            nn.ModuleList([DownBlock(in_, out, bn_eps, slope)])
            for in_, out in pairwise((channels, *widths[:-1]))
        )
        self.conv1 = nn.Conv2d(widths[-2], widths[-1], 3, 1, 1)
        self.bn1 = _norm(widths[-1], bn_eps)
        self.activation = leaky(slope)
        self.linear1 = nn.Linear(widths[-1], 1)
        names = [f"blocks.{i}.0.act{j}" for i in range(len(widths) - 1) for j in (0, 1)]
        self.feature_layers = (*names, "activation")

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        for i in range(len(self.blocks)):
            x = self.get_submodule(f"blocks.{i}.0")(x)
        maps = self.activation(self.bn1(self.conv1(x)))
        return self.linear1(maps.sum(dim=(2, 3))).flatten()


class StudioGAN(PairFamily):
    """Either network from its own arguments."""

    generator_class = DeepConvGenerator
    discriminator_class = DeepConvDiscriminator


def _norm(maps: int, eps: float | None) -> nn.Module:
    return nn.Identity() if eps is None else nn.BatchNorm2d(maps, eps=eps)
