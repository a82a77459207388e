"""Power spectra of images: windowed, averaged over images, and over directions.

As in StyleGAN3's ``avg_spectra.py`` (Karras 2021): values are whitened with the mean and standard
deviation of the *real* images, multiplied by a Kaiser window of beta 8, zero-padded fourfold, and
|FFT|^2 is averaged over images and channels. The window has unit energy, so white noise of variance
1 has power 1, 0 dB, at every frequency.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from ganlens.errors import GanlensError

BETA = 8.0  # side lobes lie 58 dB down: the strong low frequencies do not leak into the high ones
PAD = 4
FLOOR = 1e-10  # power below -100 dB is rounding of float32 pixels
CHUNK = 64  # images transformed at a time: the memory does not grow with their number


@dataclass(frozen=True)
class Spectrum:
    """Power spectrum of a set of images.

    Attributes:
        power: (M, M) mean |FFT|^2 over images and channels, frequency 0 at [M // 2, M // 2], in
            steps of 1 / M cycles per pixel.
        radii: (B,) cycles per pixel: the rings of ``rings``; beyond 0.5 only corners are left.
        rings: (N, B) azimuthal average of each image: mean power of the frequencies in a ring.
    """

    power: np.ndarray
    radii: np.ndarray
    rings: np.ndarray

    def average(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the (B,) azimuthal averages over all images in dB, and their standard errors."""
        mean = np.maximum(self.rings.mean(0), FLOOR)
        spread = self.rings.std(0, ddof=1) / np.sqrt(len(self.rings))
        return decibels(mean), 10 / np.log(10) * spread / mean


def decibels(power: np.ndarray) -> np.ndarray:
    """Return 10 log10(power), no lower than the -100 dB at which rounding begins."""
    return 10 * np.log10(np.maximum(power, FLOOR))


def kaiser_window(side: int, beta: float = BETA) -> np.ndarray:
    """Return the (side,) symmetric Kaiser window, scaled so that its squares sum to 1.

    Raises:
        GanlensError: a side below 1, or a beta below 0.
    """
    if side < 1 or not 0 <= beta < np.inf:
        raise GanlensError(
            f"a window of side {side} and beta {beta:g}: give at least 1, at least 0"
        )
    window = np.kaiser(side, beta)
    return window / np.sqrt(np.square(window).sum())


def whitening(images: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of all values: of real images, to whiten both sides by.

    Raises:
        GanlensError: no images, or all values are equal.
    """
    if images.size == 0:
        raise GanlensError("0 images have no mean to whiten by: give at least 1")
    mean, std = float(images.mean(dtype=np.float64)), float(images.std(dtype=np.float64))
    if not std > 0:
        raise GanlensError(
            "the images hold one value only, so that their spectrum is undefined: take others"
        )
    return mean, std


def power_spectrum(images: np.ndarray) -> Spectrum:
    """Compute the spectrum of whitened (N, C, S, S) images.

    Raises:
        GanlensError: no images, or not square.
    """
    side = _side(images)
    size = PAD * side
    window = kaiser_window(side)
    ring = _ring_of_each(size)
    counts = np.bincount(ring.ravel())
    total, rings = np.zeros((size, size)), []
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK] * (window[:, None] * window)
        found = np.square(np.abs(fft.fft2(part, (size, size)))).mean(1, dtype=np.float64)
        total += found.sum(0)
        rings += [np.bincount(ring.ravel(), one.ravel()) / counts for one in found]
    radii = np.arange(len(counts)) / side
    return Spectrum(fft.fftshift(total / len(images)), radii, np.array(rings))


def power_at(images: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Return the power of single images at single frequencies, windowed as in ``power_spectrum``.

    Args:
        images: (N, C, S, S), whitened.
        frequencies: (K, 2) vertical and horizontal, in cycles per pixel; any, not only multiples of
            1 / S.

    Returns:
        (N, K) float64, averaged over channels.
    """
    side = _side(images)
    window = kaiser_window(side)
    turns = np.exp(-2j * np.pi * np.asarray(frequencies)[..., None] * np.arange(side)) * window
    waves = (turns[:, 0, :, None] * turns[:, 1, None, :]).reshape(len(turns), -1).T
    flat = images.reshape(*images.shape[:2], -1)
    found = np.square(flat @ waves.real) + np.square(flat @ waves.imag)
    return found.mean(1)


def amplitude(power: float, side: int, period: int) -> float:
    """Return the amplitude a of the wave a cos(2 pi x / period) whose power there is ``power``.

    Its windowed transform is a (sum of the window)^2 at period 2, a (-1)^x; a slower wave has half
    of that at its frequency, and half at the negative one.

    Raises:
        GanlensError: a period below 2 pixels, which no picture shows.
    """
    check_period(period)
    share = 1 if period == 2 else 2
    return float(share * np.sqrt(max(power, 0.0)) / kaiser_window(side).sum() ** 2)


def check_period(period: int) -> None:
    """Raise a GanlensError for a period below 2 pixels, which no picture shows."""
    if period < 2:
        raise GanlensError(f"a period of {period} pixels: give at least 2, that of a checkerboard")


def _side(images: np.ndarray) -> int:
    if images.ndim != 4 or images.shape[2] != images.shape[3] or 0 in images.shape:
        raise GanlensError(f"images of shape {images.shape} have no spectrum: give (N, C, S, S)")
    return images.shape[2]


def _ring_of_each(size: int) -> np.ndarray:
    """Return the (size, size) numbers of the rings, one original frequency step wide."""
    steps = fft.fftfreq(size, 1 / size)
    return np.rint(np.hypot(steps[:, None], steps) / PAD).astype(np.int64)
