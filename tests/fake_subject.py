"""A Subject made in no time: a tiny untrained DCGAN."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ganlens.checkpoints import Header, save_checkpoint
from ganlens.models.conditional_dcgan import ConditionalConfig, ConditionalDCGAN
from ganlens.models.conditions import Attributes
from ganlens.models.dcgan import DCGANConfig, DCGANDiscriminator, DCGANGenerator
from ganlens.subject import Subject

TINY = DCGANConfig(size=16, width=4, latent_dim=8)


class FakeSubject(Subject):
    """A Subject of networks that no checkpoint holds."""

    def __init__(
        self, generator: Any, discriminator: Any = None, config: DCGANConfig = TINY, **about: Any
    ) -> None:
        made = {"family": "dcgan", "arguments": asdict(config)}
        known = {"checkpoint": "fake", "hash": "f" * 64, "weights": "ema", **made, **about}
        super().__init__({"generator": generator, "discriminator": discriminator}, known)
        self.config = config

    def untrained(self, seed: int = 0, *args: Any, **settings: Any) -> Subject:
        return super().untrained(seed + 1000, *args, **settings)  # of seed 0 is this one itself


def fake_subject(config: DCGANConfig = TINY, seed: int = 0) -> FakeSubject:
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        generator, discriminator = DCGANGenerator(config), DCGANDiscriminator(config)
    for module in [*generator.modules(), *discriminator.modules()]:
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.fill_(0.01)  # as calibration would: keeps the signal alive
    return FakeSubject(generator, discriminator, config)


def save_tiny(folder: Path, seed: int = 0) -> Path:
    """Write such a subject as a checkpoint folder."""
    fake = fake_subject(TINY, seed)
    header = Header("dcgan", asdict(TINY), fake.prior.to_json())
    networks = {"generator": fake.generator, "discriminator": fake.discriminator}
    return save_checkpoint(folder, header, networks, {})


def save_conditional(folder: Path, seed: int = 0) -> Path:
    """Write a tiny untrained conditional DCGAN of a hue and a shade as a checkpoint folder."""
    condition = Attributes.of(
        {"hue": np.array(["red", "red", "blue"]), "shade": np.array(["dark", "light", "dark"])},
        {"hue": ("blue", "red"), "shade": ("dark", "light")},
    )
    config = ConditionalConfig(**{**asdict(TINY), "condition_dim": condition.dim})
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        networks = ConditionalDCGAN().networks(config)
    for module in (part for network in networks.values() for part in network.modules()):
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_var.fill_(0.01)  # type: ignore[union-attr]
    prior = networks["generator"].prior.to_json()  # type: ignore[operator,union-attr]
    header = Header("conditional-dcgan", asdict(config), prior, condition=condition.to_json())
    return save_checkpoint(folder, header, networks, {})


def hooks(*networks: nn.Module) -> int:
    return sum(len(part._forward_hooks) for net in networks for part in net.modules())
