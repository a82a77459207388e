"""Table of probes: name to class, each imported when it is first asked for."""

import ast
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ganlens.errors import GanlensError

if TYPE_CHECKING:
    from ganlens.probes.base import Probe

HERE = Path(__file__).parent


class ProbeTable(MutableMapping[str, "type[Probe]"]):
    """A mapping of names to probe classes, in the order of report and help.

    Args:
        places: name to "module:Class", the module below ``ganlens.probes``.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._known: dict[str, str | type[Probe]] = dict(places)

    def __getitem__(self, name: str) -> "type[Probe]":
        """Return a probe's class, and import it the first time."""
        found = self._known[name]
        if isinstance(found, str):
            module, kind = found.split(":")
            found = getattr(import_module(f"ganlens.probes.{module}"), kind)
            self._add(name, found)
        return found

    def __setitem__(self, name: str, kind: "type[Probe]") -> None:
        """Add a probe: it is then a command, a section of the report and a page.

        The same class, imported or run anew as in a notebook, takes the place of itself.

        Raises:
            GanlensError: another probe has the name, or the class cannot be used.
        """
        if name in self and not self._is(name, kind):
            raise GanlensError(f"probe {name!r} exists: give yours another name")
        self._add(name, kind)

    def _is(self, name: str, kind: "type[Probe]") -> bool:
        here = self[name]
        return (here.__module__, here.__qualname__) == (kind.__module__, kind.__qualname__)

    def _add(self, name: str, kind: "type[Probe]") -> None:
        from ganlens.probes.base import check_probe

        check_probe(name, kind)
        self._known[name] = kind

    def __delitem__(self, name: str) -> None:
        """Take a probe out."""
        del self._known[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether a name is known, without importing it."""
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._known)

    def __len__(self) -> int:
        """Count the probes."""
        return len(self._known)

    def help(self, name: str) -> str:
        """Return a probe's line of help; of one not imported yet it is read from its source.

        Importing all of them takes seconds, which ``ganlens --help`` must not.
        """
        found = self._known[name]
        return _written(found) if isinstance(found, str) else found.help


def _written(place: str) -> str:
    """Return the text that a class gives its attribute ``help``, without running its module."""
    module, kind = place.split(":")
    file = HERE.joinpath(*module.split(".")).with_suffix(".py")
    try:
        body = ast.parse(file.read_text("utf-8")).body
    except (OSError, SyntaxError) as error:  # one bad file does not take the help of all away
        return f"({file} cannot be read: {error})"
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    for node in [inner for one in classes if one.name == kind for inner in one.body]:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "help":
            return str(ast.literal_eval(node.value))
    return "" if kind in [one.name for one in classes] else f"({file} has no class {kind})"
