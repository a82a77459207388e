"""The families of networks that ganlens builds: ``MODELS[family].build(arguments)``."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

from ganlens.errors import GanlensError
from ganlens.initialisation import seeded
from ganlens.models.conditional_dcgan import ConditionalDCGAN
from ganlens.models.dcgan import DCGAN
from ganlens.models.family import Buildable, Family
from ganlens.models.imported import IMPORTED
from ganlens.models.imported.trust import call, trusted
from ganlens.models.infogan import InfoGAN
from ganlens.models.mlp import MLPGAN


class Models(dict[str, Buildable]):
    """The families by name; a name that is taken is refused."""

    def __setitem__(self, name: str, family: Buildable) -> None:
        """Add a family; one of the same class may stand there already.

        Raises:
            GanlensError: another family has the name.
        """
        if name in self and _class(self[name]) != _class(family):
            raise GanlensError(f"family {name!r} exists: give yours another name in MODELS")
        super().__setitem__(name, family)


def _class(family: Buildable) -> tuple[str, str]:
    return type(family).__module__, type(family).__qualname__


MODELS = Models(
    {
        "dcgan": DCGAN(),
        "conditional-dcgan": ConditionalDCGAN(),
        "infogan": InfoGAN(),
        "mlp": MLPGAN(),
        **IMPORTED,
    }
)


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
    """Return the families that ganlens trains, by name.

    What ``--module`` names stands there under that too, unless its file gives it a name itself.
    """
    given = {_class(one) for name, one in MODELS.items() if ":" not in name}
    return {
        name: one
        for name, one in MODELS.items()
        if isinstance(one, Family) and (":" not in name or _class(one) not in given)
    }


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
