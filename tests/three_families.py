"""Three families as a user would add them: a conditional GAN, an autoencoder, a translator.

Each is complete here: its networks, what it minimises, and one line that puts it into MODELS. No
file of ganlens knows of them.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.models import MODELS
from ganlens.models.adversarial import GAN
from ganlens.models.family import Adam, Batch, Curve, Family, Networks, Phase
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class Shape:
    """Images of a size, and how much a network is told."""

    size: int = 16
    channels: int = 3
    condition_dim: int = 0
    latent_dim: int = 8
    width: int = 16


def squares(c: Shape) -> tuple[int, int, int]:
    return c.channels, c.size, c.size


class Draw(nn.Module):
    """(N, d) latents, and (N, k) rows where it is told some, to images."""

    def __init__(self, c: Shape) -> None:
        super().__init__()
        self.prior, self.image_shape = Prior("normal", c.latent_dim), squares(c)
        self.condition_dim = c.condition_dim
        self.first = nn.Linear(c.latent_dim + c.condition_dim, c.width * 16)
        self.norm = nn.BatchNorm1d(c.width * 16)
        self.act = nn.ReLU()
        self.conv = nn.ConvTranspose2d(c.width, c.channels, c.size // 4, c.size // 4)

    def forward(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        inputs = z if told is None else torch.cat([z, told], 1)
        maps = self.act(self.norm(self.first(inputs)).view(len(z), -1, 4, 4))
        return self.conv(maps).tanh()


class See(nn.Module):
    """Images, and rows where it is told some, to (N,) scores or (N, out) numbers."""

    feature_layers = ("conv", "act")

    def __init__(self, c: Shape, out: int = 1) -> None:
        super().__init__()
        self.image_shape, self.condition_dim = squares(c), c.condition_dim
        self.conv = nn.Conv2d(c.channels, c.width, 4, 4)
        self.act = nn.LeakyReLU(0.2)
        self.last = nn.Linear(c.width * (c.size // 4) ** 2 + c.condition_dim, out)

    def forward(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        maps = self.act(self.conv(x)).flatten(1)
        found = self.last(maps if told is None else torch.cat([maps, told], 1))
        return found.flatten() if found.shape[1] == 1 else found


class ConditionalGAN(GAN):
    """cGAN (Mirza and Osindero 2014): both networks are told the class."""

    Config = Shape
    conditions = ("classes", "attributes")

    def networks(self, config: Shape) -> dict[str, nn.Module]:
        return {"generator": Draw(config), "discriminator": See(config)}


@dataclass(frozen=True)
class Reconstruction:
    """How an autoencoder is trained.

    Attributes:
        lr: Adam's step size.
        pull: weight of the latents' squared length.
    """

    lr: float = 1e-3
    pull: float = 1e-3


class Autoencoder(Family):
    """An encoder and the generator that draws its latents again: one phase, no contest."""

    Config, Training = Shape, Reconstruction
    roles: ClassVar = {"encoder": "encoder", "decoder": "generator"}
    averaged = ("decoder", "encoder")
    curves = (Curve("Reconstruction", {"error": "error"}, "squared error", "Lower is better."),)

    def networks(self, config: Shape) -> dict[str, nn.Module]:
        return {"encoder": See(config, config.latent_dim), "decoder": Draw(config)}

    def phases(self, nets: Networks, objective: Any) -> list[Phase]:
        loss = partial(self.loss, nets, objective)
        return [Phase("autoencoder", ("encoder", "decoder"), loss, Adam(objective.lr))]

    def loss(self, nets: Networks, how: Any, batch: Batch, _: None) -> tuple[Tensor, Any]:
        z = nets["encoder"](batch.images)
        error = F.mse_loss(nets["decoder"](z), batch.images)
        return error + how.pull * z.square().sum(1).mean(), {"error": error}


@dataclass(frozen=True)
class Cycle:
    """How two translators are trained.

    Attributes:
        lr: Adam's step size.
        cycle: weight of the way there and back.
    """

    lr: float = 2e-4
    cycle: float = 10.0


class Paint(nn.Module):
    """Images to images."""

    def __init__(self, c: Shape) -> None:
        super().__init__()
        self.image_shape = squares(c)
        self.conv1 = nn.Conv2d(c.channels, c.width, 3, 1, 1)
        self.norm = nn.BatchNorm2d(c.width)
        self.conv2 = nn.Conv2d(c.width, c.channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.norm(self.conv1(x)).relu()).tanh()


class CycleFamily(Family):
    """Two translators and the critic of the second domain (after CycleGAN, Zhu 2017)."""

    Config, Training, domains = Shape, Cycle, 2
    roles: ClassVar = {"a_to_b": "translator", "b_to_a": "translator", "critic_b": "discriminator"}
    averaged = ("a_to_b", "b_to_a")
    reads: ClassVar = {"b_to_a": "others", "critic_b": "others"}

    def networks(self, config: Shape) -> dict[str, nn.Module]:
        return {"a_to_b": Paint(config), "b_to_a": Paint(config), "critic_b": See(config)}

    def forward(self, nets: Networks, batch: Batch) -> Tensor:
        return nets["a_to_b"](batch.images)

    def phases(self, nets: Networks, objective: Any) -> list[Phase]:
        adam = Adam(objective.lr)
        paint = partial(self.paint, nets, objective)
        return [
            Phase("g", ("a_to_b", "b_to_a"), paint, adam),
            Phase("d", ("critic_b",), partial(self.tell, nets), adam, every=2),
        ]

    def paint(self, nets: Networks, how: Any, batch: Batch, b: Tensor) -> tuple[Tensor, Any]:
        fool = F.softplus(-nets["critic_b"](b)).mean()
        back = F.l1_loss(nets["b_to_a"](b), batch.images)
        return fool + how.cycle * back, {"g_loss": fool, "cycle": back}

    def tell(self, nets: Networks, batch: Batch, b: Tensor) -> tuple[Tensor, Any]:
        assert batch.others is not None
        real, fake = nets["critic_b"](batch.others), nets["critic_b"](b.detach())
        loss = F.softplus(-real).mean() + F.softplus(fake).mean()
        return loss, {"d_loss": loss}


FAMILIES = {
    "toy-conditional": ConditionalGAN(),
    "toy-autoencoder": Autoencoder(),
    "toy-translator": CycleFamily(),
}
MODELS.update(FAMILIES)
