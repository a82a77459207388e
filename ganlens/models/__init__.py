"""The families of networks that ganlens builds: ``MODELS[family].build(arguments)``."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

from ganlens.initialisation import seeded
from ganlens.models.dcgan import DCGAN
from ganlens.models.family import Buildable, Family
from ganlens.models.imported import IMPORTED
from ganlens.models.imported.trust import call, trusted
from ganlens.models.mlp import MLPGAN

MODELS: dict[str, Buildable] = {"dcgan": DCGAN(), "mlp": MLPGAN(), **IMPORTED}


def build(
    family: str,
    arguments: Mapping[str, Any],
    seed: int,
    names: Collection[str] | None = None,
) -> dict[str, nn.Module]:
    """Build untrained networks of a family from a seed; global random streams are left alone.

    Args:
        family: key of MODELS.
        arguments: of its networks, as plain values.
        seed: of the weights.
        names: the networks that are wanted; None for all.
    """
    with seeded(seed):
        return MODELS[family].build(arguments, names)


def trained_here() -> dict[str, Family]:
    """Return the families that ganlens trains, by name."""
    return {name: one for name, one in MODELS.items() if isinstance(one, Family)}


def register_trusted() -> Buildable | None:
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
