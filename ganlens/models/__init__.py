"""The families of networks that ganlens builds: ``MODELS[family].build(arguments, names)``."""

from collections.abc import Collection
from typing import Any

from torch import nn

from ganlens.initialisation import seeded
from ganlens.models.base import Family
from ganlens.models.dcgan import DCGAN
from ganlens.models.imported import IMPORTED
from ganlens.models.imported.trust import call, trusted

MODELS: dict[str, Family] = {"dcgan": DCGAN(), **IMPORTED}


def build(
    family: str,
    arguments: dict[str, Any],
    seed: int,
    parts: Collection[str] = ("generator", "discriminator"),
) -> tuple[Any, Any]:
    """Build an untrained pair of a family from a seed; global random streams are left alone.

    Args:
        family: key of MODELS.
        arguments: of its constructors.
        seed: of the weights.
        parts: the networks that are wanted; None takes the place of the other.
    """
    with seeded(seed):
        made = MODELS[family].build(arguments, parts)
    return made.get("generator"), made.get("discriminator")


def register_trusted() -> Family | None:
    """Call what ``--module`` names; return the family that it is, which MODELS then holds.

    What has a method ``build`` and is no network is a family. None stands for anything else.

    Raises:
        GanlensError: it cannot be called.
    """
    target = trusted().module
    if target is None:
        return None
    found = call(target)
    if isinstance(found, nn.Module) or not callable(getattr(found, "build", None)):
        return None
    MODELS[target] = found
    return MODELS[target]
