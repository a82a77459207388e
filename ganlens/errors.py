"""The one exception that users are meant to see."""

LONGEST = 1000  # characters of a message: values of files, and words of libraries, have no bound


class GanlensError(Exception):
    """A problem that the user can mend: bad input, a bad setting, a file that cannot be used.

    The message is a single line, of bounded length, that names the bad value, the valid ones and
    the next step. The command line prints it and exits with code 2; the explorer shows it in place
    of the panel.
    """

    def __init__(self, message: str) -> None:
        line = " ".join(message.split())
        if len(line) > LONGEST:  # the value is at the start, and the next step at the end
            line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
        super().__init__(line)


def one_of(name: str, value: object, valid: object) -> GanlensError:
    """Return the error for a value out of a list: ``NAME 'x' is not known: choose from a, b``."""
    return GanlensError(f"{name} {value!r} is not known: choose from {', '.join(map(str, valid))}")  # type: ignore[call-overload]
