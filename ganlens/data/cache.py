"""The cache of decoded images: one folder per (content, settings), written whole or not at all.

``data/KEY/`` holds ``images.npy`` (memory-mapped when opened), ``table.npz`` (names, labels,
attributes, what the images were before) and ``meta.json``. KEY is a sha256 of the source's
*content* and the settings, never of a path: a renamed or copied source finds its entry again.
``sizes/`` remembers per content what sizes the images have. ``index/`` spares large sources (over
64 MiB or 2,000 files) being read through at every opening: as long as the names, sizes, mtimes and
ctimes of its files are the same, the content digest found last time is trusted. As in git's index,
stamps younger than two seconds are not.

An entry is prepared under a temporary name and renamed. Of two processes that want the same entry
at once, one builds it and the other waits (``locks/``; the kernel drops the lock of one that dies).
Nothing rests on the lock: where a file system has none, both build and one of the equal results
stays. ``meta.json`` carries its own checksum and those of the other two files, so a truncated,
overwritten or zero-filled entry is found and rebuilt. Its time is that of the last opening: nothing
is removed unasked, but ``kept`` lists what there is, and ``ganlens cache`` clears it.
"""

import errno
import hashlib
import json
import os
import shutil
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ganlens.data.checked import checked, read_json, record, write_json
from ganlens.data.imageset import ImageSet, Skipped
from ganlens.data.preparation import Fit, Originals
from ganlens.data.trees import Stamp
from ganlens.errors import GanlensError

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

FORMAT = 2  # raise it whenever decoding or the files change: older entries are then not found
RACY = 2e9  # ns: a file written this recently could be written again within one tick of its stamp
STALE = 24 * 3600  # s after which a temporary folder is what a killed process left
ATTRIBUTE = "attribute:"  # prefix of their names in table.npz
ORIGINAL = "original:"  # the same of what Originals hold


@dataclass(frozen=True)
class Asked:
    """What was asked of an opening: None where the data decide."""

    size: int | None
    channels: int | None
    upscale: bool
    fit: Fit = "crop"


@dataclass(frozen=True)
class Settings:
    """What an entry was made with: the same, resolved, and the white of 16-bit grey."""

    size: int
    channels: int
    upscale: bool
    fit: Fit
    white: int = 65535


@dataclass(frozen=True)
class Entry:
    """What goes into a cache entry beside the pixels; see ImageSet for the meanings."""

    spec: str
    names: np.ndarray
    labels: np.ndarray | None
    attributes: dict[str, np.ndarray]
    class_names: tuple[str, ...]
    bounds: dict[str, tuple[int, int]]
    split_source: str
    fingerprints: dict[str, str]
    skipped: list[Skipped]
    originals: Originals
    notes: list[str] = field(default_factory=list)


