"""Writing files so that nothing is lost: a temporary name, a sync, a rename."""

import os
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
        temporary.unlink(missing_ok=True)
        raise GanlensError(
            f"cannot write {path}: {error.strerror}; what was there before is untouched: free space"
            " or choose another place"
        ) from error
