"""Roles that networks play, and the order in which they are listed."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from ganlens.errors import GanlensError

Role = Literal["generator", "translator", "encoder", "discriminator"]
ROLES: tuple[str, ...] = get_args(Role)


def in_order(roles: Mapping[str, str]) -> list[str]:
    """Return the names of networks in the order of ROLES."""
    return sorted(roles, key=lambda name: ROLES.index(roles[name]))


def named(roles: Mapping[str, str]) -> list[str]:
    """Return networks by name in the order of ROLES, with the role where the name does not say."""
    pairs = ((name, roles[name]) for name in in_order(roles))
    return [name if name == role else f"{name} ({role})" for name, role in pairs]


def check_role(names: Iterable[str], roles: Mapping[str, str]) -> None:
    """Refuse networks that have no role.

    Raises:
        GanlensError: names the first.
    """
    for name in names:
        if roles.get(name) not in ROLES:
            raise GanlensError(
                f"network {name!r} plays no role: give it one of {', '.join(ROLES)} in its family"
            )
