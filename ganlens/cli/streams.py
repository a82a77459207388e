"""Standard output and error: closed, full, or in an encoding that lacks a letter."""

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

STDOUT = "standard output"


def prepare() -> None:
    """Let any text be written: a letter that the encoding lacks as a backslash and its number."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed before the start, as in `ganlens list >&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 for good
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    own = sys.__stdout__
    if own is not None and sys.stdout is own and "write" not in vars(own):
        vars(own)["write"] = _named(own.write)


def _named(write: Callable[[str], int]) -> Callable[[str], int]:
    """Let the error of a write say where it was, as that of a file does."""

    def named(text: str) -> int:
        try:
            return write(text)
        except OSError as error:
            error.filename = STDOUT
            raise

    return named


def say(text: str) -> None:
    """Say a line on stderr; where that cannot be written, nobody hears it, and work goes on."""
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        silence(sys.stderr)


def flush() -> None:
    """Write what stdout still holds, which the interpreter would do with a complaint of its own.

    Raises:
        OSError: of STDOUT; nothing is held any more.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        silence(sys.stdout)
        error.filename = STDOUT
        raise


def silence(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
