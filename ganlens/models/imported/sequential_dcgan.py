"""The DCGAN of pytorch/examples and of the PyTorch tutorial: one ``main`` of numbered layers.

Convolutions are 4x4 without biases; the generator's first one makes a map of its own kernel's size
out of a latent, every other one doubles (stride 2, padding 1), and the discriminator mirrors it.
The sigmoid at the discriminator's end is left out: ganlens works with logits.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ganlens.models.imported.output import Pixels, leaky
from ganlens.models.imported.pair import PairFamily
from ganlens.models.prior import Prior


class SequentialGenerator(nn.Module):
    """(N, d) latents to (N, C, H, W) images in [-1, 1]; layers ``main.0``, ``main.1`` ...

    Args:
        latent_dim: d.
        widths: feature maps of every layer but the last, in order.
        channels: C.
        start: (H, W) of the first map; every later layer doubles it.
        prior: "normal" or "uniform".
        bn_eps: what batch norm adds to the variance.
        output: arguments of ``Pixels``.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        channels: int,
        start: Sequence[int],
        prior: str,
        bn_eps: float,
        output: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.prior = Prior(prior, latent_dim)  # type: ignore[arg-type]
        height, width = start
        self.image_shape = (channels, height * 2 ** len(widths), width * 2 ** len(widths))
        layers: list[nn.Module] = []
        for i, (in_, out) in enumerate(pairwise((latent_dim, *widths, channels))):
            kernel, stride, padding = ((4, 4), 2, 1) if i else ((height, width), 1, 0)
            layers.append(nn.ConvTranspose2d(in_, out, kernel, stride, padding, bias=False))
            if i < len(widths):
                layers += [nn.BatchNorm2d(out, eps=bn_eps), nn.ReLU()]
        self.main = nn.Sequential(*layers, Pixels(**output))

    def forward(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to images."""
        return self.main(z.flatten(1)[:, :, None, None])


class SequentialDiscriminator(nn.Module):
    """(N, C, H, W) images in [-1, 1] to (N,) logits; layers ``main.0``, ``main.1`` ...

    Args:
        widths: feature maps of every layer but the last, in order.
        channels: C.
        start: (H, W) of the last map, which one logit is read off.
        bn_eps: what batch norm adds to the variance.
        slope: of the leaky ReLUs.
    """

    def __init__(
        self,
        widths: Sequence[int],
        channels: int,
        start: Sequence[int],
        bn_eps: float,
        slope: float,
    ) -> None:
        super().__init__()
        height, width = start
        self.image_shape = (channels, height * 2 ** len(widths), width * 2 ** len(widths))
        layers: list[nn.Module] = []
        active = []
        for i, (in_, out) in enumerate(pairwise((channels, *widths))):
            layers.append(nn.Conv2d(in_, out, 4, 2, 1, bias=False))
            if i:
                layers.append(nn.BatchNorm2d(out, eps=bn_eps))
            active.append(f"main.{len(layers)}")
            layers.append(leaky(slope))
        layers.append(nn.Conv2d(widths[-1], 1, (height, width), bias=False))
        self.main = nn.Sequential(*layers)
        self.feature_layers = tuple(active)

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        return self.main(x).flatten()


class SequentialDCGAN(PairFamily):
    """Either network from its own arguments."""

    generator_class = SequentialGenerator
    discriminator_class = SequentialDiscriminator
