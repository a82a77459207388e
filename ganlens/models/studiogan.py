"""StudioGAN's ``deep_conv`` backbone: DCGAN with biases, ReLU in both networks, BN eps 1e-4.

The generator ends with a 3x3 convolution after its transposed ones; the discriminator has a 3x3
and a strided 4x4 convolution in each block and sums over positions. Spectral norm, which takes the
place of the discriminator's batch norm, is worked into the weights.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.models.base import PairFamily
from ganlens.models.output import Pixels, leaky
from ganlens.models.prior import Prior
from ganlens.models.recognition import Answers, Match, Notes, Weights, numbered, refuse, shape
from ganlens.models.spectral import divided

FORMAT = "StudioGAN's deep_conv"
EPS = 1e-4
KERNEL = r"blocks\.(\d+)\.0\.{}\.weight(?:_orig)?"
VARIANTS = {
    r"blocks\.\d+\.0\.conv1x1_": "self-attention",
    r"blocks\.\d+\.0\.bn0\.(gain|bias|embed\d|bn)\.": "class-conditional batch norm",
    r"info_": "InfoGAN's codes",
    r"(embedding|linear2|linear3|linear4|linear_mi)": "a head for classes",
}


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
    """Either network from its own arguments; both are recognised."""

    generator_class = DeepConvGenerator
    discriminator_class = DeepConvDiscriminator

    def recognise(self, weights: Weights, answers: Answers) -> Match | None:
        """Read ``linear0`` and ``deconv0`` as a generator, ``linear1`` and ``conv0`` as a judge."""
        notes = Notes(answers)
        if up := numbered(weights, KERNEL.format("deconv0")):
            refuse(weights, VARIANTS)
            return _generator(divided(weights), notes, up)
        if down := numbered(weights, KERNEL.format("conv0")):
            refuse(weights, VARIANTS)
            return _discriminator(_renamed(divided(weights)), notes, down)
        return None


def _generator(weights: Weights, notes: Notes, blocks: Sequence[int]) -> Match:
    units, dim = shape(weights, "linear0.weight", 2)
    shapes = [shape(weights, f"blocks.{i}.0.deconv0.weight", 4) for i in blocks]
    widths = [shapes[0][0], *(s[1] for s in shapes)]
    bottom = round((units / widths[0]) ** 0.5)
    arguments = {
        "latent_dim": notes.latent_dim(dim),
        "widths": widths,
        "bottom": bottom,
        "channels": shape(weights, "conv4.weight", 4)[0],
        "prior": notes.prior(),
        "bn_eps": notes.setting("bn_eps", EPS),
        "output": notes.output("tanh"),
    }
    return notes.match(FORMAT, "generator", weights, arguments, bottom * 2 ** len(blocks))


def _discriminator(weights: Weights, notes: Notes, blocks: Sequence[int]) -> Match:
    shapes = [shape(weights, f"blocks.{i}.0.conv0.weight", 4) for i in blocks]
    widths = [*(s[0] for s in shapes), shape(weights, "conv1.weight", 4)[0]]
    if (decisions := shape(weights, "linear1.weight", 2)[0]) != 1:
        raise GanlensError(
            f"linear1 gives {decisions} decisions, one for each class: only the unconditional"
            " discriminator is read; name the class that made it, with --module --trust"
        )
    size, normed = 4 * 2 ** len(blocks), "bn1.running_mean" in weights
    notes.assumed.append(f"discriminator for images of {size} px, as its generator's layout has it")
    arguments = {
        "channels": shapes[0][1],
        "size": size,
        "widths": widths,
        "bn_eps": notes.setting("bn_eps", EPS) if normed else None,
        "slope": notes.setting("activation_slope", 0.0),
    }
    notes.inferred.append(f"discriminator: widths {widths}{'' if normed else ', no batch norm'}")
    return notes.match(FORMAT, "discriminator", weights, arguments)


def _renamed(weights: Weights) -> dict[str, Tensor]:
    """Give the last layers of early releases the names that later ones have."""
    new = {"conv": "conv1", "bn": "bn1"}
    parts = {name: name.partition(".") for name in weights}
    return {f"{new.get(a, a)}{dot}{b}": weights[name] for name, (a, dot, b) in parts.items()}


def _norm(maps: int, eps: float | None) -> nn.Module:
    return nn.Identity() if eps is None else nn.BatchNorm2d(maps, eps=eps)
