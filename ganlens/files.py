"""Writing files so that nothing is lost: a temporary name, a sync, a rename."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ganlens.errors import GanlensError


def write_bytes(path: Path, content: bytes) -> None:
    """Write, sync and rename: after a full disk or a crash the old file is still whole.

    Raises:
        GanlensError: the file cannot be written (full disk, no permission); nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):  # it was never made
            temporary.unlink()
        raise GanlensError(
            f"cannot write {path}: {error.strerror}; what was there before is untouched: free space"
            " or choose another place"
        ) from error


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
