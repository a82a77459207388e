"""InfoGAN (Chen et al. 2016, arXiv 1606.03657): some coordinates of the latent become codes.

Beside noise the generator takes a categorical and a few continuous codes. A reader, on the body of
the discriminator, is to find them in the image again: its likelihood bounds the mutual information
of code and image from below, and both phases raise it. Recipe as in the authors' code for digits.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.limits import Amount, Limits
from ganlens.models.adversarial import GAN
from ganlens.models.adversarial_curves import CURVES
from ganlens.models.dcgan import (
    MOST_LATENT_DIM,
    DCGANConfig,
    DCGANDiscriminator,
    DCGANGenerator,
    initialise,
)
from ganlens.models.family import Batch, Curve, Networks
from ganlens.models.objective import Adversarial
from ganlens.models.prior import Part, Prior

HIDDEN = 128  # units between the body and the codes, as in the authors' code


@dataclass(frozen=True)
class InfoGANConfig(DCGANConfig):
    """Everything that determines the shape of an InfoGAN; see ``DCGANConfig``.

    Attributes:
        latent_dim: coordinates of the noise, which nobody reads; ``prior`` is theirs.
        codes: what is read, as in "categorical 10, uniform 2"; see ``Prior.of``.
    """

    latent_dim: Annotated[int, Limits(1, MOST_LATENT_DIM)] = 62
    codes: str = "categorical 10, uniform 2"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.latents()

    def latents(self) -> Prior:
        """Return the prior of the noise and, after it, the codes."""
        codes = Prior.of(self.codes)
        noise = Part(self.prior, self.latent_dim, "noise")
        return Prior("parts", self.latent_dim + codes.dim, (noise, *codes.parts))


class InfoGenerator(DCGANGenerator):
    """(N, d) latents, noise and codes, to (N, C, size, size) images; see ``DCGANGenerator``."""

    def __init__(self, config: InfoGANConfig) -> None:
        prior = config.latents()
        super().__init__(replace(config, latent_dim=prior.dim))
        self.config, self.prior = config, prior


class Reader(nn.Module):
    """(N, C, size, size) images in [-1, 1] to the (N, d) latents that it takes them to have.

    The noise is given as its mean, 0; a categorical code as probabilities; a continuous one as
    the mean of a normal distribution of variance 1, as in the authors' code.

    Args:
        config: of the networks.
        discriminator: its blocks are this network's too, and learn with it.
    """

    def __init__(self, config: InfoGANConfig, discriminator: DCGANDiscriminator) -> None:
        super().__init__()
        self.image_shape = discriminator.image_shape
        self.latents = config.latents()
        blocks = [(n, m) for n, m in discriminator.named_children() if n != "score"]
        self.body = nn.Sequential(OrderedDict(blocks))
        self.fc = nn.Linear(config.widths[-1] * config.resolutions[-1] ** 2, HIDDEN, bias=False)
        self.norm = nn.BatchNorm1d(HIDDEN, eps=config.bn_eps)
        self.act = nn.LeakyReLU(0.2)
        self.codes = nn.Linear(HIDDEN, self.latents.dim - config.latent_dim)
        self.feature_layers = (*(f"body.{name}.act" for name, _ in blocks), "act")
        initialise(nn.ModuleList([self.fc, self.norm, self.codes]))

    def read(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return for each code (N, k) float32: logits of a categorical one, means of others."""
        units = self.act(self.norm(self.fc(self.body(x).flatten(1))))
        found = self.codes(units).float()
        return found.split([part.dim for part in self.latents.parts[1:]], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images to latents."""
        noise, *codes = self.latents.parts
        found = [torch.zeros(len(x), noise.dim, device=x.device)]
        for part, value in zip(codes, self.read(x), strict=True):
            # A normal code's mean stays: its projection, to the sphere, would leave a sign of one.
            means = part.project(value) if part.kind == "uniform" else value
            found.append(value.softmax(1) if part.kind == "categorical" else means)
        return torch.cat(found, 1)


@dataclass(frozen=True)
class Informed(Adversarial):
    """How an InfoGAN is trained; see ``Adversarial``.

    Attributes:
        information: weight of the codes' negative log-likelihood in both losses, the paper's
            lambda.
    """

    lr: Annotated[float, Limits(above=0)] = 1e-3
    lr_discriminator: Amount = 2e-4
    information: Amount = 1.0


class InfoGAN(GAN):
    """The family: a GAN with a third network, which learns with the discriminator."""

    Config: ClassVar[type[Any]] = InfoGANConfig
    Training: ClassVar[type[Any]] = Informed
    roles: Mapping[str, str] = {
        "generator": "generator",
        "discriminator": "discriminator",
        "reader": "encoder",
    }
    curves: ClassVar[tuple[Curve, ...]] = (
        *CURVES,
        Curve(
            "What images say of the categorical codes",
            {"information": "mutual information, at least"},
            "nats",
            "The codes' entropy less the reader's cross-entropy: a lower bound of their mutual "
            "information with the image. At the entropy (2.30 for 10 values) each is read.",
        ),
        Curve(
            "How far the reader is from the continuous codes",
            {"code_error": "mean squared error"},
            "squared code",
            "0 where every code can be read off the image; 1/3 for a uniform code and 1 for a "
            "normal one where nothing can.",
        ),
    )

    def networks(self, config: InfoGANConfig) -> dict[str, nn.Module]:
        """Build the generator, the discriminator, and the reader on its body."""
        generator, discriminator = InfoGenerator(config), DCGANDiscriminator(config)
        return {
            "generator": generator,
            "discriminator": discriminator,
            "reader": Reader(config, discriminator),
        }

    def critics(self, nets: Networks) -> tuple[str, ...]:
        """Return the networks that learn in phase "d", the reader among them."""
        return (*super().critics(nets), "reader")

    def d_loss(
        self, nets: Networks, how: Any, batch: Batch, fake: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return D's loss and the reader's."""
        loss, numbers = super().d_loss(nets, how, batch, fake)
        unread, read = unread_codes(nets, batch, fake.detach())
        return loss + how.information * unread, {**numbers, **read}

    def g_loss(
        self, nets: Networks, how: Any, batch: Batch, fake: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return G's loss, to which the codes that cannot be read are added."""
        loss, numbers = super().g_loss(nets, how, batch, fake)
        return loss + how.information * unread_codes(nets, batch, fake)[0], numbers


def unread_codes(nets: Networks, batch: Batch, fake: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the codes' negative log-likelihood under the reader, and how well it reads.

    Args:
        nets: generator and reader.
        batch: its latents are those that the images were drawn from.
        fake: (n, C, H, W) images.

    Returns:
        The sum over codes in nats, without the constant of the normal distribution; and
        "information", the bound of the categorical codes' mutual information in nats, and
        "code_error", the mean squared error of the continuous ones, as far as there are such.
    """
    reader = nets["reader"]
    z = reader.latents.split(batch.latents(nets["generator"].prior))[1:]
    total, bound, errors = fake.new_zeros((), dtype=torch.float32), list[Tensor](), list[Tensor]()
    for part, truth, found in zip(reader.latents.parts[1:], z, reader.read(fake), strict=True):
        if part.kind == "categorical":
            unread = F.cross_entropy(found, truth.argmax(1))
            bound.append(math.log(part.dim) - unread)
        else:
            squares = (found - truth).square()
            unread = squares.sum(1).mean() / 2
            errors.append(squares)
        total = total + unread
    numbers = {"information": torch.stack(bound).sum()} if bound else {}
    if errors:
        numbers["code_error"] = torch.cat(errors, 1).mean()
    return total, numbers
