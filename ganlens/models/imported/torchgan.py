"""torchgan's DCGAN: a ``model`` of blocks, each a Sequential of convolution, norm, activation.

Its generator is leaky too (slope 0.2), its first and last convolutions have biases, and the
discriminator's logit is passed through one more leaky ReLU.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ganlens.models.imported.output import Pixels, leaky
from ganlens.models.imported.pair import PairFamily
from ganlens.models.prior import Prior


class TorchganGenerator(nn.Module):
    """(N, d) latents to images in [-1, 1]; layers ``model.0.0``, ``model.0.1`` ...

    Args:
        latent_dim: d.
        widths: feature maps of every block but the last.
        channels: of the images.
        prior: "normal" or "uniform".
        bn_eps: what batch norm adds to the variance; None for networks without it.
        slope: of the ReLUs below 0.
        output: arguments of ``Pixels``.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        channels: int,
        prior: str,
        bn_eps: float | None,
        slope: float,
        output: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.prior = Prior(prior, latent_dim)  # type: ignore[arg-type]
        side = 4 * 2 ** len(widths)
        self.image_shape = (channels, side, side)
        blocks = []
        for i, (in_, out) in enumerate(pairwise((latent_dim, *widths))):
            stride = (4, 2, 1) if i else (4, 1, 0)
            conv = nn.ConvTranspose2d(in_, out, *stride, bias=bn_eps is None)
            blocks.append(_block(conv, out, bn_eps, slope))
        last = nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)
        self.model = nn.Sequential(*blocks, nn.Sequential(last, Pixels(**output)))

    def forward(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to images."""
        return self.model(z.flatten(1)[:, :, None, None])


class TorchganDiscriminator(nn.Module):
    """(N, C, H, W) images in [-1, 1] to (N,) logits; layers ``model.0.0`` ..., ``disc.0``.

    Args:
        channels: of the images.
        widths: feature maps of every block.
        bn_eps: what batch norm adds to the variance; None for networks without it.
        slope: of the ReLUs below 0.
    """

    def __init__(
        self, channels: int, widths: Sequence[int], bn_eps: float | None, slope: float
    ) -> None:
        super().__init__()
        side = 4 * 2 ** len(widths)
        self.image_shape = (channels, side, side)
        blocks = [nn.Sequential(nn.Conv2d(channels, widths[0], 4, 2, 1), leaky(slope))]
        for in_, out in pairwise(widths):
            conv = nn.Conv2d(in_, out, 4, 2, 1, bias=bn_eps is None)
            blocks.append(_block(conv, out, bn_eps, slope))
        self.model = nn.Sequential(*blocks)
        logit = nn.Conv2d(widths[-1], 1, 4, bias=bn_eps is None)
        self.disc = nn.Sequential(logit, leaky(slope))
        self.feature_layers = tuple(f"model.{i}.{len(b) - 1}" for i, b in enumerate(blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        return self.disc(self.model(x)).flatten()


class Torchgan(PairFamily):
    """Either network from its own arguments."""

    generator_class = TorchganGenerator
    discriminator_class = TorchganDiscriminator


def _block(conv: nn.Module, maps: int, bn_eps: float | None, slope: float) -> nn.Sequential:
    norm = [] if bn_eps is None else [nn.BatchNorm2d(maps, eps=bn_eps)]
    return nn.Sequential(conv, *norm, leaky(slope))
