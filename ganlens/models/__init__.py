"""The families of networks that ganlens builds: ``MODELS[family].build(arguments)``."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

from ganlens.initialisation import seeded
from ganlens.models.dcgan import DCGAN
from ganlens.models.family import Buildable, Family
from ganlens.models.ganzoo_dcgan import GanZooDCGAN
from ganlens.models.ganzoo_progressive import GanZooProgressive
from ganlens.models.mimicry import Mimicry
from ganlens.models.mlp import MLPGAN
from ganlens.models.named import FAMILY as MODULE
from ganlens.models.named import NamedModules, call, trusted
from ganlens.models.sequential_dcgan import SequentialDCGAN
from ganlens.models.studiogan import StudioGAN
from ganlens.models.torchgan import Torchgan

MODELS: dict[str, Buildable] = {
    "dcgan": DCGAN(),
    "mlp": MLPGAN(),
    "pytorch-dcgan": SequentialDCGAN(),
    "mimicry": Mimicry(),
    "studiogan": StudioGAN(),
    "torchgan": Torchgan(),
    "ganzoo-dcgan": GanZooDCGAN(),
    "ganzoo-progressive": GanZooProgressive(),
    MODULE: NamedModules(),
}


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


def register_trusted() -> bool:
    """Call what ``--module`` names; tell whether it is a family, which MODELS then holds.

    Raises:
        GanlensError: it cannot be called.
    """
    target = trusted().module
    if target is None:
        return False
    found = call(target)
    if not (hasattr(found, "recognise") and hasattr(found, "generator")):
        return False
    MODELS[target] = found
    return True
