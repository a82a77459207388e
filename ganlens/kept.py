"""What the cache folder holds, and taking things out of it: nothing is ever removed unasked."""

import os
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganlens.attributes import CLASSIFIERS
from ganlens.checkpoints import MODEL_FILE, read_model_file
from ganlens.data.cache import Store
from ganlens.data.checked import read_json
from ganlens.errors import GanlensError
from ganlens.features.store import META, PROGRESS, FeatureStore

DAY = 24 * 3600  # s


@dataclass(frozen=True)
class Kept:
    """A decoded data set, features, a classifier, or files that torchvision downloaded.

    Attributes:
        path: its folder.
        kind: "decoded", "features", "classifier" or "download".
        what: of data the SPEC that it was first opened as, of features the extractor and the
            source, of a classifier what it tells apart; "" where that was not noted.
        images: how many; of features that were interrupted those that are done; None for a
            download.
        size: height and width in pixels; None for features and a download.
        bytes: on the disk.
        idle: days since it was last opened; of a download or a classifier, since it was made.
    """

    path: Path
    kind: str
    what: str
    images: int | None
    size: int | None
    bytes: int
    idle: float

    @property
    def download(self) -> bool:
        """Whether it is from the network, which removing would fetch again."""
        return self.kind == "download"


def kept(root: Path) -> list[Kept]:
    """List what a cache folder holds, the largest first; what is just being made is left out."""
    store = FeatureStore(root)
    found = [_entry(folder, "decoded", _decoded) for folder in _folders(Store(root).data)]
    found += [
        _entry(folder, "features", _features)
        for folder in _folders(store.folder)
        if not store.busy(folder.name)
    ]
    found += [_entry(folder, "classifier", _classifier) for folder in _folders(root / CLASSIFIERS)]
    found += [_entry(folder, "download", _download) for folder in _folders(root / "torchvision")]
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


def _entry(folder: Path, kind: str, read: Callable[[Path], dict[str, Any]]) -> Kept:
    known: dict[str, Any] = {}
    with suppress(OSError, ValueError, KeyError, TypeError, GanlensError):  # damaged: made again
        known = read(folder)
    blank: dict[str, Any] = {"what": "", "images": None, "size": None, "stamp": folder / META}
    known = blank | known
    stamp = known.pop("stamp")
    return Kept(folder, kind, **known, bytes=_bytes(folder), idle=_idle(stamp))


def _decoded(folder: Path) -> dict[str, Any]:
    meta = read_json(folder / META)
    images = max(last for _, last in meta["bounds"].values())
    return {"what": meta["spec"], "images": images, "size": meta["size"]}


def _features(folder: Path) -> dict[str, Any]:
    file = folder / META if (folder / META).is_file() else folder / PROGRESS
    meta = read_json(file)
    what = f"{meta['extractor']['name']} of {meta['of']}, {meta['precision']}"
    part = "" if file.name == META else f" (interrupted, of {meta['count']:,})"
    return {"what": what + part, "images": meta.get("done", meta["count"]), "stamp": file}


def _classifier(folder: Path) -> dict[str, Any]:
    file = folder / MODEL_FILE
    header, _ = read_model_file(file, tensors=False)
    what = ", ".join([*header.arguments["targets"], *header.arguments.get("numbers", {})])
    size, images = header.arguments["size"], header.data.get("n")
    return {"what": what, "images": images, "size": size, "stamp": file}


def _download(folder: Path) -> dict[str, Any]:
    return {"what": f"torchvision:{folder.name}", "stamp": folder}


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
