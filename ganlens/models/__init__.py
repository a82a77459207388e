"""The families of networks that ganlens builds: ``MODELS[family].generator(**arguments)``."""

from collections.abc import Collection
from typing import Any

from ganlens.initialisation import seeded
from ganlens.models.base import Family
from ganlens.models.dcgan import DCGAN
from ganlens.models.ganzoo_dcgan import GanZooDCGAN
from ganlens.models.ganzoo_progressive import GanZooProgressive
from ganlens.models.mimicry import Mimicry
from ganlens.models.named import FAMILY as MODULE
from ganlens.models.named import NamedModules, call, trusted
from ganlens.models.sequential_dcgan import SequentialDCGAN
from ganlens.models.studiogan import StudioGAN
from ganlens.models.torchgan import Torchgan

MODELS: dict[str, Family] = {
    "dcgan": DCGAN(),
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
    makers = MODELS[family].generator, MODELS[family].discriminator
    with seeded(seed):
        generator, discriminator = (
            make(**arguments) if part in parts else None
            for part, make in zip(("generator", "discriminator"), makers, strict=True)
        )
    return generator, discriminator


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
