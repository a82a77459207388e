"""The guard around a family of somebody else's: what its code raises becomes one line."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganlens.errors import GanlensError

OURS = Path(__file__).resolve().parents[1]
INSTALLED = ("site-packages", "dist-packages")


@contextmanager
def guarded(family: object, name: str, what: str) -> Iterator[None]:
    """Run code of a family; of one that ganlens does not bring, an error says what to mend where.

    A family of ganlens's own that fails is a bug of ganlens, whose traceback is wanted.

    Args:
        family: whose code runs.
        name: key of MODELS.
        what: what runs, for the error: "its phase 'd'".

    Raises:
        GanlensError: the code of a family of somebody else's raised something.
    """
    try:
        yield
    except (GanlensError, MemoryError):
        raise
    except Exception as error:  # code of somebody else's can raise anything
        if type(family).__module__.partition(".")[0] == "ganlens":
            raise
        why = f"{type(error).__name__}: {error}".strip().removesuffix(":")
        raise GanlensError(
            f"family {name!r} fails in {what}{_place(error)} ({why}): mend it there"
        ) from error


def _place(error: Exception) -> str:
    """Return the last line that is neither ganlens's nor a library's: ", family_x.py line 7"."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if OURS not in file.resolve().parents and not set(INSTALLED) & set(file.parts):
            return f", {file.name} line {frame.lineno}"
    return ""
