"""Writing files so that nothing is lost: a temporary name, a sync, a rename."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from ganlens.errors import GanlensError


def write_bytes(path: Path, content: bytes) -> None:
    """Write, sync and rename: after a full disk or a crash the old file is still whole.

    Raises:
        GanlensError: the file cannot be written (full disk, no permission); nothing is left behind.
    """
    with said(path):
        replace(path, content)


@contextmanager
def said(path: Path) -> Iterator[None]:
    """Say an OSError of writing a file in one line, as a GanlensError."""
    try:
        yield
    except OSError as error:
        raise GanlensError(
            f"cannot write {path}: {error.strerror}; what was there before is untouched: free space"
            " or choose another place"
        ) from error


def replace(path: Path, content: bytes) -> None:
    """Do the same for who has an answer of its own to the OSError of a failure."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write piece by piece; it takes the place of the old one when all is written.

    Raises:
        OSError: of a failure; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def check_writable(folder: Path) -> None:
    """Find out before long work, not after it, that a folder cannot be made or written into.

    Raises:
        GanlensError: something on the way is a file, or forbids writing.
    """
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise GanlensError(f"cannot write into {folder}: {place} is a file; choose another place")
    if not os.access(place, os.W_OK | os.X_OK):
        raise GanlensError(
            f"cannot write into {folder}: {place} forbids it; choose another place, or change its"
            " permissions"
        )


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON-lines file in order; empty where there is no file.

    A line that is no JSON object (of a file that is being written, or was cut off) is passed over.
    """
    lines = path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []
    return [record for line in lines if isinstance(record := _parsed(line), dict)]


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
