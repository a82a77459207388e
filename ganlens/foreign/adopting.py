"""Imported networks as networks of a family that ganlens trains, where both compute the same."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.checkpoints import Checkpoint
from ganlens.errors import GanlensError
from ganlens.initialisation import seeded
from ganlens.models.dcgan import DCGAN, DCGANConfig

ADOPTING = "dcgan"  # the family
CLOSE, SEEDS = 1e-4, 4  # how near pixels and logits must be, on how many latents


def adopted(start: Checkpoint) -> Checkpoint:
    """Return imported networks as ganlens's own DCGAN, to be trained on.

    Weights are taken over in their order, and both pairs of networks must give the same pixels and
    logits: what is not the same function is refused.

    Args:
        start: a checkpoint of another family; moving averages come along.

    Raises:
        GanlensError: a network is missing, or is no DCGAN of ganlens's layout.
    """
    config = _config(start, *(_network(start, name) for name in DCGAN.roles))
    networks = {}
    for name, network in start.networks.items():
        role = name.removeprefix("ema.")
        with seeded():  # it draws weights before it is filled
            own = DCGAN().networks(config)[role]
        networks[name] = _filled(own, network, start, role)
    _check_same(start, networks)
    header = replace(start.header, family=ADOPTING, arguments=asdict(config))
    return replace(start, header=header, networks=networks)


def _network(start: Checkpoint, name: str) -> nn.Module:
    if name not in start.networks:
        raise GanlensError(
            f"{start.name} holds no {name}: to train on needs both networks, such as a folder with"
            " netG.pth and netD.pth"
        )
    return start.networks[name]


def _config(start: Checkpoint, generator: Any, discriminator: nn.Module) -> DCGANConfig:
    channels, height, width = generator.image_shape
    convolutions = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in generator.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d)]
    if height != width or not convolutions or not norms:
        raise _other(start, f"images of {width} x {height} px")
    first, prior = convolutions[0], generator.prior
    try:
        return DCGANConfig(
            size=height,
            channels=channels,
            latent_dim=prior.dim,
            width=first.out_channels,
            kernel=first.kernel_size[0],  # type: ignore[arg-type]
            prior=prior.parts[0].kind,
            bn_eps=norms[0].eps,
        )
    except GanlensError as error:
        raise _other(start, str(error)) from error


def _filled(own: nn.Module, other: nn.Module, start: Checkpoint, role: str) -> nn.Module:
    ours, theirs = own.state_dict(), list(other.state_dict().values())
    shapes = [[tuple(v.shape) for v in values] for values in (ours.values(), theirs)]
    if shapes[0] != shapes[1]:
        raise _other(start, f"its {role}'s layers have other shapes")
    own.load_state_dict(dict(zip(ours, theirs, strict=True)))
    return own.eval()


def _check_same(start: Checkpoint, networks: Mapping[str, nn.Module]) -> None:
    """Compare what the adopted networks compute with what the imported ones do."""
    generator: Any = start.networks["generator"].eval()
    z = generator.prior.sample(range(SEEDS))
    images = generator(z).detach()
    given: dict[str, Tensor] = {"generator": z, "discriminator": images}
    with torch.no_grad():
        for name, network in networks.items():
            x = given[name.removeprefix("ema.")]
            apart = (network(x).flatten() - start.networks[name].eval()(x).flatten()).abs().max()
            if not apart <= CLOSE:
                raise _other(start, f"its {name} computes something else, {apart:.2g} apart")


def _other(start: Checkpoint, why: str) -> GanlensError:
    return GanlensError(
        f"{start.name} cannot be trained on, for it is no DCGAN as ganlens builds it ({why}):"
        " choose another checkpoint, or train new networks without --start"
    )
