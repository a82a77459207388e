"""The cache of features: one folder per (extractor, images, precision), continued where it stopped.

``features/KEY/`` holds ``features.npy`` (memory-mapped when opened) and ``meta.json``, which says
what it is and carries its own checksum and that of the array: a truncated, overwritten or
zero-filled entry is found and made again. KEY is a sha256 of the content (weights, layer, resize,
the images' identity, precision, device, versions), never of a path.

While an entry is being made, its rows are in ``features.part`` and ``progress.json`` says how many
of them are on the disk for certain: it is written after they were synced. Whoever comes after an
interruption continues there. The rows are written, not assigned to a memory map, since a full disk
then is an error and not the end of the process (SIGBUS).

Of two processes that want the same entry at once, one makes it and the other waits (``locks/``; the
kernel drops the lock of one that dies). Where a file system has no locks each makes its own, in a
folder that cannot be continued, and one of the results stays.
"""

import errno
import hashlib
import io
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ganlens.data.checked import checked, read_json, record, write_json
from ganlens.errors import GanlensError
from ganlens.places import cache_folder

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

FORMAT = 1  # raise it whenever extraction or the files change: older entries are then not found
SYNC = 10.0  # s of work that an interruption may cost
LIBRARIES = ("torch", "torchvision", "torch-fidelity")  # whose versions may change the numbers
ARRAY, PART, META, PROGRESS = "features.npy", "features.part", "meta.json", "progress.json"


