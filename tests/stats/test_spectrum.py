"""Spectra and Nyquist excesses: closed forms, scipy's window, uniform p-values under the null."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats

from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.stats.excess import (
    Excess,
    excess,
    excess_over,
    excess_removed,
    holm,
    local_power,
    nyquist_points,
)
from ganlens.stats.spectrum import (
    PAD,
    amplitude,
    kaiser_window,
    power_at,
    power_spectrum,
    whitening,
)


def noise(n: int, side: int = 32, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, channels, side, side))


@pytest.mark.parametrize("side", [8, 31, 32])
def test_the_window_is_scipys_with_unit_energy(side):
    window = signal.get_window(("kaiser", 8.0), side, fftbins=False)
    np.testing.assert_allclose(kaiser_window(side), window / np.linalg.norm(window), rtol=1e-12)


def test_parseval():
    """The mean power over all frequencies is the energy of the windowed image."""
    images = noise(3, channels=2)
    window = kaiser_window(32)
    energy = np.square(images * (window[:, None] * window)).sum((2, 3)).mean()
    assert power_spectrum(images).power.mean() == pytest.approx(energy, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 60), st.integers(4, 60))
def test_a_sinusoid_lands_at_its_frequency_with_its_power(a, b):
    """a cos(2 pi f x) has power (a / 2)^2 (sum of the window)^4 at f."""
    y, x = np.mgrid[:32, :32]
    wave = 3 * np.cos(2 * np.pi * (a * y + b * x) / 128)
    power = power_spectrum(wave[None, None]).power
    row, column = np.unravel_index(power.argmax(), power.shape)
    assert (abs(row - 64), abs(column - 64)) == (a, b)
    expected = (3 / 2) ** 2 * kaiser_window(32).sum() ** 4
    # At the lowest and highest frequencies the mirror image at -f lies within the window's lobe.
    near = 12 <= a <= 52 or 12 <= b <= 52
    assert power.max() == pytest.approx(expected, rel=1e-3 if near else 1)


def test_white_noise_is_flat_at_0_db():
    found = power_spectrum(noise(400))
    mean, error = found.average()
    assert found.power.mean() == pytest.approx(1, abs=0.01)
    assert (np.abs(mean) < 4 * error + 0.02).all()
    assert found.radii[16] == pytest.approx(0.5)


def test_power_at_single_frequencies_is_the_fft():
    images = noise(4, side=16, channels=3)
    spectrum = power_spectrum(images).power
    places = np.array([(0, 0), (0.5, 0.25), (3 / 64, -5 / 64), (-0.5, 0.5)])
    found = power_at(images, places).mean(0)
    rows = np.rint(places * 16 * PAD).astype(int) + 32
    expected = [spectrum[row % 64, column % 64] for row, column in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_azimuthal_average_of_an_isotropic_spectrum_is_its_profile():
    """Noise filtered by a Gaussian of distance only: each ring has the filter's power there."""
    frequencies = np.fft.fftfreq(32)
    distance = np.hypot(frequencies[:, None], frequencies)
    gain = np.exp(-((distance / 0.6) ** 2))  # so wide that the window hardly blurs it
    images = np.fft.ifft2(np.fft.fft2(noise(300)) * gain).real
    found = power_spectrum(images)
    inside = (found.radii > 0.05) & (found.radii < 0.5)
    expected = np.exp(-2 * (found.radii / 0.6) ** 2)
    np.testing.assert_allclose(found.rings.mean(0)[inside], expected[inside], rtol=0.12)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_planted_checkerboard_is_measured_right(period):
    """Noise of variance 1 plus a cos(2 pi x / p) cos(2 pi y / p): power 1 + its own, at (1/p, 1/p).

    Only the diagonal points have it: one at period 2, beyond it two with a quarter of it each.
    """
    y, x = np.mgrid[:32, :32]
    a = 0.5
    pattern = a * np.cos(2 * np.pi * x / period) * np.cos(2 * np.pi * y / period)
    alone = local_power(pattern[None, None], period, 8)[0]
    level = 1 if period == 2 else 1 / 4
    diagonal = alone[2:, 0]
    np.testing.assert_allclose(diagonal, (level * a) ** 2 * kaiser_window(32).sum() ** 4, rtol=0.01)
    found = excess(local_power(noise(2000) + pattern, period, 8))
    assert found.value == pytest.approx(expected(alone), abs=4 * found.error)
    assert found.error < 0.15


