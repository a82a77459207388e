"""``PairFamily``: the base of a family that has one class for each of a GAN's two networks."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from torch import nn

from ganlens.errors import GanlensError, one_of


class PairFamily:
    """A family of a generator and a discriminator, each built from its own plain arguments.

    A header keeps a network's arguments under the network's name.

    Attributes:
        roles: network -> the role that it plays.
        generator_class: takes the arguments under "generator".
        discriminator_class: takes those under "discriminator"; None where no file holds one.
    """

    roles: ClassVar[Mapping[str, str]] = {
        "generator": "generator",
        "discriminator": "discriminator",
    }
    generator_class: ClassVar[Callable[..., nn.Module]]
    discriminator_class: ClassVar[Callable[..., nn.Module] | None] = None

    def build(
        self, arguments: Mapping[str, Any], names: Collection[str] | None = None
    ) -> dict[str, nn.Module]:
        """Build untrained networks; the generator first, whatever the order of the names.

        Args:
            arguments: network -> the arguments of its class, as a header keeps them.
            names: of the networks that are wanted, keys of ``roles``; None for all that have
                arguments.

        Raises:
            GanlensError: the family has no such network, or the arguments have none for it.
        """
        names = set(arguments) & set(self.roles) if names is None else names
        if unknown := sorted(set(names) - set(self.roles)):
            raise one_of("network", unknown[0], self.roles)
        return {name: self._network(name, arguments) for name in self.roles if name in names}

    def _network(self, name: str, arguments: Mapping[str, Any]) -> nn.Module:
        make = self.generator_class if name == "generator" else self.discriminator_class
        if make is None:
            raise GanlensError(f"{type(self).__name__} has no discriminator: take the generator")
        return make(**arguments_of(name, arguments))


def arguments_of(name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of one network.

    Raises:
        GanlensError: there are none.
    """
    if not isinstance(found := arguments.get(name), Mapping):
        held = ", ".join(arguments) or "nothing"
        raise GanlensError(
            f"arguments of the {name} are missing, these are of {held}: take a file that has it"
        )
    return found
