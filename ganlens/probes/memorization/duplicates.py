"""Duplicates within the data and among the samples: equal bytes, equal and nearly equal hashes."""

from collections import Counter
from typing import Any

import faiss
import numpy as np

from ganlens.data import ImageSet
from ganlens.probes.memorization.controls import jpeg, noisy
from ganlens.probes.memorization.hashing import BITS, Hasher, hasher
from ganlens.stats.duplicates import image_digest

PLANTED = 200  # train images that are planted again
PAIRS = 200_000  # random pairs that set how far two hashes may differ
ALIKE = 1e-4  # share of the random pairs that are the most alike
QUALITY = 90  # of the planted JPEG copies
SHOWN = 8  # pairs kept as pictures


def find_duplicates(
    train: ImageSet, held_out: ImageSet, generated: np.ndarray, seed: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Count twins of every set among the train images; check that planted ones are found.

    The hash is learned from the train images; the generated ones are (N, H, W, C) uint8.

    Returns:
        JSON-able numbers: for "train", "held-out" and "generated" the images "n" and how many of
        them have a twin among the (other) train images, by "same_bytes", "same_hash" and
        "near_hash", which differs in at most "radius_bits" bits, half of the least number among
        random pairs of train images; the shares of planted copies that are found by either hash;
        and the share of other random pairs within the radius. And (2, P, H, W, C) uint8: the most
        alike pairs within train, up to 8.
    """
    to_bits = hasher(train.images, train.fingerprint, seed)
    rng = np.random.default_rng([seed, 4])
    codes = to_bits(train.images)
    # A few of so many random pairs are true twins where there are many: the least cannot decide.
    radius = int(np.quantile(_random_pairs(codes, rng), ALIKE, method="lower")) // 2
    fresh = _random_pairs(codes, rng)  # of those that set the radius none can be within it
    index = faiss.IndexBinaryFlat(BITS)
    index.add(codes)
    bits, rows = index.search(codes, 2)  # one of the two is the image itself
    each = np.arange(len(codes))
    other = (rows[:, 0] == each).astype(np.int64)
    bits, rows = bits[each, other], rows[each, other]
    known = Counter(map(image_digest, train.images))
    repeated = sum(count for count in known.values() if count > 1)
    twins = {"train": _twins(bits, repeated, radius)}
    for kind, images in (("held-out", held_out.images), ("generated", generated)):
        near = index.search(to_bits(images), 1)[0][:, 0]
        twins[kind] = _twins(near, sum(image_digest(image) in known for image in images), radius)
    planted = _planted(to_bits, codes, train.images, rng)
    numbers = {
        "hash": f"{BITS} bits of a de-noising ReLU autoencoder on 32x32",
        "radius_bits": radius,
        **twins,
        "planted_found_by_equal_hash": {k: (bits == 0).mean() for k, bits in planted.items()},
        "planted_found_within_radius": {k: (bits <= radius).mean() for k, bits in planted.items()},
        "random_pairs_within_radius": (fresh <= radius).mean(),
        "n_random_pairs": len(fresh),
    }
    return numbers, np.stack([np.asarray(train.images[r]) for r in _alike(bits, rows, radius)])


def _twins(bits: np.ndarray, same_bytes: int, radius: int) -> dict[str, int]:
    """Count twins by the (N,) differing bits of each image and its nearest train image."""
    same, near = int((bits == 0).sum()), int((bits <= radius).sum())
    return {"n": len(bits), "same_bytes": same_bytes, "same_hash": same, "near_hash": near}


def _random_pairs(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the differing bits of random pairs of different train images."""
    i, j = rng.integers(0, len(codes), (2, PAIRS))
    return _differing(codes[i[i != j]], codes[j[i != j]])


def _differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.bitwise_count(a ^ b).sum(axis=1, dtype=np.int64)


def _alike(bits: np.ndarray, rows: np.ndarray, radius: int) -> np.ndarray:
    """Return (2, P) rows of the most alike pairs, each pair once."""
    pairs: set[tuple[int, int]] = set()
    for i in np.argsort(bits, kind="stable"):
        if bits[i] > radius or len(pairs) == SHOWN:
            break
        pairs.add((min(i, rows[i]), max(i, rows[i])))
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2).T


def _planted(
    to_bits: Hasher, codes: np.ndarray, images: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the (n,) bits in which planted copies differ from their originals, by kind of copy."""
    rows = np.sort(rng.permutation(len(images))[:PLANTED])
    plain = np.asarray(images[rows])
    copies = {
        "the same again": plain,
        "2% noise": noisy(plain, rng),
        f"JPEG at quality {QUALITY}": np.stack([jpeg(image, QUALITY) for image in plain]),
    }
    return {kind: _differing(to_bits(made), codes[rows]) for kind, made in copies.items()}