def expected(pattern: np.ndarray) -> float:
    """The excess of (K, 9) powers of a pattern in white noise of variance 1: powers add up."""
    level = 10 * np.log10(1 + pattern)
    return float((level[:, 0] - level[:, 1:].mean(1)).mean())


@pytest.mark.parametrize("period", [2, 4, 8])
def test_the_amplitude_of_a_wave_is_found_from_its_power(period):
    y, x = np.mgrid[:32, :32]
    pattern = 0.3 * np.cos(2 * np.pi * (x + y) / period)
    power = power_at(pattern[None, None], np.array([(1, 1)]) / period)[0, 0]
    assert amplitude(power, 32, period) == pytest.approx(0.3, rel=1e-4)
    assert amplitude(-1.0, 32, period) == 0


def test_the_points_of_a_period():
    assert len(nyquist_points(2)) == 3
    assert {tuple(p) for p in nyquist_points(4)} == {
        (0.25, 0),
        (0, 0.25),
        (0.25, 0.25),
        (0.25, -0.25),
    }


def test_p_values_of_real_against_real_are_uniform():
    """On 40 random splits of held-out faces at three periods, which are pixel art on a grid."""
    part = open_data("pixelfaces", split="test")
    images = part.batch(slice(0, 1600)).numpy().mean(1, keepdims=True)
    for period in (2, 4, 8):
        power = local_power(images, period, 8)
        rng, p_values = np.random.default_rng(period), []
        for _ in range(40):
            rows = rng.permutation(len(power))
            p_values.append(excess_over(power[rows[:800]], power[rows[800:]]).p_above())
        assert stats.kstest(p_values, "uniform").pvalue > 0.01
        assert np.mean(np.array(p_values) < 0.05) <= 0.15


def test_intervals_hold_the_true_excess():
    pattern = np.tile(0.6 * (-1.0) ** np.arange(16), (16, 1))
    truth = expected(local_power(pattern[None, None], 2, 4)[0])
    held = 0
    for seed in range(100):
        low, high = excess(local_power(noise(100, 16, seed=seed) + pattern, 2, 4)).interval
        held += low < truth < high
    assert 88 <= held <= 100


def test_what_stands_out_in_both_sets_cancels():
    grid = 0.5 * (-1.0) ** np.arange(32)
    a, b = noise(300) + grid, noise(300, seed=1) + grid
    found = excess_over(local_power(a, 2, 8), local_power(b, 2, 8))
    assert excess(local_power(a, 2, 8)).p_above(1) < 1e-6
    assert abs(found.value) < 3 * found.error


def test_a_change_of_the_same_images_has_a_narrow_interval():
    grid = (-1.0) ** np.arange(32)
    before, after = (local_power(noise(200) + a * grid, 2, 8) for a in (0.3, 0))
    paired = excess_removed(before, after)
    assert paired.value == pytest.approx(excess(before).value - excess(after).value)
    assert paired.error < np.hypot(excess(before).error, excess(after).error)
    assert excess_removed(before, before) == Excess(0.0, 0.0)


def test_p_values_of_what_does_not_vary_and_holm():
    assert Excess(2.0, 0.0).p_above(1) == 0
    assert Excess(0.0, 0.0).p_above() == 1
    assert Excess(1.0, 0.5).p_above(1) == pytest.approx(0.5)
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_images_without_a_spectrum_are_refused():
    with pytest.raises(GanlensError, match="one value only"):
        whitening(np.zeros((2, 1, 8, 8)))
    with pytest.raises(GanlensError, match="give"):
        power_spectrum(np.zeros((2, 1, 8, 9)))
