"""Networks of a class that the user names, ``package.module:callable``: run only when trusted."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from torch import nn

from ganlens.errors import GanlensError, one_of
from ganlens.models.imported.pair import arguments_of
from ganlens.models.imported.trust import call
from ganlens.models.imported.wrapped import (
    WrappedDiscriminator,
    WrappedGenerator,
    WrappedTranslator,
)

FAMILY = "module"


def networks_of(target: str) -> tuple[nn.Module | None, nn.Module | None]:
    """Call a target that returns a generator, or a pair (generator, discriminator).

    In the generator's place may stand a translator, which maps images to images.

    Raises:
        GanlensError: as ``call``; or it returned something else.
    """
    found = call(target)
    pair = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
    if (
        not all(isinstance(one, nn.Module) for one in pair if one is not None)
        or pair == (None,) * 2
    ):
        raise GanlensError(
            f"module {target!r} returned a {type(found).__name__}: return a generator, a pair"
            " (generator, discriminator), either of them None, or a Family"
        )
    return pair


class NamedModules:
    """The family of networks whose class the user names; its weights say nothing by themselves.

    Its arguments: the ``module`` that is called, and under each network's name those of its
    wrapper. A translator is what the module returns in the generator's place.

    Attributes:
        roles: network -> the role that it plays.
        builds_on_meta: a constructor of somebody else's may compute with its tensors.
    """

    roles: ClassVar[Mapping[str, str]] = {
        "generator": "generator",
        "translator": "translator",
        "discriminator": "discriminator",
    }
    builds_on_meta = False

    def build(
        self, arguments: Mapping[str, Any], names: Collection[str] | None = None
    ) -> dict[str, nn.Module]:
        """Build untrained networks by calling the module once.

        Args:
            arguments: "module" and, network -> the arguments of its wrapper.
            names: of the networks that are wanted, keys of ``roles``; None for all that have
                arguments.

        Raises:
            GanlensError: the module is not trusted or fails; or returns no such network.
        """
        names = set(arguments) & set(self.roles) if names is None else names
        if unknown := sorted(set(names) - set(self.roles)):
            raise one_of("network", unknown[0], self.roles)
        target = str(arguments.get("module"))
        first, second = networks_of(target)
        made: dict[str, nn.Module] = {}
        for name in (name for name in self.roles if name in names):
            network = second if name == "discriminator" else first
            if network is None:
                raise GanlensError(f"module {target!r} returned no {name}")
            made[name] = _WRAPPERS[name](network, arguments_of(name, arguments))
        return made


_WRAPPERS = {
    "generator": WrappedGenerator.of,
    "translator": WrappedTranslator.of,
    "discriminator": WrappedDiscriminator.of,
}
