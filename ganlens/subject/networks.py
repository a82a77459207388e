"""Networks by name, each with a role, in eval mode on one device."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ganlens.activations import layer_names
from ganlens.errors import GanlensError, one_of
from ganlens.models.roles import ROLES


class NetworksByRole:
    """What a Subject is made of; see there.

    Args:
        networks: by name; None stands for one that is not there.
        name: what to call them.
        device: where they are put.
        roles: name -> one of ROLES; a network that is called like a role plays it.

    Raises:
        GanlensError: no network at all, or one without a role.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module | None],
        name: str,
        device: torch.device | str,
        roles: Mapping[str, str] | None,
    ) -> None:
        self.device = torch.device(device)
        held = {key: self._placed(net) for key, net in networks.items() if net is not None}
        if not held:
            raise GanlensError(
                f"a subject needs a network: give one that is a {', a '.join(ROLES)}"
            )
        self.networks: dict[str, Any] = held
        self.roles = {one: (roles or {}).get(one, one) for one in held}
        if strange := [one for one, role in self.roles.items() if role not in ROLES]:
            raise one_of(f"role of {strange[0]}", self.roles[strange[0]], ROLES)
        self.name = name
        self.image_shape: tuple[int, int, int] = self._find_shape()

    def _placed(self, network: nn.Module) -> nn.Module:
        # A forward method of somebody else's may take the order of the numbers for granted (view).
        order = getattr(network, "memory_format", torch.channels_last)
        network = network.to(device=self.device, memory_format=order)  # type: ignore[call-overload]
        return network.requires_grad_(False).eval()

    def _find_shape(self) -> tuple[int, int, int]:
        found = (self.role(role) for role in ROLES)
        return tuple(next(net for net in found if net is not None).image_shape)

    def role(self, role: str) -> Any | None:
        """Return the first network that plays a role, or None."""
        return self.networks.get(next(iter(self.names(role)), ""))

    def names(self, role: str) -> list[str]:
        """Return the names of the networks that play a role, in order."""
        return [name for name, one in self.roles.items() if one == role]

    @property
    def generator(self) -> Any:
        """(N, d) latents [, (N, k) condition] to (N, C, H, W) images in [-1, 1], or None."""
        return self.role("generator")

    @property
    def translator(self) -> Any | None:
        """(N, C, H, W) images [, (N, k) condition] to images in [-1, 1], or None."""
        return self.role("translator")

    @property
    def encoder(self) -> Any | None:
        """(N, C, H, W) images to (N, d) latents, or None."""
        return self.role("encoder")

    @property
    def discriminator(self) -> Any | None:
        """(N, C, H, W) images [, (N, k) condition] to scores, or None."""
        return self.role("discriminator")

    def network(self, name: str) -> Any:
        """Return a network by its name or its role, the first that plays it.

        Raises:
            GanlensError: there is none; the message says which there are.
        """
        if name in self.networks:
            return self.networks[name]
        if name not in ROLES:
            raise one_of("network", name, tuple(dict.fromkeys((*self.networks, *ROLES))))
        if (found := self.role(name)) is None:
            raise GanlensError(
                f"{self.name} has no {name}: it has {', '.join(self.networks)}; choose another"
                " checkpoint"
            )
        return found

    def layers(self, network: str) -> list[str]:
        """List the layer names of a network, by its name or role, in order."""
        return layer_names(self.network(network))
