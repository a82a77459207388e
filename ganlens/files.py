"""Writing files so that nothing is lost: a temporary name, a sync, a rename."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from ganlens.errors import GanlensError
from ganlens.plain import loads

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed
    fcntl = None  # type: ignore[assignment]

SPECIAL = {
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
# ".NAME.UUID4.tmp": what ``replacing`` writes to, and a killed process leaves behind.
TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\.tmp", re.DOTALL)


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

    It is locked until then, so that ``remove_leftovers`` can tell it from that of a killed process.

    Raises:
        OSError: of a failure; nothing is left behind.
        GanlensError: as ``check_target``.
    """
    check_target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, file = _begin(path)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:
                os.replace(temporary, path)
        if fcntl is None:  # an open file cannot be renamed there
            os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _begin(path: Path) -> tuple[Path, BinaryIO]:
    """Open a locked file of a temporary name beside a path."""
    while True:
        temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
        file = open(temporary, "xb")  # noqa: SIM115 closed by the caller
        with suppress(OSError):  # a file system without locks: then nobody takes it for a leftover
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
        if temporary.exists():
            return temporary, file
        file.close()  # removed as a leftover before the lock was taken


def is_temporary(path: Path) -> bool:
    """Tell whether a path has a name that only ``replacing`` gives."""
    return TEMPORARY.fullmatch(path.name) is not None


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes left half written in a folder, not what a live one writes.

    Args:
        folder: where to look; it need not be there.
        name: of the file that was being written; None: any.
    """
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        ours = is_temporary(path) and (name is None or path.name[1:-37] == name)
        with suppress(OSError):  # locked by who writes it, or already gone
            if ours and path.is_file() and not path.is_symlink():
                _remove_unlocked(path)


def _remove_unlocked(path: Path) -> None:
    if fcntl is None:
        path.unlink()
        return
    with open(path, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


def check_regular(path: str | Path) -> None:
    """Refuse to read a pipe, a socket or a device: it would wait for ever, or has no end.

    Args:
        path: of anything; a regular file, a folder, and nothing at all pass.

    Raises:
        GanlensError: says which of these it is.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # not there, or no path: who opens it says so
        return
    if found := next((name for test, name in SPECIAL.items() if test(mode)), None):
        raise GanlensError(
            f"{path} is {found}, not a regular file: save its content as a file, and give that"
        )


def check_target(path: str | Path) -> None:
    """Refuse to write in the place of a pipe, a socket or a device, which a rename would replace.

    Raises:
        GanlensError: it is one, or a name in /dev.
    """
    check_regular(path)
    if os.path.abspath(path).startswith("/dev/") and Path("/dev/shm") not in Path(path).parents:
        raise GanlensError(f"{path} is in /dev, where devices are: write to a regular file")


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
        return loads(line)
    except ValueError:
        return None
