"""``--trust`` and ``--module``, which every command takes: what may run beside ganlens itself."""

from collections.abc import Callable, Sequence

from ganlens.cli.terminal import note
from ganlens.errors import GanlensError
from ganlens.models.imported.trust import Trust, trusting


def trusted_call(command: Callable[[list[str]], int], words: Sequence[str]) -> int:
    """Run a command with the trust that its words declare; they are taken off.

    Raises:
        GanlensError: ``--module`` without ``--trust``, or without a value.
    """
    trust, rest = taken_off(words)
    what = "the programs inside archives" if trust.module is None else f"the code of {trust.module}"
    note(f"trusted: {what} will run with all your rights: files, network and all")
    with trusting(trust):
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
            module = value if equals else next(left, "")
            if module.count(":") != 1 or module.startswith("-"):
                raise GanlensError(f"module {module!r} is none: give package.module:callable")
        else:
            rest.append(word)
    return Trust(trust, module), rest
