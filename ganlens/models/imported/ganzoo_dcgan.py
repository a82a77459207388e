"""Networks of facebookresearch/pytorch_GAN_zoo's DCGAN: ``formatLayer``, then ``main``."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ganlens.models.imported.output import Pixels, leaky
from ganlens.models.imported.pair import PairFamily
from ganlens.models.prior import Prior


class GanZooGenerator(nn.Module):
    """(N, d) latents to images in [-1, 1]; ``formatLayer``, ``main.batchNorm0`` ...

    Args:
        latent_dim: d.
        widths: feature maps of every layer but the last.
        channels: of the images.
        prior: "normal" or "uniform".
        bn_eps: what batch norm adds to the variance.
        output: arguments of ``Pixels``.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        channels: int,
        prior: str,
        bn_eps: float,
        output: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.prior = Prior(prior, latent_dim)  # type: ignore[arg-type]
        side = 4 * 2 ** len(widths)
        self.image_shape = (channels, side, side)
        self.formatLayer = nn.ConvTranspose2d(latent_dim, widths[0], 4, bias=False)
        self.main = nn.Sequential()
        self.main.add_module("batchNorm0", nn.BatchNorm2d(widths[0], eps=bn_eps))
        self.main.add_module("relu0", nn.ReLU())
        for i, (in_, out) in enumerate(pairwise(widths), 1):
            conv = nn.ConvTranspose2d(in_, out, 4, 2, 1, bias=False)
            self.main.add_module(f"convTranspose{i}", conv)
            self.main.add_module(f"batchNorm{i}", nn.BatchNorm2d(out, eps=bn_eps))
            self.main.add_module(f"relu{i}", nn.ReLU())
        last = nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=False)
        self.main.add_module("outlayer", last)
        self.pixels = Pixels(**output)

    def forward(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to images."""
        return self.pixels(self.main(self.formatLayer(z.flatten(1)[:, :, None, None])))


class GanZooDiscriminator(nn.Module):
    """(N, C, H, W) images in [-1, 1] to (N,) logits; ``main``, then ``decisionLayer``.

    Its convolutions are called ``convTranspose`` and counted downwards, as the project has them.

    Args:
        channels: of the images.
        widths: feature maps of every layer.
        decisions: what the last layer gives; the first of them is the logit.
        bn_eps: what batch norm adds to the variance.
        slope: of the leaky ReLUs.
    """

    def __init__(
        self, channels: int, widths: Sequence[int], decisions: int, bn_eps: float, slope: float
    ) -> None:
        super().__init__()
        side = 4 * 2 ** len(widths)
        self.image_shape = (channels, side, side)
        self.main = nn.Sequential()
        for i, (in_, out) in enumerate(pairwise((channels, *widths))):
            number = len(widths) - 1 - i
            conv = nn.Conv2d(in_, out, 4, 2, 1, bias=False)
            self.main.add_module(f"convTranspose{number}", conv)
            if i:
                self.main.add_module(f"batchNorm{number}", nn.BatchNorm2d(out, eps=bn_eps))
            self.main.add_module(f"relu{number}", leaky(slope))
        self.decisionLayer = nn.Conv2d(widths[-1], decisions, 4, bias=False)
        self.feature_layers = tuple(f"main.relu{i}" for i in reversed(range(len(widths))))

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        return self.decisionLayer(self.main(x)).flatten(1)[:, 0]


class GanZooDCGAN(PairFamily):
    """Either network from its own arguments."""

    generator_class = GanZooGenerator
    discriminator_class = GanZooDiscriminator
