"""Conditional DCGAN: both networks are told a class or attributes.

Two ways: by concatenation, as in the first conditional GAN (Mirza and Osindero 2014, arXiv
1411.1784), or by conditional batch norm in G (de Vries 2017, arXiv 1707.00683) and projection in D
(Miyato and Koyama 2018, arXiv 1802.05637).
"""

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ganlens.limits import Limits
from ganlens.models.adversarial import GAN
from ganlens.models.dcgan import (
    DCGANConfig,
    DCGANDiscriminator,
    DCGANGenerator,
    DownBlock,
    initialise,
)
from ganlens.models.family import Preset
from ganlens.models.objective import Adversarial
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class ConditionalConfig(DCGANConfig):
    """Everything that determines the shape of a conditional pair; see ``DCGANConfig``.

    Attributes:
        condition_dim: numbers that a condition has.
        conditioning: "projection": beside the latent and as conditional batch norm in the
            generator, and as an inner product with the discriminator's last maps; "concatenation":
            beside the latent, and as constant planes beside the image.
    """

    condition_dim: Annotated[int, Limits(1)] = field(kw_only=True)
    conditioning: Literal["projection", "concatenation"] = "projection"


class ConditionalNorm(nn.Module):
    """Batch norm whose gain and shift depend on a condition, as sums over what it is made of."""

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d, condition_dim: int) -> None:
        super().__init__()
        self.norm = norm
        self.gain = nn.Linear(condition_dim, norm.num_features, bias=False)
        self.shift = nn.Linear(condition_dim, norm.num_features, bias=False)

    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        """Normalise (N, C) units or (N, C, H, W) maps under (N, k) rows."""
        shape = (*x.shape[:2], *(1 for _ in x.shape[2:]))
        gain, shift = self.gain(rows).view(shape), self.shift(rows).view(shape)
        return self.norm(x) * (1 + gain) + shift


class ConditionalGenerator(DCGANGenerator):
    """(N, d) latents and (N, k) rows to (N, C, size, size) images in [-1, 1].

    Gains and shifts are the same at every place of a map, so with few layers they alone cannot draw
    a class: the rows stand beside the latent in either way.

    Layers are those of ``DCGANGenerator``; under projection each ``norm`` has ``norm``, ``gain``
    and ``shift``.
    """

    config: ConditionalConfig

    def __init__(self, config: ConditionalConfig) -> None:
        super().__init__(replace(config, latent_dim=config.latent_dim + config.condition_dim))
        self.config, self.condition_dim = config, config.condition_dim
        self.prior = Prior(config.prior, config.latent_dim)
        if config.conditioning == "projection":
            for name, block in self.named_children():
                if name != "out":
                    block.norm = ConditionalNorm(block.norm, config.condition_dim)  # type: ignore[arg-type]
            initialise(self)

    def forward(self, z: Tensor, rows: Tensor) -> Tensor:  # type: ignore[override]
        """Map (N, d) or (N, d, 1, 1) latents under (N, k) rows to images."""
        maps = torch.cat([z.flatten(1), rows], 1)
        if self.config.conditioning == "concatenation":
            return super().forward(maps)
        *blocks, out = self.children()
        for block in blocks:
            maps = block(maps, rows)
        return out(maps)


class ConditionalDiscriminator(DCGANDiscriminator):
    """(N, C, size, size) images in [-1, 1] and (N, k) rows to (N,) logits, high for real.

    Layers are those of ``DCGANDiscriminator``, and under projection ``embed``.
    """

    def __init__(self, config: ConditionalConfig) -> None:
        super().__init__(config)
        self.condition_dim = config.condition_dim
        if config.conditioning == "projection":
            self.embed = nn.Linear(config.condition_dim, config.widths[-1], bias=False)
        else:
            planes = config.channels + config.condition_dim
            self.block1 = DownBlock(config, planes, config.widths[0], first=True)
        initialise(self)

    def forward(self, x: Tensor, rows: Tensor) -> Tensor:  # type: ignore[override]
        """Map images under rows to logits."""
        if not hasattr(self, "embed"):
            planes = rows[:, :, None, None].expand(-1, -1, *x.shape[2:])
            return super().forward(torch.cat([x, planes.to(x)], 1))
        *blocks, score, embed = self.children()
        for block in blocks:
            x = block(x)
        return score(x).flatten() + (embed(rows) * x.sum((2, 3))).sum(1)


class ConditionalDCGAN(GAN):
    """The family."""

    Config: ClassVar[type[Any]] = ConditionalConfig
    conditions: ClassVar[tuple[str, ...]] = ("classes", "attributes")
    presets: ClassVar[dict[str, Preset]] = {
        "default": Preset(ConditionalConfig(condition_dim=1), Adversarial()),
    }

    def networks(self, config: ConditionalConfig) -> dict[str, nn.Module]:
        """Build the generator, then the discriminator."""
        return {
            "generator": ConditionalGenerator(config),
            "discriminator": ConditionalDiscriminator(config),
        }
