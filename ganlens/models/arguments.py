"""Arguments of a family's networks: fields of its Config, of which the images decide some."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

FROM_DATA = ("size", "channels", "condition_dim")  # fields of a Config that the images decide


def defaults(cls: type[Any]) -> Any:
    """Return a dataclass at its defaults; fields without one that the data decide are 1."""
    given = {
        f.name: 1
        for f in fields(cls)
        if f.default is MISSING and f.default_factory is MISSING and f.name in FROM_DATA
    }
    return cls(**given)


def completed(family: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with the defaults of those left out: older files do not know every one.

    Args:
        family: its Config knows the defaults; one without, such as an imported one, adds none.
        arguments: of its networks, as plain values.
    """
    config = getattr(family, "Config", None)
    known = {} if config is None else {
        f.name: f.default for f in fields(config) if f.default is not MISSING
    }  # fmt: skip
    return known | dict(arguments)


def from_data(cls: type[Any], values: Mapping[str, Any], **known: int) -> Any:
    """Return a Config with the fields filled in that the data decide, as far as it has them.

    Args:
        cls: the Config's class.
        values: the other fields.
        **known: "size", "channels" and "condition_dim".
    """
    names = {f.name for f in fields(cls)}
    return cls(**{k: v for k, v in {**values, **known}.items() if k in names})
