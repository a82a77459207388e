"""Where training starts: from random weights, or from a trained pair (fine-tuning, Wang 2018)."""

from typing import Any

from torch import nn

from ganlens.checkpoints import Checkpoint
from ganlens.errors import GanlensError
from ganlens.models.dcgan import DCGANConfig, arguments_of


def arguments_of_start(start: Checkpoint, family: str) -> dict[str, Any]:
    """Return the constructor arguments of a checkpoint's networks, those of older ones completed.

    Raises:
        GanlensError: it is of another family.
    """
    header = start.header
    if header.family != family:
        raise GanlensError(
            f"{start.name} is of family {header.family!r}: choose a checkpoint of {family!r} to"
            " start from"
        )
    return completed(family, header.arguments)


def completed(family: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return constructor arguments with the defaults of those that are left out."""
    return (arguments_of(DCGANConfig()) if family == "dcgan" else {}) | arguments


def check_start(start: Checkpoint, family: str, arguments: dict[str, Any]) -> None:
    """Refuse a checkpoint whose networks are not those that are to be trained.

    Args:
        start: the checkpoint.
        family: of the networks.
        arguments: of their constructors; what is left out may be anything.

    Raises:
        GanlensError: names the first difference, or the part that is missing.
    """
    known = arguments_of_start(start, family)
    for name, value in arguments.items():
        if known.get(name) != value:
            raise GanlensError(
                f"{start.name} has {name} {known.get(name)!r}, not {value!r}: leave that"
                " out to train its networks, or train new ones without a start"
            )
    for part in ("generator", "discriminator"):
        if part not in start.networks:
            raise GanlensError(f"{start.name} holds no {part}: choose another checkpoint")


def fill(start: Checkpoint, **networks: nn.Module) -> None:
    """Give "generator", "discriminator" and "ema" the weights of a checkpoint, in place.

    Both networks are worth taking over (arXiv 1805.01677). A checkpoint without a moving average
    begins it at its generator.
    """
    for name, network in networks.items():
        known = start.networks.get(name, start.networks["generator"])
        network.load_state_dict(known.state_dict())
