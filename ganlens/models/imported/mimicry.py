"""Networks of mimicry's residual DCGAN and SNGAN (kwotsin/mimicry), at 32, 48, 64 and 128 px."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.models.imported.output import Pixels
from ganlens.models.imported.pair import PairFamily
from ganlens.models.prior import Prior


class UpResidual(nn.Module):
    """Batch norm, ReLU, enlarge, 3x3, batch norm, ReLU, 3x3, and the enlarged input added."""

    def __init__(self, in_: int, out: int, bn_eps: float) -> None:
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(in_, out, 3, 1, 1), nn.Conv2d(out, out, 3, 1, 1)
        self.b1, self.b2 = nn.BatchNorm2d(in_, eps=bn_eps), nn.BatchNorm2d(out, eps=bn_eps)
        self.activation = nn.ReLU()
        self.c_sc = nn.Conv2d(in_, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, s, s) to (N, C', 2s, 2s)."""
        maps = self.c1(_twice(self.activation(self.b1(x))))
        return self.c2(self.activation(self.b2(maps))) + self.c_sc(_twice(x))


class DownResidual(nn.Module):
    """ReLU (but in the first), 3x3, ReLU, 3x3, halved if told, and the shortcut added.

    The project's first ReLU works in place, so the shortcut, too, begins at what it lets through.
    """

    def __init__(self, in_: int, out: int, first: bool, halve: bool) -> None:
        super().__init__()
        inner = out if first else in_
        self.first, self.halve = first, halve
        self.c1, self.c2 = nn.Conv2d(in_, inner, 3, 1, 1), nn.Conv2d(inner, out, 3, 1, 1)
        self.activation = nn.ReLU()
        if halve or in_ != out:
            self.c_sc = nn.Conv2d(in_, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, s, s) to (N, C', s/2, s/2), or (N, C', s, s)."""
        x = x if self.first else self.activation(x)
        maps = self.c2(self.activation(self.c1(x)))
        short = self.c_sc(x) if hasattr(self, "c_sc") else x
        if not self.halve:
            return maps + short
        return F.avg_pool2d(maps, 2) + F.avg_pool2d(short, 2)


class MimicryGenerator(nn.Module):
    """(N, d) latents to images in [-1, 1]; layers ``l1``, ``block2`` ..., batch norm and 3x3.

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
        self.prior = Prior(prior, latent_dim)  # type: ignore[arg-type]
        self.bottom, self.blocks, last = bottom, len(widths) - 1, len(widths) + 1
        side = bottom * 2**self.blocks
        self.image_shape = (channels, side, side)
        self.l1 = nn.Linear(latent_dim, widths[0] * bottom**2)
        for i, (in_, out) in enumerate(pairwise(widths), 2):
            self.add_module(f"block{i}", UpResidual(in_, out, bn_eps))
        self.add_module(f"b{last}", nn.BatchNorm2d(widths[-1], eps=bn_eps))
        self.activation = nn.ReLU()
        self.add_module(f"c{last}", nn.Conv2d(widths[-1], channels, 3, 1, 1))
        self.pixels = Pixels(**output)

    def forward(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to images."""
        maps = self.l1(z.flatten(1)).view(len(z), -1, self.bottom, self.bottom)
        for layer in list(self.children())[1:]:
            maps = layer(maps)
        return maps


class MimicryDiscriminator(nn.Module):
    """(N, C, H, W) images in [-1, 1] to (N,) logits; layers ``block1`` ..., ``l5``.

    Args:
        channels: of the images.
        size: of the images; the sum over positions takes any.
        widths: feature maps after each block.
        halves: whether each block halves its map.
        last: name of the matrix that gives the logit.
    """

    def __init__(
        self, channels: int, size: int, widths: Sequence[int], halves: Sequence[bool], last: str
    ) -> None:
        super().__init__()
        self.image_shape = (channels, size, size)
        for i, (in_, out) in enumerate(pairwise((channels, *widths)), 1):
            self.add_module(f"block{i}", DownResidual(in_, out, i == 1, halves[i - 1]))
        self.feature_layers = tuple(f"block{i}" for i in range(1, len(widths) + 1))
        self.activation = nn.ReLU()
        self.last = last
        self.add_module(last, nn.Linear(widths[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        for name in self.feature_layers:
            x = self.get_submodule(name)(x)
        return self.get_submodule(self.last)(self.activation(x).sum(dim=(2, 3))).flatten()


class Mimicry(PairFamily):
    """Either network from its own arguments."""

    generator_class = MimicryGenerator
    discriminator_class = MimicryDiscriminator


def _twice(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
