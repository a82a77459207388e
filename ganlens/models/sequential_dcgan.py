"""The DCGAN of pytorch/examples and of the PyTorch tutorial: one ``main`` of numbered layers.

Convolutions are 4x4 without biases; the generator's first one makes a map of its own kernel's size
out of a latent, every other one doubles (stride 2, padding 1), and the discriminator mirrors it.
The sigmoid at the discriminator's end is left out: ganlens works with logits.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.models.base import PairFamily
from ganlens.models.output import Pixels, leaky
from ganlens.models.prior import Prior
from ganlens.models.recognition import Answers, Match, Notes, Weights, numbered, ranked, shape

FORMAT = "DCGAN of pytorch/examples or the PyTorch tutorial"


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
    """Either network from its own arguments; both are recognised."""

    generator_class = SequentialGenerator
    discriminator_class = SequentialDiscriminator

    def recognise(self, weights: Weights, answers: Answers) -> Match | None:
        """Read ``main.N.weight``: batch norm at 1 is a generator's, a convolution at 2 is not."""
        layers = numbered(weights, r"main\.(\d+)\.weight")
        convolutions = [i for i in layers if ranked(weights, f"main.{i}.weight") == 4]
        if 0 not in convolutions or len(convolutions) < 2:
            return None
        notes = Notes(answers)
        if ranked(weights, "main.1.weight") == 1:
            return _generator(weights, notes, convolutions)
        return _discriminator(weights, notes, convolutions)


def _generator(weights: Weights, notes: Notes, convolutions: Sequence[int]) -> Match:
    shapes = [shape(weights, f"main.{i}.weight", 4) for i in convolutions]
    _check_kernels(dict(zip(convolutions[1:], shapes[1:], strict=True)))
    start, widths = shapes[0][2:], [s[1] for s in shapes[:-1]]
    arguments = {
        "latent_dim": notes.latent_dim(shapes[0][0]),
        "widths": widths,
        "channels": shapes[-1][1],
        "start": list(start),
        "prior": notes.prior(),
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "output": notes.output("tanh"),
    }
    height, width = (side * 2 ** len(widths) for side in start)
    return notes.match(FORMAT, "generator", weights, arguments, height, width)


def _discriminator(weights: Weights, notes: Notes, convolutions: Sequence[int]) -> Match:
    shapes = [shape(weights, f"main.{i}.weight", 4) for i in convolutions]
    _check_kernels(dict(zip(convolutions[:-1], shapes[:-1], strict=True)))
    start, widths = shapes[-1][2:], [s[0] for s in shapes[:-1]]
    arguments = {
        "widths": widths,
        "channels": shapes[0][1],
        "start": list(start),
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "slope": notes.setting("activation_slope", 0.2),
    }
    height, width = (side * 2 ** len(widths) for side in start)
    return notes.match(FORMAT, "discriminator", weights, arguments, height, width)


def _check_kernels(shapes: Mapping[int, tuple[int, ...]]) -> None:
    for i, found in shapes.items():
        if found[2:] != (4, 4):
            raise GanlensError(
                f"weights have main.{i}.weight of shape {found}: 4x4 kernels were expected, others"
                " do not tell their stride; name the class that made them with --module"
            )
