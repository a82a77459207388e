"""Duplicates across two sets of images: equal byte for byte, or nearly so.

Duplicates between training and test images are common in published data (Barz and Denzler 2020,
arXiv 1902.00423: 3.3 % of CIFAR-10's test images), and every number that compares the two sides is
too good by them. Images are compared as they are handed in, as thumbnails: 8x8 px propose, 16x16 px
decide, averaged over areas, so that noise and compression count for little.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

from ganlens.errors import GanlensError
from ganlens.stats.neighbors import nearest

COARSE, FINE = 8, 16  # px
CANDIDATES = 4
# Nearer than this share of the usual distance to the nearest other image is no chance. On CIFAR-10,
# MNIST and pixelfaces it is 6 to 7 grey levels; there re-compressed copies are 1 to 6 apart, and
# different images 12 and more (MNIST: 6; its ones are alike).
USUAL, MOST = 0.2, 8.0
PROBED = 500  # images on which that is measured
BATCH = 512

Read = Callable[[slice], np.ndarray]


@dataclass(frozen=True)
class Shared:
    """Images of one set that another one holds too.

    Attributes:
        n: images of the first set.
        equal: how many of them the second set holds byte for byte.
        near: how many others differ from one of the second set by at most ``radius``.
        radius: root mean square difference of 16x16 thumbnails, in grey levels (0 to 255).
        rows: (equal + near, 2) int64: rows in the first and in the second set.
    """

    n: int
    equal: int
    near: int
    radius: float
    rows: np.ndarray

    @property
    def count(self) -> int:
        """How many images of the first set the second holds."""
        return self.equal + self.near

    def to_json(self) -> dict[str, float]:
        """Return the numbers as JSON values."""
        return {"n": self.n, "equal": self.equal, "near": self.near, "radius": self.radius}


@dataclass(frozen=True)
class Thumbnails:
    """What images are compared by.

    Attributes:
        digests: (N,) bytes, of all pixels.
        coarse: (N, 64 C) float32 in grey levels, 0 to 255.
        fine: (N, 256 C) float32, the same.
    """

    digests: np.ndarray
    coarse: np.ndarray
    fine: np.ndarray


def thumbnails(read: Read, count: int) -> Thumbnails:
    """Look at images, a few at a time.

    Args:
        read: returns the (n, H, W, C) uint8 images of a slice.
        count: how many there are, at least 1.

    Raises:
        GanlensError: there are none.
    """
    if count < 1:
        raise GanlensError("0 images cannot be compared: give at least 1")
    digests, fine = [], []
    for start in range(0, count, BATCH):
        images = np.array(read(slice(start, min(start + BATCH, count))))  # torch wants it writable
        digests += [image_digest(image) for image in images]
        maps = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        fine.append(adaptive_avg_pool2d(maps, FINE))
    small = torch.cat(fine)
    coarse = adaptive_avg_pool2d(small, COARSE)
    return Thumbnails(np.array(digests), coarse.flatten(1).numpy(), small.flatten(1).numpy())


def image_digest(image: np.ndarray) -> bytes:
    """Return 16 bytes by which equal images, and no others, are known."""
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def shared_images(a: Thumbnails, b: Thumbnails, seed: int = 0) -> Shared:
    """Find the images of ``a`` that ``b`` holds too.

    Args:
        a: N images.
        b: M images of the same shape, at least 1.
        seed: of the draw of images of ``b`` that say how far apart images usually are.

    Raises:
        GanlensError: images of different numbers of channels.
    """
    if a.fine.shape[1] != b.fine.shape[1]:
        raise GanlensError(
            f"images of {a.fine.shape[1] // FINE**2} and {b.fine.shape[1] // FINE**2} channels are"
            " not comparable: bring both to the same number"
        )
    first = dict(zip(b.digests[::-1].tolist(), range(len(b.digests) - 1, -1, -1), strict=True))
    same = np.array([first.get(digest, -1) for digest in a.digests.tolist()])
    radius = _radius(b, seed)
    others = np.flatnonzero(same < 0)
    near = _nearest(a.coarse[others], a.fine[others], b)
    found = near[0] <= radius
    rows = np.concatenate([
        np.stack([np.flatnonzero(same >= 0), same[same >= 0]], 1),
        np.stack([others[found], near[1][found]], 1),
    ])  # fmt: skip
    return Shared(len(same), int((same >= 0).sum()), int(found.sum()), radius, rows)


def _nearest(coarse: np.ndarray, fine: np.ndarray, b: Thumbnails) -> tuple[np.ndarray, np.ndarray]:
    """Return (N,) distance in grey levels to the nearest image of ``b``, and (N,) its row."""
    if not len(coarse):
        return np.empty(0), np.empty(0, np.int64)
    _, rows = nearest(coarse, b.coarse, min(CANDIDATES, len(b.coarse)))
    apart = np.sqrt(((fine[:, None] - b.fine[rows]) ** 2).mean(2))
    best = apart.argmin(1)
    each = np.arange(len(rows))
    return apart[each, best], rows[each, best]


def _radius(b: Thumbnails, seed: int) -> float:
    """Return how far apart two images may be to count as nearly equal, in grey levels."""
    # Each image once: the nearest other one of a set in which all stand twice is the same image.
    once = np.sort(np.unique(b.digests, return_index=True)[1])
    if len(once) < 2:
        return 0.0
    coarse, fine = b.coarse[once], b.fine[once]
    drawn = np.random.default_rng(seed).permutation(len(once))[:PROBED]
    _, rows = nearest(coarse[drawn], coarse, 2)
    other = np.where(rows[:, 0] == drawn, rows[:, 1], rows[:, 0])
    apart = np.sqrt(((fine[drawn] - fine[other]) ** 2).mean(1))
    return float(min(MOST, USUAL * np.median(apart)))
