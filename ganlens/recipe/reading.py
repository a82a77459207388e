"""Values to JSON and back: nothing unknown, missing or of the wrong kind is let through."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from ganlens.edits import Edit
from ganlens.errors import GanlensError, one_of
from ganlens.latents import KINDS, Latents, Mix, Stack, Sum
from ganlens.plain import loads
from ganlens.recipe.pictures import Pictures

SOURCES: dict[str, Any] = {**KINDS, Pictures.kind: Pictures}


def written(one: Latents | Pictures | Edit) -> dict[str, Any]:
    """Return latents, source pictures or an edit as JSON-able values under their kind."""
    if isinstance(one, Stack):
        return {"kind": one.kind, "parts": [written(part) for part in one.parts]}
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    if isinstance(one, Mix):
        values["sums"] = [asdict(part) for part in one.sums]
    return {"kind": one.kind, **values}  # asdict would copy every number of a vector


def parsed(values: Mapping[str, Any] | str) -> dict[str, Any]:
    """Return a recipe's named values, from text where it is text.

    Raises:
        GanlensError: no JSON, or no object.
    """
    if isinstance(values, str):
        try:
            values = loads(values)
        except ValueError as error:
            raise GanlensError(f"the recipe is not JSON: {error}") from error
    return dict(_mapping(values, "the recipe"))


def check_keys(cls: Any, given: Mapping[str, Any], where: str) -> None:
    """Refuse values that a dataclass does not have, or lacks.

    Raises:
        GanlensError: names the first, and those that there are.
    """
    known = {field.name: field for field in fields(cls)}
    unknown = [key for key in given if key not in known]
    if unknown:
        raise one_of(f"in {where}, key", unknown[0], known or ("nothing",))
    for name, field in known.items():
        if name not in given and field.default is MISSING:
            raise GanlensError(f"{where} lacks {name!r}: it needs {', '.join(known)}")


def build(cls: Any, values: Any, where: str) -> Any:
    """Make a dataclass of named values.

    Raises:
        GanlensError: no object, as ``check_keys``, or a value of the wrong kind.
    """
    given = dict(_mapping(values, where))
    check_keys(cls, given, where)
    for name, value in given.items():
        if name == "sums" and isinstance(value, list | tuple):
            given[name] = tuple(build(Sum, one, f"{where} sums") for one in value)
        elif name == "parts" and isinstance(value, list | tuple):
            flat = {kind: part for kind, part in KINDS.items() if part is not Stack}
            given[name] = tuple(of_kind(flat, one, f"{where} parts") for one in value)
        elif isinstance(value, list):
            given[name] = tuple(value)
    try:
        return cls(**given)
    except (GanlensError, MemoryError):
        raise
    except Exception as error:  # what a value of the wrong kind does to the checks is their affair
        raise GanlensError(f"{where} holds a value of the wrong kind: {error}") from error


def of_kind(kinds: Mapping[str, Any], values: Any, where: str) -> Any:
    """Make the dataclass that the values' "kind" names.

    Raises:
        GanlensError: an unknown kind, with the known ones; or as ``build``.
    """
    given = dict(_mapping(values, where))
    kind = given.pop("kind", None)
    if not isinstance(kind, str) or kind not in kinds:
        raise one_of(f"{where} kind", kind, kinds)
    return build(kinds[kind], given, f"{where} {kind!r}")


def _mapping(values: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise GanlensError(f"{where} must be an object with named values, not {values!r:.60}")
    return values
