"""Building a cache entry: decode every image once, order by split, take the fingerprints.

Memory holds a few blocks of images at a time, and per image its name, annotations and one digest,
so the data may be larger than memory. Rows are written as they are decoded, then copied in split
order (two sequential sweeps), because a split by content is known only after decoding.
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from ganlens.data.annotations import Listing
from ganlens.data.boundary import readable
from ganlens.data.budget import FILES
from ganlens.data.cache import Asked, Entry, Settings, Store
from ganlens.data.decode import WIDE, Decoded, Target, decode, originals
from ganlens.data.imageset import Skipped
from ganlens.data.sizes import Facts, guess, nothing_left
from ganlens.data.sources import Source
from ganlens.data.splits import SPLITS
from ganlens.errors import GanlensError
from ganlens.progress import Progress, Steps

TASK_BYTES = 4 * 2**20  # decoded bytes of one task of the pool
TASK_IMAGES = 64
NEARLY_BLACK = 15  # of 255
TEST_SHARE = 0.1  # of a split by content


@dataclass
class Pass:
    """What one pass over a source found; its pixels lie in a file of raw bytes."""

    facts: Facts = field(default_factory=Facts)
    kept: list[int] = field(default_factory=list)
    decoded: list[Decoded] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    brightest: int = 0


def build(source: Source, store: Store, asked: Asked) -> Steps[None]:
    """Decode a source into the store, a few images at a time.

    Raises:
        GanlensError: nothing is left, or the cache cannot be written.
    """
    listing = source.listing()
    facts = guess(source, listing)
    for _ in range(3):
        settings = facts.settings(asked)
        needed = 2 * len(listing.names) * settings.size**2 * settings.channels
        with store.scratch(needed) as folder:
            found = yield from _decode_all(source, listing, settings, folder / "rows")
            facts = found.facts
            content = source.content(store.remember)  # torchvision has its files only now
            store.save_facts(content, facts.to_json())
            if facts.settings(asked) != settings:
                continue  # the few were not like the many
            if not found.kept:
                raise nothing_left(source.spec, settings, facts, found.skipped)
            entry = _finish(found, listing, source, settings, folder)
            (folder / "rows").unlink()
            store.install(content, settings, folder, entry)
        return
    raise GanlensError(f"{source.spec!r} changes while it is read: try again when it is complete")


def _decode_all(source: Source, listing: Listing, settings: Settings, rows: Path) -> Steps[Pass]:
    found, count = Pass(skipped=list(listing.skipped)), len(listing.names)
    with open(rows, "wb", buffering=2**20) as file:
        for index, image in enumerate(_decoded(source, count, settings)):
            if index % TASK_IMAGES == 0:
                yield Progress(index, count, f"images of {source.spec} decoded")
            found.facts.add(image.source, image.grey, image.levels)
            if image.pixels is None:
                found.skipped.append(Skipped(listing.names[index], image.reason))
                continue
            found.kept.append(index)
            found.brightest = max(found.brightest, int(image.pixels.max()))
            found.decoded.append(replace(image, pixels=None))
            file.write(image.pixels.tobytes())
    return found


def _decoded(source: Source, count: int, settings: Settings) -> Iterator[Decoded]:
    """Decode in order, a few tasks ahead, in threads: Pillow lets others run meanwhile."""
    target = Target(
        settings.size, settings.channels, settings.upscale, settings.fit, settings.white
    )
    step = max(1, min(TASK_IMAGES, TASK_BYTES // (settings.size**2 * settings.channels)))

    def task(start: int) -> list[Decoded]:
        indices = range(start, min(start + step, count))
        return [one(index) for index in indices]

    def one(index: int) -> Decoded:
        with (
            readable(f"{source.spec}: an image", "free memory, or leave it out"),
            FILES.hold(source.weight(index)),
        ):
            return decode(partial(source.read, index), target)

    pool = ThreadPoolExecutor(source.workers)
    waiting: deque[Future[list[Decoded]]] = deque()
    try:
        for start in range(0, count, step):
            waiting.append(pool.submit(task, start))
            if len(waiting) > 2 * source.workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def content_split(digest: bytes) -> str:
    """Return "test" for one image in ten, by the first 8 bytes of its content digest."""
    return "test" if int.from_bytes(digest[:8], "big") < TEST_SHARE * 2**64 else "train"


def _finish(
    found: Pass, listing: Listing, source: Source, settings: Settings, folder: Path
) -> Entry:
    """Order rows and annotations by split, write images.npy and take the fingerprints."""
    kept, notes = np.array(found.kept), source.annotations()
    if listing.splits is None:
        splits = [content_split(one.digest) for one in found.decoded]
    else:
        splits = [listing.splits[index] for index in found.kept]
    codes = np.array([SPLITS.index(split) for split in splits])
    order = np.argsort(codes, kind="stable")
    _write_images(folder, order, settings)
    rows = kept[order]
    labels = None if notes.labels is None else notes.labels[rows]
    attributes = {name: column[rows] for name, column in notes.attributes.items()}
    bounds = _bounds(codes[order], listing.splits is not None)
    digests = [found.decoded[row].digest for row in order]
    made = [settings.size, settings.channels, notes.class_names]  # upscale shows in the digests
    made += [settings.fit] if settings.fit != "crop" else []  # as versions without a choice did
    fingerprints = {
        split: _fingerprint(repr(made), slice(*ends), digests, labels, attributes)
        for split, ends in bounds.items()
    }
    whole = _fingerprint(repr([*made, bounds]), slice(None), digests, labels, attributes)
    return Entry(
        spec=source.spec,
        names=np.array(listing.names, dtype=np.str_)[rows],
        labels=labels,
        attributes=attributes,
        class_names=notes.class_names,
        bounds=bounds,
        split_source="hash" if listing.splits is None else "declared",
        fingerprints={"all": whole, **fingerprints},
        skipped=sorted(found.skipped, key=lambda skip: skip.name),
        originals=originals(found.decoded)[order],
        notes=[*listing.notes, *_depth(settings), *_dark(found.brightest)],
    )


def _depth(settings: Settings) -> list[str]:
    if settings.white == WIDE:
        return []
    bits = settings.white.bit_length()
    return [f"16-bit images that use {bits} bits: white is {settings.white:,}, not {WIDE:,}"]


def _dark(brightest: int) -> list[str]:
    """Say that all is nearly black: masks of 0 and 1, or few bits of 16 in colour, look so."""
    if brightest > NEARLY_BLACK:
        return []
    return [f"all images are nearly black: the brightest value is {brightest} of 255; if they count"
            f" in other steps, scale them to 0 to 255"]  # fmt: skip


def _bounds(codes: np.ndarray, declared: bool) -> dict[str, tuple[int, int]]:
    """Return the rows of each split; "train" and "test" are always there, maybe empty."""
    ends = {}
    for code, split in enumerate(SPLITS):
        first, last = np.searchsorted(codes, [code, code + 1]).tolist()
        if split != "val" or (declared and first < last):
            ends[split] = (first, last)
    return ends


def _write_images(folder: Path, order: np.ndarray, settings: Settings) -> None:
    shape = (len(order), settings.size, settings.size, settings.channels)
    rows = np.memmap(folder / "rows", np.uint8, "r", shape=shape)
    step = max(1, TASK_BYTES // int(np.prod(shape[1:])))
    with open(folder / "images.npy", "wb") as file:
        form = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, form)
        for start in range(0, len(order), step):
            file.write(rows[order[start : start + step]].tobytes())


def _fingerprint(
    made: str,
    rows: slice,
    digests: list[bytes],
    labels: np.ndarray | None,
    attributes: dict[str, np.ndarray],
) -> str:
    """Return the sha256 of settings, source pixels and annotations of some rows, in order."""
    digest = hashlib.sha256(made.encode())
    digest.update(b"".join(digests[rows]))
    if labels is not None:
        digest.update(labels[rows].astype("<i8").tobytes())
    for name in sorted(attributes):
        column = attributes[name][rows]
        exact = column.astype("<f8").tobytes() if column.dtype.kind == "f" else None
        digest.update(f"\0{name}\0".encode())
        digest.update(exact if exact is not None else "\0".join(column.tolist()).encode())
    return digest.hexdigest()
