"""The DCGAN of facebookresearch/pytorch_GAN_zoo: ``formatLayer``, then a ``main`` of named layers.

Files hold ``{config, netG, netD, avgG}``; the config is a pickled class, which is not imported. The
project never leaves train mode, so it draws with the batch norm of each batch, and the statistics
in a file are those of the batches that this network happened to see.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ganlens.models.base import PairFamily
from ganlens.models.output import Pixels, leaky
from ganlens.models.prior import Prior
from ganlens.models.recognition import Answers, Match, Notes, Weights, numbered, ranked, shape

FORMAT = "the DCGAN of pytorch_GAN_zoo"


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
    """Either network from its own arguments; both are recognised."""

    generator_class = GanZooGenerator
    discriminator_class = GanZooDiscriminator

    def recognise(self, weights: Weights, answers: Answers) -> Match | None:
        """Read ``formatLayer`` and ``main.outlayer``, or ``decisionLayer`` of rank 4."""
        inner = numbered(weights, r"main\.convTranspose(\d+)\.weight")
        if ranked(weights, "formatLayer.weight") == 4:
            return _generator(weights, Notes(answers), inner)
        if ranked(weights, "decisionLayer.weight") == 4 and inner:
            return _discriminator(weights, Notes(answers), inner)
        return None


def _generator(weights: Weights, notes: Notes, inner: Sequence[int]) -> Match:
    dim, first = shape(weights, "formatLayer.weight", 4)[:2]
    shapes = [shape(weights, f"main.convTranspose{i}.weight", 4) for i in inner]
    arguments = {
        "latent_dim": notes.latent_dim(dim),
        "widths": [first, *(s[1] for s in shapes)],
        "channels": shape(weights, "main.outlayer.weight", 4)[1],
        "prior": notes.prior(),
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "output": notes.output("tanh"),
    }
    notes.assumed.append("batch norm's statistics as the file has them; the project draws in train"
                         " mode, with those of each batch")  # fmt: skip
    return notes.match(FORMAT, "generator", weights, arguments, 4 * 2 ** (len(inner) + 1))


def _discriminator(weights: Weights, notes: Notes, inner: Sequence[int]) -> Match:
    shapes = [shape(weights, f"main.convTranspose{i}.weight", 4) for i in reversed(inner)]
    arguments = {
        "channels": shapes[0][1],
        "widths": [s[0] for s in shapes],
        "decisions": shape(weights, "decisionLayer.weight", 4)[0],
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "slope": notes.setting("activation_slope", 0.2),
    }
    note_decisions(notes, arguments["decisions"])
    return notes.match(FORMAT, "discriminator", weights, arguments, 4 * 2 ** len(inner))


def note_decisions(notes: Notes, count: int) -> None:
    """Note what it means that a discriminator of this project decides more than one thing."""
    if count > 1:
        notes.assumed.append(
            f"the first of {count} decisions tells real from fake; the others are AC-GAN's classes,"
            " whose codes at the latents' end are drawn from the prior, too"
        )
