"""The one exception that users are meant to see."""


class GanlensError(Exception):
    """A problem that the user can mend: bad input, a bad setting, a file that cannot be used.

    The message is a single line that names the bad value, the valid ones and the next step. The
    command line prints it and exits with code 2; the explorer shows it in place of the panel.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


def one_of(name: str, value: object, valid: object) -> GanlensError:
    """Return the error for a value out of a list: ``NAME 'x' is not known: choose from a, b``."""
    return GanlensError(f"{name} {value!r} is not known: choose from {', '.join(map(str, valid))}")  # type: ignore[call-overload]