class Store:
    """The data part of a cache folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"

    def _key(self, content: str, settings: Settings) -> str:
        text = json.dumps([FORMAT, content, asdict(settings)])
        return hashlib.sha256(text.encode()).hexdigest()[:40]

    def load(self, content: str, settings: Settings, spec: str) -> ImageSet | None:
        """Return an entry, or None if it is not there or damaged."""
        folder = self.data / self._key(content, settings)
        try:
            meta = read_json(folder / "meta.json")
            table = checked(folder / "table.npz", meta["files"]["table.npz"])
            path = checked(folder / "images.npy", meta["files"]["images.npy"])
            images = np.load(path, mmap_mode="r", allow_pickle=False)
            with np.load(table, allow_pickle=False) as arrays:
                columns = {name: arrays[name] for name in arrays.files}
            with suppress(OSError):  # a cache that may only be read
                os.utime(folder / "meta.json")  # when it was last used
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None
        return _image_set(spec, images, columns, meta)

    def facts(self, content: str) -> dict[str, Any] | None:
        """Return what was remembered of a content, or None."""
        try:
            return read_json(self.root / "sizes" / f"{_short(content)}.json")
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save_facts(self, content: str, facts: dict[str, Any]) -> None:
        """Remember the facts of a content."""
        self._write("sizes", _short(content), facts)

    def _write(self, kind: str, name: str, body: dict[str, Any]) -> None:
        with self.writing():
            write_json(self.root / kind / f"{name}.json", body)

    def remember(self, place: Path, stamps: list[Stamp], digest: Callable[[], str]) -> str:
        """Return the content digest of a place, the last one if no stamp has changed since."""
        name = _short(str(place.resolve()))
        body = [list(stamp) for stamp in stamps]
        seen = hashlib.sha256(json.dumps(body).encode()).hexdigest()
        with suppress(OSError, ValueError, KeyError, TypeError):
            known = read_json(self.root / "index" / f"{name}.json")
            if known["stamps"] == seen:
                return known["content"]
        newest = max(max(mtime, ctime) for _, _, mtime, ctime in stamps)
        settled = newest < time.time_ns() - RACY  # before reading: later writes get later stamps
        content = digest()
        if settled:
            self._write("index", name, {"stamps": seen, "content": content})
        return content

    @contextmanager
    def building(self, content: str) -> Iterator[None]:
        """Let one process or thread at a time build entries of a content; the others wait."""
        path = self.root / "locks" / f"{_short(content)}.lock"
        with self.writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "w")  # noqa: SIM115 closed below, which also unlocks it
        try:
            with suppress(OSError):
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            file.close()

    @contextmanager
    def scratch(self, needed: int) -> Iterator[Path]:
        """Give a temporary folder beside the entries, removed afterwards.

        Raises:
            GanlensError: ``needed`` bytes are not free, or writing fails.
        """
        folder = self.data / f".{os.getpid()}.{uuid.uuid4().hex}.tmp"
        try:
            with self.writing():
                self.data.mkdir(parents=True, exist_ok=True)
                self._clean()
                free = shutil.disk_usage(self.data).free
                if needed > free:
                    raise OSError(errno.ENOSPC, f"{needed:,} bytes needed, {free:,} free")
                folder.mkdir()
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn a failure to write into a GanlensError."""
        try:
            yield
        except OSError as error:
            raise GanlensError(
                f"cannot write the data cache {self.root} ({error.strerror}): free space, ask for "
                "a smaller size, or set GANLENS_CACHE to another folder"
            ) from error

    def _clean(self) -> None:
        for folder in self.data.glob(".*.tmp"):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > STALE:
                    shutil.rmtree(folder, ignore_errors=True)

    def install(self, content: str, settings: Settings, folder: Path, entry: Entry) -> None:
        """Complete a scratch folder that holds ``images.npy`` and rename it into place."""
        named = {f"{ATTRIBUTE}{name}": column for name, column in entry.attributes.items()}
        labels = {} if entry.labels is None else {"labels": entry.labels}
        originals = {f"{ORIGINAL}{name}": rows for name, rows in vars(entry.originals).items()}
        columns = {**labels, **named, **originals}
        np.savez(folder / "table.npz", names=entry.names, **columns)
        files = {name: record(folder / name) for name in ("images.npy", "table.npz")}
        meta = {
            "spec": entry.spec,
            "size": settings.size,
            "fit": settings.fit,
            "class_names": entry.class_names,
            "values": {
                name: np.unique(column).tolist()
                for name, column in entry.attributes.items()
                if column.dtype.kind == "U"
            },
            "bounds": entry.bounds,
            "split_source": entry.split_source,
            "fingerprints": entry.fingerprints,
            "skipped": [[skip.name, skip.reason] for skip in entry.skipped],
            "notes": entry.notes,
            "files": files,
        }
        write_json(folder / "meta.json", meta)
        _rename(folder, self.data / self._key(content, settings))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:40]


def _rename(folder: Path, target: Path) -> None:
    """Put a folder in the place of another; who has the old files open keeps them."""
    for _ in range(100):  # another process may install the same entry between the two steps
        try:
            os.rename(folder, target)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        old = target.with_name(f".{os.getpid()}.{uuid.uuid4().hex}.tmp")
        with suppress(FileNotFoundError):
            os.rename(target, old)
            shutil.rmtree(old, ignore_errors=True)


def _image_set(
    spec: str, images: np.ndarray, columns: dict[str, np.ndarray], meta: dict[str, Any]
) -> ImageSet:
    attributes = {
        name.removeprefix(ATTRIBUTE): column
        for name, column in columns.items()
        if name.startswith(ATTRIBUTE)
    }
    return ImageSet(
        spec=spec,
        images=images,
        labels=columns.get("labels"),
        class_names=tuple(meta["class_names"]),
        attributes=attributes,
        names=columns["names"],
        split="all",
        bounds={split: (first, last) for split, (first, last) in meta["bounds"].items()},
        split_source=meta["split_source"],
        fingerprint=meta["fingerprints"]["all"],
        skipped=tuple(Skipped(name, reason) for name, reason in meta["skipped"]),
        notes=tuple(meta["notes"]),
        values={name: tuple(values) for name, values in meta["values"].items()},
        fingerprints=meta["fingerprints"],
        fit=meta["fit"],
        originals=Originals(
            **{name: columns[f"{ORIGINAL}{name}"] for name in ("sizes", "conversions", "digests")}
        ),
    )