class Entry:
    """Features that are being written, row after row.

    Args:
        folder: where; what an interrupted process left there is continued.
        about: what goes into ``meta.json`` beside the records.
        count: rows in all.

    Attributes:
        done: rows that are there.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], count: int) -> None:
        self.folder, self.about, self.count = folder, about, count
        self.done, self.width = _left(folder, count)
        self._synced = time.monotonic()
        with writing(folder.parent):
            folder.mkdir(parents=True, exist_ok=True)
            mode = "rb+" if self.done else "wb"
            self._file = open(folder / PART, mode, 0)  # noqa: SIM115 closed in close
            self._file.seek(_offset(count, self.width, self.done) if self.done else 0)
            self._file.truncate()

    def append(self, rows: np.ndarray) -> None:
        """Write (n, D) float32 rows; every SYNC seconds they are made certain.

        Raises:
            GanlensError: they cannot be written.
        """
        with writing(self.folder.parent):
            if not self.done:
                self._begin(rows.shape[1])
            self._write(np.ascontiguousarray(rows, "<f4").tobytes())
            self.done += len(rows)
            if time.monotonic() - self._synced > SYNC:
                self.sync()

    def _begin(self, width: int) -> None:
        needed, free = _offset(self.count, width, self.count), shutil.disk_usage(self.folder).free
        if needed > free:
            raise OSError(errno.ENOSPC, f"{needed / 1e6:,.0f} MB needed, {free / 1e6:,.0f} free")
        self.width = width
        self._write(_header(self.count, width))

    def _write(self, content: bytes) -> None:
        """Write all of it: a disk that fills up may take a part of it before it says so."""
        rest = memoryview(content)
        while len(rest):
            rest = rest[self._file.write(rest) :]

    def sync(self) -> None:
        """Make the rows so far certain, and only then say so."""
        os.fsync(self._file.fileno())
        about = {**self.about, "done": self.done, "dimensions": self.width}
        write_json(self.folder / PROGRESS, about)
        self._synced = time.monotonic()

    def complete(self) -> None:
        """Turn the part into the array: meta.json first, so that an array is never without it."""
        with writing(self.folder.parent):
            self.sync()
            about = {**self.about, "dimensions": self.width}
            about["files"] = {ARRAY: record(self.folder / PART)}
            write_json(self.folder / META, about)
            os.replace(self.folder / PART, self.folder / ARRAY)
            (self.folder / PROGRESS).unlink()

    def close(self) -> None:
        """Close the file; whatever was not completed is left to be continued."""
        with suppress(OSError):  # a full disk: what was synced before still counts
            if self.done and (self.folder / PART).is_file():
                self.sync()
        self._file.close()


class FeatureStore:
    """The features part of a cache folder.

    Args:
        root: the cache folder, by default ``places.cache_folder()``.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = cache_folder() if root is None else root
        self.folder = self.root / "features"

    def load(self, key: str) -> np.ndarray | None:
        """Return an entry as a read-only memory map, or None if it is not there or damaged."""
        folder = self.folder / key
        try:
            meta = read_json(folder / META)
            path = checked(folder / ARRAY, meta["files"][ARRAY])
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            with suppress(OSError):  # a cache that may only be read
                os.utime(folder / META)  # when it was last used
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            return None
        return array

    def done(self, key: str) -> int:
        """How many rows of an entry another process has made certain so far."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return int(read_json(self.folder / key / PROGRESS)["done"])
        return 0

    def busy(self, key: str) -> bool:
        """Whether somebody is making an entry at this moment."""
        path = self.root / "locks" / f"{key}.lock"
        try:
            with open(path) as file:
                return _try_lock(file.fileno()) == "taken"
        except OSError:  # never made here
            return False

    @contextmanager
    def making(self, key: str, about: Mapping[str, Any], count: int) -> Iterator[Entry | None]:
        """Give the entry to write into, or None while another process or thread makes it.

        Raises:
            GanlensError: the cache cannot be written; what was synced can be continued.
        """
        with self._locked(key) as lock:
            if lock == "taken":
                yield None
                return
            folder = self.folder / key
            if lock == "none":
                folder = self.folder / f".{os.getpid()}.{uuid.uuid4().hex}.tmp"
            entry = Entry(folder, about, count)
            try:
                yield entry
            finally:
                entry.close()
                if lock == "none":
                    self._publish(folder, key)

    def _publish(self, folder: Path, key: str) -> None:
        """Put what was made without a lock in its place, if it is whole; leave nothing behind."""
        if (folder / ARRAY).is_file():
            if self.load(key) is None:  # damaged, and in the way
                shutil.rmtree(self.folder / key, ignore_errors=True)
            with suppress(OSError):  # another process was faster
                folder.rename(self.folder / key)
        shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self, key: str) -> Iterator[str]:
        path = self.root / "locks" / f"{key}.lock"
        with writing(self.folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "w")  # noqa: SIM115 closed below, which also unlocks it
        try:
            yield _try_lock(file.fileno())
        finally:
            file.close()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a failure to write below a folder of features into a GanlensError."""
    try:
        yield
    except OSError as error:
        raise GanlensError(
            f"cannot write the feature cache {folder} ({error.strerror}): free space, for instance"
            " with ganlens cache --clear, or set GANLENS_CACHE to another folder"
        ) from error


def feature_key(about: Mapping[str, Any]) -> str:
    """Hash what decides features (JSON-able), with this format and the libraries' versions."""
    versions = {name: version(name) for name in LIBRARIES}
    body = {**about, "format": FORMAT, "versions": versions}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _try_lock(descriptor: int) -> str:
    """Return "held", "taken" by another, or "none" where there are no locks."""
    if fcntl is None:
        return "none"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "taken"
    except OSError:
        return "none"
    return "held"


def _left(folder: Path, count: int) -> tuple[int, int]:
    """Return how many rows an interrupted process made certain, and their width; 0, 0 if none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = read_json(folder / PROGRESS)
        done, width = int(known["done"]), int(known["dimensions"])
        with open(folder / PART, "rb") as file:
            same = file.read(len(_header(count, width))) == _header(count, width)
        if same and (folder / PART).stat().st_size >= _offset(count, width, done):
            return done, width
    return 0, 0


def _header(count: int, width: int) -> bytes:
    """Return the first bytes of an npy file of (count, width) little-endian float32."""
    buffer = io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": (count, width)}
    np.lib.format.write_array_header_1_0(buffer, about)
    return buffer.getvalue()


def _offset(count: int, width: int, rows: int) -> int:
    return len(_header(count, width)) + 4 * width * rows
