"""Files that tell whether they are whole: JSON with its checksum, and records of other files."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ganlens.files import replace

READ_THROUGH = 64 * 2**20  # bytes up to which a file is checked in full every time
SAMPLES, SAMPLE = 256, 2**16  # blocks, and bytes of each, by which a larger one is checked


class Damaged(ValueError):
    """A file that is not what was written."""


def write_json(path: Path, body: dict[str, Any]) -> None:
    """Write a JSON object with its checksum, whole or not at all; a failure is an OSError."""
    check = zlib.crc32(json.dumps(body).encode())
    replace(path, json.dumps({"check": check, "body": body}).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Return what write_json wrote.

    Raises:
        Damaged: it is not that.
        OSError: it cannot be read.
    """
    try:
        sealed = json.loads(path.read_bytes())
        body, check = sealed["body"], sealed["check"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Damaged(path) from None
    if zlib.crc32(json.dumps(body).encode()) != check:
        raise Damaged(path)
    return body


def record(path: Path) -> dict[str, int]:
    """Sync a file and return what it is recognised by."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
    stat = path.stat()
    full, sampled = _checksum(path, full=True), _checksum(path, full=False)
    return {"bytes": stat.st_size, "mtime": stat.st_mtime_ns, "full": full, "sampled": sampled}


def checked(path: Path, known: dict[str, int]) -> Path:
    """Return the path of a file that is as it was recorded.

    It is read through if it is small or was touched since, and else sampled.

    Raises:
        Damaged: it is not.
        OSError: it cannot be read.
    """
    stat = path.stat()
    full = stat.st_size <= READ_THROUGH or stat.st_mtime_ns != known["mtime"]
    if stat.st_size != known["bytes"]:
        raise Damaged(path)
    if _checksum(path, full=full) != known["full" if full else "sampled"]:
        raise Damaged(path)
    return path


def _checksum(path: Path, *, full: bool) -> int:
    """Return the CRC-32 of a file, or of SAMPLES blocks spread evenly over it."""
    size, check = path.stat().st_size, 0
    with open(path, "rb") as file:
        if full or size <= SAMPLES * SAMPLE:
            while block := file.read(2**20):
                check = zlib.crc32(block, check)
            return check
        for place in np.linspace(0, size - SAMPLE, SAMPLES).astype(np.int64).tolist():
            file.seek(place)
            check = zlib.crc32(file.read(SAMPLE), check)
    return check
