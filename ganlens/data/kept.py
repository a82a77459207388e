"""What the cache folder holds, and taking things out of it: nothing is ever removed unasked."""

import os
import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ganlens.data.cache import Store
from ganlens.data.checked import read_json
from ganlens.errors import GanlensError

DAY = 24 * 3600  # s


@dataclass(frozen=True)
class Kept:
    """A decoded data set, or the files that torchvision downloaded for one.

    Attributes:
        path: its folder.
        spec: the data SPEC that it was first opened as, "" where that was not noted.
        download: whether it is files from the network, which removing would fetch again.
        images: how many; None for a download.
        size: height and width in pixels; None for a download.
        bytes: on the disk.
        idle: days since it was last opened; of a download, since it was fetched.
    """

    path: Path
    spec: str
    download: bool
    images: int | None
    size: int | None
    bytes: int
    idle: float


def kept(root: Path) -> list[Kept]:
    """List what a cache folder holds, the largest first; what is just being built is left out."""
    found = [_entry(folder) for folder in _folders(Store(root).data)]
    found += [_download(folder) for folder in _folders(root / "torchvision")]
    return sorted(found, key=lambda item: (-item.bytes, item.path))


def remove(item: Kept) -> None:
    """Remove one of them. Whoever has it open (on a POSIX system) keeps what was opened.

    Raises:
        GanlensError: it cannot be removed.
    """
    # Renamed first: no other process ever finds half of it.
    doomed = item.path.with_name(f".{os.getpid()}.{uuid.uuid4().hex}.tmp")
    try:
        item.path.rename(doomed)
        shutil.rmtree(doomed)
    except FileNotFoundError:
        return  # another process was faster
    except OSError as error:
        raise GanlensError(
            f"cannot remove {error.filename} ({error.strerror}): change its permissions"
        ) from error


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return [path for path in parent.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _entry(folder: Path) -> Kept:
    spec, images, size = "", None, None
    with suppress(OSError, ValueError, KeyError, TypeError):  # damaged: the next opening mends it
        meta = read_json(folder / "meta.json")
        images = max(last for _, last in meta["bounds"].values())
        spec, size = meta["spec"], meta["size"]
    return Kept(folder, spec, False, images, size, _bytes(folder), _idle(folder / "meta.json"))


def _download(folder: Path) -> Kept:
    spec = f"torchvision:{folder.name}"
    return Kept(folder, spec, True, None, None, _bytes(folder), _idle(folder))


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # another process removes it
            total += path.stat().st_size if path.is_file() else 0
    return total


def _idle(path: Path) -> float:
    with suppress(OSError):
        return max(0.0, (time.time() - path.stat().st_mtime) / DAY)
    return float("inf")
