"""The first GAN (Goodfellow et al. 2014, arXiv 1406.2661): two multilayer perceptrons on pixels.

The paper's MNIST networks had a generator of rectifiers with a sigmoid output and a maxout
discriminator with dropout, trained by SGD with momentum. Here both are plain, as most
reimplementations have them: ReLU and tanh, leaky ReLU and dropout, trained by Adam.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from torch import Tensor, nn

from ganlens.limits import Decay, Limits, check_limits
from ganlens.models.adversarial import GAN
from ganlens.models.base import Pixels
from ganlens.models.family import Preset
from ganlens.models.objective import Adversarial
from ganlens.models.prior import Prior

MOST_WIDTH, MOST_LAYERS, MOST_LATENT_DIM = 4096, 8, 10_000


@dataclass(frozen=True)
class MLPConfig:
    """Everything that determines the shape of a pair of multilayer perceptrons.

    Attributes:
        size: height and width of the images in pixels, 16 to 256.
        channels: 1 (grey) or 3 (colour).
        latent_dim: coordinates of a latent.
        width: units of the generator's first hidden layer and the discriminator's last, 1 to 4096;
            each layer nearer to the image has twice as many, up to 4 times.
        layers: hidden layers of either network, 1 to 8.
        prior: distribution of the latents, "normal" or "uniform" (the paper's).
        norm: "batch" norm in the generator's hidden layers but the first, or "none".
        dropout: share of the discriminator's hidden units that are silenced in training, as in the
            paper; 0 is off.
    """

    size: Pixels = 28
    channels: Literal[1, 3] = 1
    latent_dim: Annotated[int, Limits(1, MOST_LATENT_DIM)] = 100
    width: Annotated[int, Limits(1, MOST_WIDTH)] = 112
    layers: Annotated[int, Limits(1, MOST_LAYERS)] = 3
    prior: Literal["normal", "uniform"] = "normal"
    norm: Literal["batch", "none"] = "batch"
    dropout: Decay = 0.1

    def __post_init__(self) -> None:
        check_limits(self)

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of the hidden layers, from the latents' or the score's side to the image."""
        return tuple(self.width * min(2**i, 4) for i in range(self.layers))


class MLPGenerator(nn.Module):
    """(N, d) latents to (N, C, size, size) images in [-1, 1].

    Layers are ``block1`` to ``blockK``, each with ``fc``, ``norm`` and ``act``, and ``out``.
    """

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        self.prior = Prior(config.prior, config.latent_dim)
        self.image_shape = (config.channels, config.size, config.size)
        sizes = pairwise((config.latent_dim, *config.widths))
        for i, (in_, out) in enumerate(sizes, 1):
            batch = config.norm == "batch" and i > 1  # as DCGAN's code: not on the latents
            self.add_module(f"block{i}", block(in_, out, batch, 0.0, nn.ReLU()))
        pixels = config.channels * config.size**2
        self.out = nn.Sequential()
        self.out.add_module("fc", nn.Linear(config.widths[-1], pixels))
        self.out.add_module("act", nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to images."""
        units = z
        for layer in self.children():
            units = layer(units)
        return units.view(-1, *self.image_shape)


class MLPDiscriminator(nn.Module):
    """(N, C, size, size) images in [-1, 1] to (N,) logits, high for real.

    Layers are ``block1`` to ``blockK``, each with ``fc``, ``act`` and ``dropout``, and ``score``.
    """

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        self.image_shape = (config.channels, config.size, config.size)
        sizes = (config.channels * config.size**2, *config.widths[::-1])
        for i, (in_, out) in enumerate(pairwise(sizes), 1):
            part = block(in_, out, False, config.dropout, nn.LeakyReLU(0.2))
            self.add_module(f"block{i}", part)
        self.feature_layers = tuple(f"block{i}.act" for i in range(1, len(sizes)))
        self.score = nn.Linear(config.width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        units = x.flatten(1)
        for layer in self.children():
            units = layer(units)
        return units.flatten()


def block(in_: int, out: int, batch: bool, dropout: float, act: nn.Module) -> nn.Sequential:
    """Return a hidden layer: a matrix, batch norm and dropout where wanted, an activation."""
    parts = nn.Sequential()
    parts.add_module("fc", nn.Linear(in_, out))
    if batch:
        parts.add_module("norm", nn.BatchNorm1d(out))
    parts.add_module("act", act)
    if dropout:
        parts.add_module("dropout", nn.Dropout(dropout))
    return parts


class MLPGAN(GAN):
    """The family."""

    Config: ClassVar[type[Any]] = MLPConfig
    presets: ClassVar[dict[str, Preset]] = {
        # On 8,000 digits, after 100 epochs: FD-classifier 11.2, 12.4, 12.7 (seeds 0 to 2), and 28.7
        # at three times the dropout, half the step size and without R1. Without batch norm, as in
        # the paper, Adam collapses (FD 284 to 307).
        "default": Preset(
            MLPConfig(),
            Adversarial(lr=4e-4, label_smoothing=0.1, r1=0.2, r1_every=4),
            {"epochs": 200},
        ),
    }

    def networks(self, config: MLPConfig) -> dict[str, nn.Module]:
        """Build the generator, then the discriminator."""
        return {"generator": MLPGenerator(config), "discriminator": MLPDiscriminator(config)}
