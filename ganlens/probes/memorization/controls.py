"""Controls of the search: copies that must be caught, and a collapsed generator."""

import io

import numpy as np
from PIL import Image

NOISE = 0.02  # standard deviation of the noisy copies, in parts of the full brightness range
COPIES = 100  # at most so many train images are copied
MODES = 10  # train images that the collapsed control draws again and again

EXACT, NOISY = "exact copies", f"copies with {NOISE:.0%} noise"
SHIFTED, MIRRORED = "shifted copies", "mirrored copies"
COLLAPSED = f"{MODES} train images"
MUST = {EXACT: 0.99, NOISY: 0.99, SHIFTED: 0.95, MIRRORED: 0.95}  # share that must be flagged


def copies(train: np.ndarray, shifts: int, flips: bool, seed: int) -> dict[str, np.ndarray]:
    """Copy the same (N, H, W, C) uint8 train images in each way that the search covers.

    Returns:
        Name -> (n, H, W, C) uint8: exact and noisy copies, those moved by up to ``shifts`` pixels
        unless that is 0, and mirrored ones with ``flips``.
    """
    rng = np.random.default_rng([seed, 1])
    rows = rng.permutation(len(train))[:COPIES]
    plain = np.asarray(train[np.sort(rows)])
    found = {EXACT: plain, NOISY: noisy(plain, rng)}
    if shifts:
        found[SHIFTED] = shifted(plain, shifts, rng)
    if flips:
        found[MIRRORED] = plain[:, :, ::-1]
    return found


def noisy(images: np.ndarray, rng: np.random.Generator, deviation: float = NOISE) -> np.ndarray:
    """Add normal noise, in parts of the brightness range, to (N, H, W, C) uint8, clipped."""
    noise = rng.normal(0, 255 * deviation, images.shape)
    return np.clip(np.rint(images + noise), 0, 255).astype(np.uint8)


def shifted(images: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Move each of (N, H, W, C) by up to ``most`` pixels along both axes, not by none.

    The border's own colour moves in.
    """
    height, width = images.shape[1:3]
    room = [(0, 0), (most, most), (most, most), (0, 0)]
    padded = np.pad(images, room, mode="edge")
    side = 2 * most + 1
    moves = rng.integers(0, side * side - 1, len(images))
    moves += moves >= (side * side) // 2  # the one in the middle does not move
    corners = zip(moves // side, moves % side, strict=True)
    return np.stack(
        [im[y : y + height, x : x + width] for im, (y, x) in zip(padded, corners, strict=True)]
    )


def collapsed(train: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draw ``count`` times from 10 train images, with 2 % noise: a collapsed, copying generator."""
    rng = np.random.default_rng([seed, 2])
    modes = np.asarray(train[np.sort(rng.permutation(len(train))[:MODES])])
    return noisy(modes[rng.integers(0, len(modes), count)], rng)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Return an (H, W, C) uint8 image as it comes out of a JPEG file."""
    file = io.BytesIO()
    picture = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
    picture.save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).reshape(image.shape)
