"""``.npz`` files: images and optional labels, read without pickle or much memory.

Images are NHWC, NCHW or NHW, or one picture HWC. The last axis holds the channels if it is 1, 3 or
4 long, else the second; four channels are RGBA. ``members`` tells which arrays they are, ``ranges``
what their values mean; what was concluded is said in the notes of the listing.
"""

import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from ganlens.data.annotations import Annotations, Listing, joined
from ganlens.data.boundary import readable
from ganlens.data.encoded import Unusable
from ganlens.data.members import LABEL_BYTES, RANGE, Member, Part, labels_of, members, parts
from ganlens.data.ranges import Range, concluded, declared, to_bytes
from ganlens.data.sources import Source
from ganlens.data.trees import ALWAYS_HASHED, Remember, file_digest, stamp
from ganlens.errors import GanlensError

CHANNELS = (1, 3, 4)
STRIP = 2**22  # values of an image turned into bytes at a time


class NpzSource(Source):
    """An npz file; its images are unpacked beside the cache while they are read."""

    def __init__(self, spec: str, path: Path, scratch: Path) -> None:
        super().__init__(spec)
        self.path = path
        self._scratch = scratch
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._images: list[np.ndarray] = []
        self._notes: list[str] = []

    def content(self, remember: Remember) -> str:
        """Return a digest of the content; see Source."""
        line = stamp("", self.path)
        if line[1] <= ALWAYS_HASHED[0]:
            return f"npz:{file_digest(self.path)}"
        return remember(self.path, [line], lambda: f"npz:{file_digest(self.path)}")

    def listing(self) -> Listing:
        """Return what there is; see Source."""
        with readable(
            f"{self.spec}: not a usable .npz file",
            "save it with numpy.savez(FILE, images=..., labels=...), without object arrays",
        ):
            found = self._open()
        self._rows = [(part, row) for part, images in enumerate(self._images)
                      for row in range(len(images))]  # fmt: skip
        if found[0].split is None:
            names, splits = [f"{row:06d}" for _, row in self._rows], None
        else:
            kinds = [str(part.split) for part in found]
            splits = [kinds[part] for part, _ in self._rows]
            names = [f"{kinds[part]}/{row:06d}" for part, row in self._rows]
            if "test" not in kinds:
                splits = ["test" if split == "val" else split for split in splits]
        return Listing(names, splits, notes=self._notes)

    def _open(self) -> list[Part]:
        self._notes = []
        with zipfile.ZipFile(self.path) as archive:
            known = members(archive)
            found = parts(known, self.spec)
            raw = [self._unpack(archive, part.images) for part in found]
            if len({images.dtype for images in raw}) > 1:
                raise GanlensError(
                    f"{self.spec}: the images of its splits are of different types: save one type"
                )
            self._say_arrays(found)
            labels = [
                self._labels(archive, part, len(images))
                for part, images in zip(found, raw, strict=True)
            ]
            self._images = [
                channels_last(images, self.spec, count, self._notes)
                for images, (_, count) in zip(raw, labels, strict=True)
            ]
            self._range = self._conclude(archive, known)
        self._annotations = joined(
            [
                Annotations() if values is None else labels_of(values, len(images), self.spec)
                for images, (values, _) in zip(self._images, labels, strict=True)
            ],
            [len(images) for images in self._images],
        )
        self._notes += self._annotations.notes
        return found

    def _say_arrays(self, found: list[Part]) -> None:
        taken = [m.name for part in found for m in (part.images, part.labels) if m is not None]
        if not set(taken) <= {"images", "labels"}:
            self._notes.append(f"read the arrays {', '.join(taken)}")

    def _unpack(self, archive: zipfile.ZipFile, member: Member) -> np.ndarray:
        self._scratch.mkdir(parents=True, exist_ok=True)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=self._scratch)
        entry = f"{member.name}.npy"
        size, free = archive.getinfo(entry).file_size, shutil.disk_usage(self._scratch).free
        if size > free:
            raise GanlensError(f"{self.spec}: unpacking needs {size:,} bytes, {free:,} are free")
        target = Path(self._folder.name) / f"{len(list(Path(self._folder.name).iterdir()))}.npy"
        with archive.open(entry) as source, open(target, "wb") as file:
            shutil.copyfileobj(source, file, 2**20)
        return np.load(target, mmap_mode="r", allow_pickle=False)

    def _labels(
        self, archive: zipfile.ZipFile, part: Part, images: int
    ) -> tuple[np.ndarray | None, int | None]:
        """Return the labels of a part, and how many there are; None where it has none."""
        member = part.labels
        if member is None or (member.name == "arr_1" and member.shape[:1] != (images,)):
            return None, None
        if member.nbytes > LABEL_BYTES:
            raise GanlensError(
                f"{self.spec}: {member.name!r} takes {member.nbytes:,} bytes, more than the limit "
                f"of {LABEL_BYTES:,}: give integers, one per image"
            )
        with archive.open(f"{member.name}.npy") as file:
            values = np.lib.format.read_array(file, allow_pickle=False)
        return values, len(values) if values.ndim else None

    def _conclude(self, archive: zipfile.ZipFile, known: dict[str, Member]) -> Range:
        if RANGE in known and known[RANGE].nbytes <= 64:
            with archive.open(f"{RANGE}.npy") as file:
                found = declared(np.lib.format.read_array(file, allow_pickle=False))
        else:
            try:
                found = concluded(self._images)
            except GanlensError as error:
                raise GanlensError(f"{self.spec}: {error}") from error
        self._notes += [found.said] if found.said else []
        return found

    def read(self, index: int) -> Image.Image:
        """Open an image; see Source."""
        part, row = self._rows[index]
        pixels = self._bytes(self._images[part][row])
        return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)

    def _bytes(self, pixels: np.ndarray) -> np.ndarray:
        found = np.empty(pixels.shape, np.uint8)
        step = max(1, STRIP // pixels[0].size)
        for start in range(0, len(pixels), step):
            strip = pixels[start : start + step]
            if strip.dtype.kind == "f" and not np.isfinite(strip).all():
                raise Unusable("a value is not finite")
            found[start : start + step] = to_bytes(strip, self._range)
        return found

    def annotations(self) -> Annotations:
        """Return labels and attributes; see Source."""
        return self._annotations

    def close(self) -> None:
        """Release what is open."""
        self._images = []  # let go of the memory maps before their files
        if self._folder is not None:
            self._folder.cleanup()


def channels_last(
    images: np.ndarray, spec: str, labels: int | None, notes: list[str]
) -> np.ndarray:
    """Return images as (N, H, W, C).

    Args:
        images: an array of any shape.
        spec: of the data, for errors.
        labels: how many labels there are, which decides where shapes do not; or None.
        notes: what is concluded is added here.

    Raises:
        GanlensError: a shape that is no images', or that can be read in two ways.
    """
    shape = images.shape
    if 0 in shape:
        raise GanlensError(f"{spec}: images of shape {shape}: found 0 images; give at least 1")
    if images.ndim == 3 and labels != len(images):
        if shape[-1] in CHANNELS and shape[1] not in CHANNELS:
            notes.append(f"images of shape {shape}: taken as one picture of {shape[-1]} channels")
            images = images[None]
        elif shape[0] in (3, 4):
            n, height, width = shape
            raise GanlensError(
                f"{spec}: images of shape {shape} are one picture of {n} channels or {n} grey "
                f"ones: save them as (1, {n}, {height}, {width}) or ({n}, {height}, {width}, 1)"
            )
    if images.ndim == 3:
        images = images[..., None]
    elif images.ndim == 4 and _second_axis_holds_channels(images.shape, spec):
        images = np.moveaxis(images, 1, -1)
    if images.ndim != 4 or images.shape[-1] not in CHANNELS or images.dtype.kind not in "biuf":
        raise GanlensError(
            f"{spec}: images of shape {shape} and type {images.dtype}: give numbers as (N, H, W, "
            "C) or (N, C, H, W) with C of 1, 3 or 4, or (N, H, W)"
        )
    limit = Image.MAX_IMAGE_PIXELS
    if limit and images.shape[1] * images.shape[2] > limit:
        raise GanlensError(
            f"{spec}: images of shape {shape}: more than {limit:,} pixels each: give smaller ones"
        )
    return images


def _second_axis_holds_channels(shape: tuple[int, ...], spec: str) -> bool:
    _, first, second, last = shape
    if first not in CHANNELS or last not in CHANNELS:
        return first in CHANNELS
    if first == second == last != 1:
        raise GanlensError(
            f"{spec}: images of shape {shape} can be read as (N, H, W, C) or (N, C, H, W): give "
            "larger ones, or image files"
        )
    return second == last  # the square reading
