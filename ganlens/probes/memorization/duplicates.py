"""Duplicates within the data and among the samples: equal bytes, equal and nearly equal hashes."""

import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
from PIL import Image

from ganlens.probes.memorization.controls import noisy
from ganlens.probes.memorization.hashing import BITS, Hasher, hasher

if TYPE_CHECKING:
    from ganlens.data import ImageSet

PLANTED = 200  # train images that are planted again
PAIRS = 200_000  # random pairs that set how far two hashes may differ
ALIKE = 1e-4  # share of the random pairs that are the most alike
QUALITY = 90  # of the planted JPEG copies
SHOWN = 8  # pairs kept as pictures


@dataclass(frozen=True)
class Twins:
    """Number of images of one set that have a twin among the train images.

    Attributes:
        n: images in the set.
        same_bytes: those equal to a train image in every byte.
        same_hash: those whose hash a train image has.
        near_hash: those whose hash differs from a train image's in at most ``radius`` bits.
    """

    n: int
    same_bytes: int
    same_hash: int
    near_hash: int


@dataclass(frozen=True)
class Duplicates:
    """Twins of every set, and whether planted ones are found.

    Attributes:
        radius: bits by which hashes of near-duplicates may differ: half of the least number among
            random pairs of train images.
        twins: set -> its twins among (other) train images; "train", "held-out", "generated".
        planted: way -> share of planted copies found by equal hashes, and within the radius.
        random_near: share of other random pairs of train images within the radius.
        n_random: those pairs.
        pairs: (2, P, H, W, C) uint8: the most alike pairs within train, up to 8, one per image.
    """

    radius: int
    twins: dict[str, Twins]
    planted: dict[str, tuple[float, float]]
    random_near: float
    n_random: int
    pairs: np.ndarray

    def summary(self) -> dict[str, Any]:
        """Return JSON-able scalars."""
        return {
            "hash": f"{BITS} bits of a de-noising ReLU autoencoder on 32x32",
            "radius_bits": self.radius,
            **{kind: vars(twins) for kind, twins in self.twins.items()},
            "planted_found_by_equal_hash": {k: v[0] for k, v in self.planted.items()},
            "planted_found_within_radius": {k: v[1] for k, v in self.planted.items()},
            "random_pairs_within_radius": self.random_near,
            "n_random_pairs": self.n_random,
        }


def find_duplicates(
    train: "ImageSet", held_out: "ImageSet", generated: np.ndarray, seed: int
) -> Duplicates:
    """Count twins of every set among the train images; check that planted ones are found.

    Args:
        train: the train images, which the hash is learned from.
        held_out: all held-out images.
        generated: (N, H, W, C) uint8.
        seed: of the hash and of the draws.
    """
    to_bits = hasher(train.images, train.fingerprint, seed)
    rng = np.random.default_rng([seed, 4])
    codes = to_bits(train.images)
    # A few of so many random pairs are true twins where there are many: the least cannot decide.
    radius = int(np.quantile(_random_pairs(codes, rng), ALIKE, method="lower")) // 2
    fresh = _random_pairs(codes, rng)  # of those that set the radius none can be within it
    index = faiss.IndexBinaryFlat(BITS)
    index.add(codes)
    bits, rows = _others(index, codes)
    known = Counter(map(_digest, train.images))
    repeated = sum(count for count in known.values() if count > 1)
    twins = {"train": _twins(bits, repeated, radius)}
    for kind, images in (("held-out", held_out.images), ("generated", generated)):
        near = index.search(to_bits(images), 1)[0][:, 0]
        twins[kind] = _twins(near, sum(_digest(image) in known for image in images), radius)
    return Duplicates(
        radius=radius,
        twins=twins,
        planted=_planted(to_bits, codes, train.images, radius, rng),
        random_near=float((fresh <= radius).mean()),
        n_random=len(fresh),
        pairs=np.stack([np.asarray(train.images[side]) for side in _alike(bits, rows, radius)]),
    )


def _twins(bits: np.ndarray, same_bytes: int, radius: int) -> Twins:
    """Count twins by the (N,) differing bits of each image and its nearest train image."""
    return Twins(len(bits), same_bytes, int((bits == 0).sum()), int((bits <= radius).sum()))


def _random_pairs(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the differing bits of random pairs of different train images."""
    i, j = rng.integers(0, len(codes), (2, PAIRS))
    return _differing(codes[i[i != j]], codes[j[i != j]])


def _differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.bitwise_count(a ^ b).sum(axis=1, dtype=np.int64)


def _others(index: Any, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (N,) differing bits and (N,) row of the most alike other train image."""
    bits, rows = index.search(codes, 2)
    each = np.arange(len(codes))
    other = (rows[:, 0] == each).astype(np.int64)
    return bits[each, other], rows[each, other]


def _digest(image: np.ndarray) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _alike(bits: np.ndarray, rows: np.ndarray, radius: int) -> np.ndarray:
    """Return (2, P) rows of the most alike pairs, each pair once."""
    pairs: set[tuple[int, int]] = set()
    for i in np.argsort(bits, kind="stable"):
        if bits[i] > radius or len(pairs) == SHOWN:
            break
        pairs.add((min(i, rows[i]), max(i, rows[i])))
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2).T


def _planted(
    to_bits: Hasher, codes: np.ndarray, images: np.ndarray, radius: int, rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    rows = np.sort(rng.permutation(len(images))[:PLANTED])
    plain = np.asarray(images[rows])
    ways = {
        "the same again": plain,
        "2% noise": noisy(plain, rng),
        f"JPEG at quality {QUALITY}": np.stack([_jpeg(image) for image in plain]),
    }
    found = {}
    for way, copies in ways.items():
        bits = _differing(to_bits(copies), codes[rows])
        found[way] = float((bits == 0).mean()), float((bits <= radius).mean())
    return found


def _jpeg(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(
        file, "JPEG", quality=QUALITY
    )
    return np.asarray(Image.open(file)).reshape(image.shape)
