"""A few copies among many samples: distances on each image's own scale, and their lowest values."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ganlens.probes.memorization.comparison import GENERATED, HELD_OUT
from ganlens.probes.memorization.controls import NOISE, jpeg, noisy, shifted
from ganlens.probes.memorization.search import CHUNK, pixel_neighbors
from ganlens.stats.duplicates import image_digest
from ganlens.stats.enrichment import enrichment, fewest_found

PLANTED = 0.01  # share of the samples that is replaced by copies, in the controls
NULLS = 20  # held-out images per sample at most: more hardly sharpen the test, and cost time
FREQUENCIES = 5  # per axis, for the order of candidates
CONTRAST, LEAST = 48, 4  # brightness levels per standard deviation; of it, what flat images have
SMOOTH = 3  # side of the squares that noise is averaged over
INSIDE = 4  # pixels a side that the smaller, averaged images must at least be compared on
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
QUALITY, DARKER, NOISIER = 50, 0.9, 0.05  # of the copies in the controls


@dataclass(frozen=True)
class FewCopies:
    """The test for a few copies.

    Attributes:
        p: of the samples; see ``ganlens.stats.enrichment``.
        relative: (S, N) calibrated distance of each sample to the train images, 0 for a copy: as
            they are, and averaged over 3x3 pixels where they are large enough.
        null: (S, M) the same for held-out images.
        planted: kind of copies -> p when so many samples are replaced by such copies.
        n_planted: how many that are.
        flips: whether mirrored copies were looked for.
        mirrored: share of train images whose mirror image is a train image, byte for byte.
    """

    p: float
    relative: np.ndarray
    null: np.ndarray
    planted: Mapping[str, float]
    n_planted: int
    flips: bool
    mirrored: float

    @property
    def nearer(self) -> np.ndarray:
        """(k,) samples that are nearer than every held-out image, the nearest first."""
        lowest = (self.relative / np.maximum(self.null.min(1, keepdims=True), 1e-12)).min(0)
        order = np.argsort(lowest, kind="stable")
        return order[lowest[order] < 1]

    @property
    def fewest(self) -> int:
        """Samples that must be nearer than every held-out image for p to reach 0.01."""
        return fewest_found(self.relative.shape[1], self.null.shape[1], 0.01)


def find_few(
    train: np.ndarray, generated: np.ndarray, held_out: np.ndarray, shifts: int, seed: int
) -> FewCopies:
    """Test whether a few of the samples copy train images, moved or mirrored ones too.

    Images are compared as `essence` has them, so that copies that are darker, or went through
    JPEG, stay near; and once more averaged over 3x3 pixels, where noise fades and one image remains
    another. (Of 5 % noise on CIFAR-10 the test found 35 of 40 sets without that, all with it.) The
    distance to the nearest train image over half the mean distance to the 50
    nearest (Carlini 2023) is small where one train image is singled out, whatever the image's
    contrast. Mirrored copies are looked for unless the data are mirrored by nature: then each has
    a train image that it equals.

    Args:
        train: (T, H, W, C) uint8.
        generated: (N, H, W, C) uint8.
        held_out: (M, H, W, C) uint8.
        shifts: pixels in each direction.
        seed: of the planted copies and of the permutations.
    """
    mirrored = mirror_twins(train)
    flips = mirrored < 0.5
    count = max(1, round(PLANTED * len(generated)))
    made = planted(train, count, shifts, flips, seed)
    sets = {GENERATED: generated, HELD_OUT: held_out, **made}
    large = min(train.shape[1:3]) - (SMOOTH - 1) - 2 * shifts >= INSIDE
    views = [_relative(sets, train, side, shifts, flips) for side in (1, SMOOTH)[: 1 + large]]
    near = {kind: np.stack([view[kind] for view in views]) for kind in sets}
    ours, null = near[GENERATED], near[HELD_OUT]
    # The least suspicious make room for copies.
    honest = ours[:, np.argsort(ours.min(0), kind="stable")[: len(generated) - count]]
    return FewCopies(
        p=enrichment(ours, null, seed=seed).p,
        relative=ours,
        null=null,
        planted={
            kind: enrichment(np.concatenate([near[kind], honest], 1), null, seed=seed).p
            for kind in made
        },
        n_planted=count,
        flips=flips,
        mirrored=mirrored,
    )


def _relative(
    sets: Mapping[str, np.ndarray], train: np.ndarray, side: int, shifts: int, flips: bool
) -> dict[str, np.ndarray]:
    """Return the calibrated distance of each image of some sets to the train images."""
    queries = np.concatenate([essence(one, side) for one in sets.values()])
    found = pixel_neighbors(queries, essence(train, side), shifts, flips, FREQUENCIES)
    parts = found.split({kind: len(one) for kind, one in sets.items()})
    return {kind: part.calibrated for kind, part in parts.items()}


def essence(images: np.ndarray, side: int = 1) -> np.ndarray:
    """Return what (N, H, W, C) uint8 images show, whatever their brightness and contrast: uint8.

    The colour, as the difference from the luma, is averaged over 3x3 pixels, since JPEG keeps it
    at half the resolution; then the mean is taken off and the deviation made the same.

    Args:
        images: see above.
        side: of squares that every pixel is averaged over first, odd; the images shrink by one
            less, so that what moved in at a border of a shifted image stays there.
    """
    from scipy.ndimage import uniform_filter

    edge = side // 2
    inside = slice(edge, images.shape[1] - edge), slice(edge, images.shape[2] - edge)
    found = np.empty(images[:, *inside].shape, np.uint8)
    for start in range(0, len(images), CHUNK):
        x = np.asarray(images[start : start + CHUNK]).astype(np.float32)
        if x.shape[-1] == 3:
            luma = (x @ LUMA)[..., None]
            x = luma + uniform_filter(x - luma, (0, 3, 3, 0), mode="nearest")
        if side > 1:
            x = uniform_filter(x, (0, side, side, 0))[:, *inside]
        mean, deviation = (f(x, axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.std))
        scaled = 128 + CONTRAST * (x - mean) / np.maximum(deviation, LEAST)
        found[start : start + CHUNK] = np.clip(np.rint(scaled), 0, 255)
    return found


def mirror_twins(train: np.ndarray) -> float:
    """Return the share of train images whose mirror image is a train image, byte for byte.

    It is 1 for symmetric pictures, and for data to which every mirror image was added.
    """
    known = {image_digest(image) for image in train}
    return float(np.mean([image_digest(image[:, ::-1]) in known for image in train]))


def planted(
    train: np.ndarray, count: int, shifts: int, flips: bool, seed: int
) -> dict[str, np.ndarray]:
    """Copy ``count`` train images in each way that the test is made for.

    Args:
        train: (N, H, W, C) uint8.
        count: copies of each kind; of fewer train images some are copied twice.
        shifts: the farthest shift, 0 for no moved copies.
        flips: add mirrored copies.
        seed: of the draws.

    Returns:
        Name -> (count, H, W, C) uint8.
    """
    rng = np.random.default_rng([seed, 5])
    rows = np.resize(rng.permutation(len(train)), count)
    plain = np.stack([np.asarray(train[row]) for row in rows])
    found = {
        "exact": plain,
        f"{NOISE:.0%} noise": noisy(plain, rng),
        f"{NOISIER:.0%} noise": noisy(plain, rng, NOISIER),
        f"JPEG at quality {QUALITY}": np.stack([jpeg(image, QUALITY) for image in plain]),
        f"{1 - DARKER:.0%} darker": np.rint(plain * DARKER).astype(np.uint8),
    }
    if shifts:
        found[f"moved by up to {shifts} pixels"] = shifted(plain, shifts, rng)
    if flips:
        found["mirrored"] = np.ascontiguousarray(plain[:, :, ::-1])
    return found
