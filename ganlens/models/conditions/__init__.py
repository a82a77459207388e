"""Conditions that networks are given: classes, attributes or text, in the words of the data."""

from collections.abc import Mapping
from typing import Any

from ganlens.errors import GanlensError, one_of
from ganlens.models.conditions.attributes import Attribute, Attributes
from ganlens.models.conditions.base import Condition
from ganlens.models.conditions.classes import Classes
from ganlens.models.conditions.table import Table
from ganlens.models.conditions.text import Text

CONDITIONS: dict[str, type[Condition]] = {cls.kind: cls for cls in (Classes, Attributes, Text)}


def from_json(values: Mapping[str, Any]) -> Condition:
    """Read what ``to_json`` wrote.

    Raises:
        GanlensError: an unknown kind, or values that do not fit it.
    """
    given = dict(values)
    kind = given.pop("kind", None)
    if kind not in CONDITIONS:
        raise one_of("condition", kind, CONDITIONS)
    try:
        return CONDITIONS[kind](**{**given, "table": Table(**given["table"])})
    except (TypeError, ValueError, KeyError, LookupError) as error:
        raise GanlensError(f"a condition of {kind} is damaged: {error}") from error


__all__ = ["CONDITIONS", "Attribute", "Attributes", "Classes", "Condition", "Table", "Text",
           "from_json"]  # fmt: skip
