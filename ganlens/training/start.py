"""Where training starts: from random weights, or from trained networks (fine-tuning, Wang 2018)."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ganlens.checkpoints import Checkpoint
from ganlens.errors import GanlensError
from ganlens.models import MODELS
from ganlens.models.arguments import completed


def arguments_of_start(start: Checkpoint, family: str) -> dict[str, Any]:
    """Return the arguments of a checkpoint's networks, those of older ones completed.

    Raises:
        GanlensError: it is of another family.
    """
    header = start.header
    if header.family != family:
        raise GanlensError(
            f"{start.name} is of family {header.family!r}: choose a checkpoint of {family!r} to"
            " start from"
        )
    return completed(MODELS[family], header.arguments)


def check_start(start: Checkpoint, family: str, arguments: Mapping[str, Any]) -> None:
    """Refuse a checkpoint whose networks are not those that are to be trained.

    Args:
        start: the checkpoint.
        family: of the networks.
        arguments: of the networks; what is left out may be anything.

    Raises:
        GanlensError: names the first difference, or the network that is missing.
    """
    known = arguments_of_start(start, family)
    for name, value in arguments.items():
        if known.get(name) != value:
            raise GanlensError(
                f"{start.name} has {name} {known.get(name)!r}, not {value!r}: leave that"
                " out to train its networks, or train new ones without a start"
            )
    for name in MODELS[family].roles:
        if name not in start.networks:
            raise GanlensError(f"{start.name} holds no {name}: choose another checkpoint")


def fill(start: Checkpoint, learning: nn.ModuleDict, averages: nn.ModuleDict) -> None:
    """Give networks and their moving averages the weights of a checkpoint, in place.

    All networks are worth taking over (arXiv 1805.01677). A checkpoint without a moving average
    begins it at the network itself.
    """
    known = start.networks
    for name, network in learning.items():
        network.load_state_dict(known[name].state_dict())
    for name, network in averages.items():
        network.load_state_dict(known.get(f"ema.{name}", known[name]).state_dict())
