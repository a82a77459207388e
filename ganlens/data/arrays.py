"""``.npz`` files: ``images`` and optional ``labels``, read without pickle or much memory.

``images`` is NHWC, NCHW or NHW. The last axis holds the channels if it is 1, 3 or 4 long, else the
second; four channels are RGBA. Bytes are taken as they are, booleans as black and white, uint16 as
``round(v / 257)``, other integers if they lie in 0 to 255. Floats are taken as [0, 1] if they all
lie there, else as [-1, 1]: an array on [-1, 1] without one negative value is misread as [0, 1].
"""

import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganlens.data.decode import Unusable
from ganlens.data.layout import Annotations, Listing, class_labels
from ganlens.data.sources import Source
from ganlens.data.trees import ALWAYS_HASHED, Remember, file_digest, stamp
from ganlens.errors import GanlensError
from ganlens.images import to_uint8

CHANNELS = (1, 3, 4)
BLOCK = 2**24  # values looked at together when the range of a large array is found


class NpzSource(Source):
    """An npz file; its images are unpacked beside the cache while they are read."""

    def __init__(self, spec: str, path: Path, scratch: Path) -> None:
        super().__init__(spec)
        self.path = path
        self._scratch = scratch
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def content(self, remember: Remember) -> str:
        """Return a digest of the content; see Source."""
        line = stamp("", self.path)
        if line[1] <= ALWAYS_HASHED[0]:
            return f"npz:{file_digest(self.path)}"
        return remember(self.path, [line], lambda: f"npz:{file_digest(self.path)}")

    def listing(self) -> Listing:
        """Return what there is; see Source."""
        try:
            self._open()
        except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
            raise GanlensError(
                f"{self.spec}: not a usable .npz file ({error}): save it with numpy.savez(FILE, "
                "images=..., labels=...), without object arrays"
            ) from error
        return Listing([f"{index:06d}" for index in range(len(self._images))])

    def _open(self) -> None:
        with zipfile.ZipFile(self.path) as archive:
            members = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
            if "images" not in members:
                raise GanlensError(
                    f"{self.spec}: no array 'images' in it, only {', '.join(members) or 'nothing'}"
                    ": save the images under that name"
                )
            raw = self._unpack(archive)
        self._images = _channels_last(raw, self.spec)
        self._low, self._high = _range(raw) if raw.dtype.kind in "fiu" else (0.0, 1.0)
        self._check_values()
        self._annotations = self._read_labels() if "labels" in members else Annotations()

    def _unpack(self, archive: zipfile.ZipFile) -> np.ndarray:
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=self._scratch)
        size, free = archive.getinfo("images.npy").file_size, shutil.disk_usage(self._scratch).free
        if size > free:
            raise GanlensError(f"{self.spec}: unpacking needs {size:,} bytes, {free:,} are free")
        target = Path(self._folder.name) / "images.npy"
        with archive.open("images.npy") as source, open(target, "wb") as file:
            shutil.copyfileobj(source, file, 2**20)
        return np.load(target, mmap_mode="r", allow_pickle=False)

    def _check_values(self) -> None:
        kind, low, high = self._images.dtype.kind, self._low, self._high
        wide = self._images.dtype == np.uint16
        if kind == "f" and low >= -1 and high <= 1:
            return
        if kind == "b" or wide or (kind in "iu" and low >= 0 and high <= 255):
            return
        raise GanlensError(
            f"{self.spec}: images of type {self._images.dtype} from {low:g} to {high:g}: give "
            "uint8, or floats in [0, 1] or [-1, 1]"
        )

    def _read_labels(self) -> Annotations:
        with np.load(self.path, allow_pickle=False) as arrays:
            labels = arrays["labels"]
        if labels.shape != (len(self._images),) or labels.dtype.kind not in "iuU":
            raise GanlensError(
                f"{self.spec}: labels are {labels.dtype} of shape {labels.shape}: give "
                f"{len(self._images)} integers or strings, one per image"
            )
        return class_labels(labels.tolist())

    def read(self, index: int) -> Image.Image:
        """Open an image; see Source."""
        pixels = self._bytes(self._images[index])
        return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)

    def _bytes(self, pixels: np.ndarray) -> np.ndarray:
        if pixels.dtype.kind == "b":
            return pixels.astype(np.uint8) * 255
        if pixels.dtype == np.uint16:
            return ((pixels.astype(np.int64) + 128) // 257).astype(np.uint8)
        if pixels.dtype.kind in "iu":
            return np.ascontiguousarray(pixels, dtype=np.uint8)
        if not np.isfinite(pixels).all():
            raise Unusable("a value is not finite")
        signed = pixels if self._low < 0 else pixels * 2 - 1
        batch = torch.from_numpy(np.array(signed, np.float32)).permute(2, 0, 1)
        return to_uint8(batch[None])[0]

    def annotations(self) -> Annotations:
        """Return labels and attributes; see Source."""
        return self._annotations

    def close(self) -> None:
        """Release what is open."""
        self._images = np.empty(0)  # let go of the memory map before its file
        if self._folder is not None:
            self._folder.cleanup()


def _channels_last(images: np.ndarray, spec: str) -> np.ndarray:
    if images.ndim == 3:
        images = images[..., None]
    elif images.ndim == 4 and images.shape[-1] not in CHANNELS and images.shape[1] in CHANNELS:
        images = np.moveaxis(images, 1, -1)
    if images.ndim != 4 or images.shape[-1] not in CHANNELS:
        raise GanlensError(
            f"{spec}: images of shape {images.shape}: give (N, H, W, C) or (N, C, H, W) with C of "
            "1, 3 or 4, or (N, H, W)"
        )
    if 0 in images.shape:
        raise GanlensError(
            f"{spec}: images of shape {images.shape}: found 0 images; give at least 1"
        )
    return images


def _range(values: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest finite value, a block at a time."""
    step = max(1, BLOCK // max(1, values[0].size)) if len(values) else 1
    low, high = np.inf, -np.inf
    for start in range(0, len(values), step):
        block = values[start : start + step]
        block = block[np.isfinite(block)] if block.dtype.kind == "f" else block
        if block.size:
            low, high = min(low, float(block.min())), max(high, float(block.max()))
    return (low, high) if low <= high else (0.0, 0.0)
