"""A stand-in for ganlens.subject.Subject: a tiny untrained DCGAN behind the same methods."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganlens.activations import capture, layer_names
from ganlens.models.dcgan import DCGANConfig, DCGANDiscriminator, DCGANGenerator
from ganlens.models.prior import Prior

TINY = DCGANConfig(size=16, width=4, latent_dim=8)


@dataclass(eq=False)  # a subject is hashed by identity, as the real one
class FakeSubject:
    generator: Any
    discriminator: Any
    name: str = "fake"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    provenance: dict[str, Any] = field(
        default_factory=lambda: {"checkpoint": "fake", "hash": "f" * 64, "weights": "ema"}
    )
    config: DCGANConfig = TINY

    @property
    def prior(self) -> Prior:
        return self.generator.prior

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.generator.image_shape

    def network(self, name: str) -> Any:
        return getattr(self, name)

    def latents(self, seeds: Iterable[int]) -> Tensor:
        return self.prior.sample(seeds)

    @torch.no_grad()
    def generate(self, z: Tensor, batch_size: int = 64) -> Tensor:
        return torch.cat([self.generator(part) for part in z.split(batch_size)])

    @torch.no_grad()
    def discriminate(self, x: Tensor, batch_size: int = 64) -> Tensor:
        return torch.cat([self.discriminator(part) for part in x.split(batch_size)])

    def features(
        self,
        x: Tensor,
        layers: str | Sequence[str] = "all",
        pool: int | None = 4,
        batch_size: int = 64,
    ) -> Tensor:
        names = self.discriminator.feature_layers if layers == "all" else layers
        rows = []
        for part in x.split(batch_size):
            with capture(self.discriminator, names) as outputs:
                self.discriminate(part)
            maps = [F.adaptive_max_pool2d(outputs[name], pool).flatten(1) for name in names]
            rows.append(torch.cat(maps, 1))
        return torch.cat(rows)

    def layers(self, network: str) -> list[str]:
        return layer_names(getattr(self, network))

    def untrained(
        self, seed: int = 0, images: Tensor | None = None, *, calibrated: bool = True
    ) -> "FakeSubject":
        return fake_subject(self.config, seed + 1000)


def fake_subject(config: DCGANConfig = TINY, seed: int = 0) -> FakeSubject:
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        generator, discriminator = DCGANGenerator(config), DCGANDiscriminator(config)
    for module in [*generator.modules(), *discriminator.modules()]:
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.fill_(0.01)  # as calibration would: keeps the signal alive
    return FakeSubject(generator.eval(), discriminator.eval(), config=config)


def hooks(*networks: nn.Module) -> int:
    return sum(len(part._forward_hooks) for net in networks for part in net.modules())
