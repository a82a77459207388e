"""Where training starts: from random weights, or from a trained pair (fine-tuning, Wang 2018)."""

from typing import Any

from torch import nn

from ganlens.checkpoints import Checkpoint
from ganlens.errors import GanlensError


def check_start(start: Checkpoint, family: str, arguments: dict[str, Any]) -> None:
    """Refuse a checkpoint whose networks are not those that are to be trained.

    Raises:
        GanlensError: names the first difference, or the part that is missing.
    """
    header = start.header
    if header.family != family:
        raise GanlensError(
            f"{start.name} is of family {header.family!r}: choose a checkpoint of {family!r} to"
            " start from"
        )
    for name, value in arguments.items():
        if header.arguments.get(name) != value:
            raise GanlensError(
                f"{start.name} has {name} {header.arguments.get(name)!r}, not {value!r}: leave that"
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
