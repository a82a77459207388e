"""Which settings are paths: said in the annotations of a dataclass's fields, decided in one place.

A setting that a user gives is theirs. One that stands in a file from elsewhere, such as the recipe
in a picture, must not choose what is opened on the machine that reads it; see ``paths_in``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

# Text whose name says that it is one, in a probe that leaves the annotation out.
NAMES = frozenset({"path", "paths", "file", "files", "folder", "weights", "cache"})


@dataclass(frozen=True)
class OrPath:
    """Mark of a text setting: one of some words, else the path of a file or a folder.

    Attributes:
        words: what is no path, in the order in which it is offered.
        beginnings: what more words begin with, as in "torchvision:NAME".
    """

    words: tuple[str, ...]
    beginnings: tuple[str, ...] = ()

    def is_path(self, value: Any) -> bool:
        """Tell whether a value names a path: anything but a word, or nothing at all."""
        if value is None or (isinstance(value, str | list | tuple) and not value):
            return False
        return not isinstance(value, str) or not (
            value in self.words or (self.beginnings and value.startswith(self.beginnings))
        )


def path_settings(cls: Any) -> Mapping[str, OrPath]:
    """Return the fields of a dataclass that may name a path, each with the words that are none.

    They are those with Path anywhere in their annotation, those of text marked with ``OrPath``,
    and those of text without choices whose name has a word of ``NAMES``.
    """
    hints = get_type_hints(cls, include_extras=True)
    found = {field.name: _mark(field.name, hints[field.name]) for field in fields(cls)}
    return {name: mark for name, mark in found.items() if mark is not None}


def paths_in(cls: Any, settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that name paths, whether or not anything is there."""
    return [
        name
        for name, mark in path_settings(cls).items()
        if name in settings and mark.is_path(settings[name])
    ]


def _mark(name: str, hint: Any) -> OrPath | None:
    parts = _parts(hint)
    if marks := [part for part in parts if isinstance(part, OrPath)]:
        return marks[0]
    if any(isinstance(part, type) and issubclass(part, PurePath) for part in parts):
        return OrPath(())
    return OrPath(()) if str in parts and NAMES & set(name.split("_")) else None


def _parts(hint: Any) -> list[Any]:
    """Return everything that an annotation is made of; of a Literal, none of its values."""
    if get_origin(hint) is Literal:
        return []
    inner = get_args(hint)
    if get_origin(hint) is Annotated:
        return [*_parts(inner[0]), *inner[1:]]
    return [part for one in inner for part in _parts(one)] if inner else [hint]
