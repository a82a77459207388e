"""``--trust`` and ``--module``, which every command takes: what may run beside ganlens itself."""

import re
from collections.abc import Callable, Sequence

from ganlens.cli.terminal import note
from ganlens.errors import GanlensError
from ganlens.models.imported.trust import Trust, import_trusted, trusting


def trusted_call(command: Callable[[list[str]], int], words: Sequence[str]) -> int:
    """Run a command with the trust that its words declare; they are taken off.

    Raises:
        GanlensError: ``--module`` without ``--trust``, without a value, or of a module that fails.
    """
    trust, rest = taken_off(words)
    what = "the programs inside archives" if trust.module is None else f"the code of {trust.module}"
    note(f"trusted: {what} will run with all your rights: files, network and all")
    with trusting(trust):
        import_trusted()
        return command(rest)


def taken_off(words: Sequence[str]) -> tuple[Trust, list[str]]:
    """Split words into the trust that they declare and the others."""
    left, rest = iter(words), []
    trust, module = False, None
    for word in left:
        name, equals, value = word.partition("=")
        if word == "--trust":
            trust = True
        elif name == "--module":
            if module is not None:
                raise GanlensError(f"--module {module} and another one: import both in one file")
            module = value if equals else next(left, "")
            if not re.fullmatch(r"\w+(\.\w+)*:\w+", module):
                raise GanlensError(
                    f"--module {module!r} names no callable of a module: give"
                    " package.module:callable, as in my_family:MyFamily for my_family.py in this"
                    " folder"
                )
        else:
            rest.append(word)
    return Trust(trust, module), rest
