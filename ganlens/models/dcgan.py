"""DCGAN (Radford, Metz and Chintala 2015, arXiv 1511.06434) at any size from 16 to 256 pixels."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from torch import Tensor, nn

from ganlens.limits import Limits, check_limits
from ganlens.models.adversarial import GAN
from ganlens.models.base import Pixels
from ganlens.models.family import Preset
from ganlens.models.objective import Adversarial
from ganlens.models.prior import Prior

MOST_LATENT_DIM, MOST_WIDTH = 10_000, 1024  # beyond these no memory holds the networks


@dataclass(frozen=True)
class DCGANConfig:
    """Everything that determines the shape of a DCGAN pair.

    The defaults are the ``torch`` preset: what PyTorch users know as DCGAN. ``paper`` is the
    authors' own.

    Attributes:
        size: height and width of the images in pixels, 16 to 256; need not be a power of two.
        channels: 1 (grey) or 3 (colour).
        latent_dim: coordinates of a latent.
        width: feature maps of the layer nearest to the image, in both networks; every halving of
            the resolution doubles them, up to 8 times.
        kernel: 4 (padding 1) or 5 (padding 2): size of the strided convolutions.
        prior: distribution of the latents, "normal" or "uniform".
        projection: first layer of the generator: "conv" is a transposed convolution with one gain
            per feature map, "linear" a matrix with one gain per unit, as in the authors' code.
        upsample: "transposed" convolutions, or "resize" (nearest neighbour, then a 3x3 convolution;
            Odena 2016), which draws no checkerboards.
        discriminator_norm: "batch", or "none" for losses and penalties that batch norm disturbs.
        bn_eps: what batch norm adds to the variance; the authors' code has 1e-8.
    """

    size: Pixels = 32
    channels: Literal[1, 3] = 3
    latent_dim: Annotated[int, Limits(1, MOST_LATENT_DIM)] = 100
    width: Annotated[int, Limits(1, MOST_WIDTH)] = 64
    kernel: Literal[4, 5] = 4
    prior: Literal["normal", "uniform"] = "normal"
    projection: Literal["conv", "linear"] = "conv"
    upsample: Literal["transposed", "resize"] = "transposed"
    discriminator_norm: Literal["batch", "none"] = "batch"
    bn_eps: Annotated[float, Limits(above=0, below=1)] = 1e-5

    def __post_init__(self) -> None:
        check_limits(self)

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sizes from the image down to the smallest map, which has 4 to 7 pixels a side.

        A strided convolution halves a size, rounding down (kernel 4) or up (kernel 5).
        """
        sizes = [self.size]
        while sizes[-1] > 7:
            sizes.append((sizes[-1] + (self.kernel == 5)) // 2)
        return tuple(sizes)

    @property
    def widths(self) -> tuple[int, ...]:
        """Feature maps at each resolution below the image, largest map first."""
        return tuple(self.width * min(2**i, 8) for i in range(len(self.resolutions) - 1))


class Project(nn.Module):
    """(N, d) latents to the (N, C, s, s) maps that the first block enlarges."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        self.channels, self.side = config.widths[-1], config.resolutions[-1]
        self.linear = config.projection == "linear"
        if self.linear:
            units = self.channels * self.side**2
            self.fc = nn.Linear(config.latent_dim, units, bias=False)
            self.norm: nn.Module = nn.BatchNorm1d(units, eps=config.bn_eps)
        else:
            self.conv = nn.ConvTranspose2d(config.latent_dim, self.channels, self.side, bias=False)
            self.norm = nn.BatchNorm2d(self.channels, eps=config.bn_eps)
        self.act = nn.ReLU()

    def forward(self, z: Tensor, *rows: Tensor) -> Tensor:
        """Map (N, d) to (N, C, s, s); a conditional norm takes (N, k) rows."""
        if self.linear:
            maps = self.act(self.norm(self.fc(z), *rows))
            return maps.view(-1, self.channels, self.side, self.side)
        return self.act(self.norm(self.conv(z[:, :, None, None]), *rows))


class UpBlock(nn.Module):
    """Enlarge maps to a side: convolution, then batch norm and ReLU, or tanh at the output."""

    def __init__(self, config: DCGANConfig, in_: int, out: int, side: int, last: bool) -> None:
        super().__init__()
        if config.upsample == "resize":
            self.resize: nn.Module = nn.Upsample(size=(side, side), mode="nearest")
            self.conv: nn.Module = nn.Conv2d(in_, out, 3, 1, 1, bias=False)
        else:
            # Without output padding a transposed convolution gives 2s (kernel 4) or 2s - 1 (5).
            extra = (side + (config.kernel == 5)) % 2
            self.resize = nn.Identity()
            self.conv = nn.ConvTranspose2d(
                in_, out, config.kernel, 2, config.kernel // 2 - (config.kernel == 4), extra,
                bias=False,
            )  # fmt: skip
        self.norm = nn.Identity() if last else nn.BatchNorm2d(out, eps=config.bn_eps)
        self.act = nn.Tanh() if last else nn.ReLU()

    def forward(self, x: Tensor, *rows: Tensor) -> Tensor:
        """Map (N, C, s, s) to (N, C', side, side); a conditional norm takes (N, k) rows."""
        return self.act(self.norm(self.conv(self.resize(x)), *rows))


class DownBlock(nn.Module):
    """Halve maps by a strided convolution, then batch norm (but in the first) and LeakyReLU 0.2."""

    def __init__(self, config: DCGANConfig, in_: int, out: int, first: bool) -> None:
        super().__init__()
        padding = config.kernel // 2 - (config.kernel == 4)
        batch = config.discriminator_norm == "batch" and not first
        self.conv = nn.Conv2d(
            in_, out, config.kernel, 2, padding, bias=config.discriminator_norm == "none"
        )
        self.norm = nn.BatchNorm2d(out, eps=config.bn_eps) if batch else nn.Identity()
        self.act = nn.LeakyReLU(0.2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, s, s) to (N, C', s/2, s/2)."""
        return self.act(self.norm(self.conv(x)))


class DCGANGenerator(nn.Module):
    """(N, d) latents to (N, C, size, size) images in [-1, 1].

    Layers are ``project``, ``block1`` to ``blockK`` and ``out``, each with ``conv``, ``norm``,
    ``act``.
    """

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        self.config = config
        self.prior = Prior(config.prior, config.latent_dim)
        self.image_shape = (config.channels, config.size, config.size)
        self.project = Project(config)
        sides, widths = config.resolutions[-2::-1], config.widths[::-1]
        for i, ((in_, out), side) in enumerate(zip(pairwise(widths), sides, strict=False), 1):
            self.add_module(f"block{i}", UpBlock(config, in_, out, side, last=False))
        self.out = UpBlock(config, widths[-1], config.channels, config.size, last=True)
        initialise(self)

    def forward(self, z: Tensor) -> Tensor:
        """Map (N, d) or (N, d, 1, 1) latents to images."""
        maps = z.flatten(1)
        for layer in self.children():
            maps = layer(maps)
        return maps


class DCGANDiscriminator(nn.Module):
    """(N, C, size, size) images in [-1, 1] to (N,) logits, high for real.

    Layers are ``block1`` to ``blockK``, each with ``conv``, ``norm``, ``act``, and ``score``.
    """

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        self.config = config
        self.image_shape = (config.channels, config.size, config.size)
        channels = (config.channels, *config.widths)
        for i, (in_, out) in enumerate(pairwise(channels), 1):
            self.add_module(f"block{i}", DownBlock(config, in_, out, first=i == 1))
        self.feature_layers = tuple(f"block{i}.act" for i in range(1, len(channels)))
        # One logit from the flattened maps: the same function as the authors' matrix [N].
        self.score = nn.Conv2d(channels[-1], 1, config.resolutions[-1], bias=False)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        for layer in self.children():
            x = layer(x)
        return x.flatten()


def initialise(network: nn.Module) -> None:
    """Weights N(0, 0.02), batch-norm gains N(1, 0.02), shifts and biases 0 [P section 4, N].

    Draws from torch's global stream: wrap the construction in ``initialisation.seeded`` with a
    seed.
    """
    if next(network.parameters()).is_meta:
        return  # there is nothing to draw, and torch would load its compiler, for seconds
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class DCGAN(GAN):
    """The family; its presets are what PyTorch users know as DCGAN, and the authors' own code."""

    Config: ClassVar[type[Any]] = DCGANConfig
    presets: ClassVar[dict[str, Preset]] = {
        "torch": Preset(DCGANConfig(size=64), Adversarial()),
        # [P section 3] and the authors' code: 5x5 kernels, width 128, uniform prior, matrices; L2
        # 1e-5 on the gradient, G and D take turns, 25 epochs.
        "paper": Preset(
            DCGANConfig(size=64, width=128, kernel=5, prior="uniform", projection="linear"),
            Adversarial(weight_decay=1e-5, schedule="alternate"),
            {"epochs": 25},
        ),
    }

    def networks(self, config: DCGANConfig) -> dict[str, nn.Module]:
        """Build the generator, then the discriminator."""
        return {
            "generator": DCGANGenerator(config),
            "discriminator": DCGANDiscriminator(config),
        }


def preset(name: str, **changes: Any) -> DCGANConfig:
    """Return a preset's networks with some of their values changed.

    Raises:
        GanlensError: an unknown preset.
    """
    return replace(DCGAN().preset(name).config, **changes)
