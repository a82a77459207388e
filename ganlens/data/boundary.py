"""One boundary for everything that is read: what a library raises becomes one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from ganlens.data.encoded import reason_of
from ganlens.errors import GanlensError


@contextmanager
def readable(what: str, advice: str) -> Iterator[None]:
    """Turn any exception of reading a file into a GanlensError that says what to do.

    zipfile, zlib, numpy and Pillow raise nearly anything on damaged or encrypted files, so the
    kinds are not listed: a list would have to be completed for ever.

    Args:
        what: what is read, as the message names it.
        advice: the next step of whoever brought it.

    Raises:
        GanlensError: anything was raised; one that was raised inside passes as it is.
    """
    try:
        yield
    except GanlensError:
        raise
    except MemoryError as error:
        raise GanlensError(f"{what} needs more memory than there is: {advice}") from error
    except Exception as error:
        raise GanlensError(f"{what} ({reason_of(error)}): {advice}") from error
