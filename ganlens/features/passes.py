"""One pass of images through an extractor, and never a second one where features are kept."""

import time
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from ganlens.errors import GanlensError
from ganlens.features.base import Extractor
from ganlens.features.source import ImageSource
from ganlens.features.store import Entry, FeatureStore, feature_key
from ganlens.images import from_uint8
from ganlens.precision import autocast, resolved

BATCH = 64  # images that are asked for at once; Inception cuts them smaller on a CPU
PAUSE = 0.2  # s between two looks at what another process is making


def features_of(
    extractor: Extractor,
    source: ImageSource,
    *,
    store: FeatureStore | None = None,
    batch_size: int = BATCH,
    precision: str = "float32",
) -> Generator[int, None, np.ndarray]:
    """Extract the features of a source, or open them where they were extracted before.

    With a store, memory does not grow with the number of images, an interrupted pass is continued,
    and of several processes that want the same features one makes them while the others wait. A
    cache that cannot be written is an error: without a store everything is held in memory.

    Args:
        extractor: what to apply.
        source: the images.
        store: where features are kept; None keeps them in memory alone.
        batch_size: images at once.
        precision: "float32", "bfloat16", or "auto": bfloat16 where the hardware has units for it.

    Yields:
        The number of images done.

    Returns:
        (N, D) float32, a read-only memory map where stored.

    Raises:
        GanlensError: no images, a batch below 1, an unknown precision, a cache that cannot be
            written (full disk): what was done until shortly before can be continued.
    """
    if source.count < 1 or batch_size < 1:
        raise GanlensError(
            f"features of {source.count} images in batches of {batch_size}: give at least 1 of each"
        )
    how = resolved(precision, extractor.device)
    if store is None:
        return (yield from _in_memory(extractor, source, batch_size, how))
    about = described(extractor, source, how)
    key = feature_key(about)
    while (found := store.load(key)) is None:
        with store.making(key, {**about, "of": source.name}, source.count) as entry:
            if entry is None:
                time.sleep(PAUSE)
                yield store.done(key)
            elif store.load(key) is None:  # nobody completed it since the look above
                yield from _fill(entry, extractor, source, batch_size, how)
    yield source.count
    return found


def described(extractor: Extractor, source: ImageSource, precision: str) -> dict[str, Any]:
    """Return everything that decides features, JSON-able."""
    return {
        "extractor": extractor.describe(),
        "source": source.identity(),
        "count": source.count,
        "precision": precision,
        "device": extractor.device.type,
    }


def _in_memory(
    extractor: Extractor, source: ImageSource, size: int, precision: str
) -> Generator[int, None, np.ndarray]:
    features, done = np.empty((0, 0), np.float32), 0
    for rows in _batches(extractor, source, size, precision):
        if not done:
            features = np.empty((source.count, rows.shape[1]), np.float32)
        features[done : done + len(rows)] = rows
        done += len(rows)
        yield done
    return features


def _fill(
    entry: Entry, extractor: Extractor, source: ImageSource, size: int, precision: str
) -> Generator[int, None, None]:
    for rows in _batches(extractor, source, size, precision, entry.done):
        entry.append(rows)
        yield entry.done
    entry.complete()


def _batches(
    extractor: Extractor, source: ImageSource, size: int, precision: str, first: int = 0
) -> Iterator[np.ndarray]:
    for start in range(first, source.count, size):
        batch = from_uint8(source.images(slice(start, min(start + size, source.count))))
        with autocast(precision, extractor.device):  # never open while the caller is at work
            rows = extractor(batch).numpy()
        yield rows
