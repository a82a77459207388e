"""Fourier images, the data's colours, random moves and gradient ascent."""

import math

import numpy as np
import pytest
import torch

from ganlens.errors import GanlensError
from ganlens.visualization import (
    Colours,
    Shake,
    affine,
    ascend,
    draw_noise,
    draw_spectrum,
    spectral_scale,
    to_pixels,
)
from ganlens.visualization.fourier import CONTRAST

PLAIN = Colours(torch.zeros(1), torch.eye(1))


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [8, 15, 32])
def test_an_image_is_real_and_has_the_stated_spectrum(size: int) -> None:
    spectrum = draw_spectrum((1, size, size), stream())[None]
    x = to_pixels(spectrum, size, PLAIN)
    assert x.shape == (1, 1, size, size)
    assert x.dtype == torch.float32
    back = torch.fft.rfft2(torch.atanh(x.double()), norm="ortho")
    stated = CONTRAST * torch.view_as_complex(spectrum) * spectral_scale(size, size)
    inner = slice(1, (size - 1) // 2 + 1)  # column 0 and that of Nyquist are Hermitian: see below
    torch.testing.assert_close(back[..., inner], stated[..., inner].to(back), rtol=1e-3, atol=1e-6)
    column = stated[..., 0].to(back)  # of a real image, c(-f) = conj c(f): the mean of both is kept
    mirrored = column.roll(-1, -1).flip(-1).conj()
    torch.testing.assert_close(back[..., 0], (column + mirrored) / 2, rtol=1e-3, atol=1e-6)


def test_one_coefficient_is_a_wave_of_known_height() -> None:
    spectrum = torch.zeros(1, 1, 16, 9, 2)
    spectrum[0, 0, 0, 2, 0] = 0.1  # two waves across 16 pixels: f = 1/8, weighted by 8
    x = torch.atanh(to_pixels(spectrum, 16, PLAIN)[0, 0])
    height = CONTRAST * 0.1 * 8 * 2 / 16  # a wave and its mirror, over the root of all pixels
    wave = height * torch.cos(2 * math.pi * 2 * torch.arange(16) / 16)
    torch.testing.assert_close(x, wave.expand(16, 16), rtol=1e-4, atol=1e-6)


def test_the_weights_fall_as_one_over_f_and_the_mean_has_that_of_the_lowest() -> None:
    scale = spectral_scale(32, 32)
    assert scale.shape == (32, 17)
    assert scale[0, 0] == scale[0, 1] == 32
    assert scale[0, 4] == pytest.approx(8)
    assert scale[3, 4] == pytest.approx(32 / 5)
    assert scale[-3, 4] == pytest.approx(32 / 5)


@pytest.mark.parametrize("channels", [1, 3])
def test_uncorrelated_noise_gets_the_covariance_of_the_data(channels: int) -> None:
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(channels, channels)) * 0.3
    pixels = (rng.normal(size=(4000, channels)) @ mix.T + 0.1).clip(-1, 1)
    x = torch.tensor(pixels.reshape(10, 20, 20, channels), dtype=torch.float32).permute(0, 3, 1, 2)
    colours = Colours.of(x.split(3))
    wanted = torch.tensor(np.cov(pixels.T, bias=True).reshape(channels, channels))
    torch.testing.assert_close(
        (colours.root @ colours.root.T).double(), wanted, rtol=1e-3, atol=1e-6
    )
    torch.testing.assert_close(
        colours.mean.double(), torch.tensor(pixels.mean(0)), atol=1e-5, rtol=0
    )
    white = torch.randn(1, channels, 300, 300, generator=stream())
    found = torch.cov(colours.correlate(white)[0].flatten(1)).reshape(channels, channels)
    torch.testing.assert_close(found.double(), wanted, rtol=0.05, atol=2e-3)


def test_an_even_spectrum_is_the_mean_colour_and_every_pixel_stays_in_range() -> None:
    colours = Colours(torch.tensor([0.5, -0.25, 1.0]), torch.eye(3))
    x = to_pixels(torch.zeros(1, 3, 8, 5, 2), 8, colours)
    torch.testing.assert_close(x[0, :2, 0, 0], torch.tensor([0.5, -0.25]))
    assert x[0, 2].min() > 0.98
    loud = to_pixels(100 * draw_spectrum((3, 8, 8), stream())[None], 8, colours)
    assert loud.abs().max() <= 1
    assert loud.isfinite().all()


def test_colours_of_one_colour_are_still_defined() -> None:
    colours = Colours.of([torch.ones(2, 3, 4, 4)])
    assert colours.root.isfinite().all()
    with pytest.raises(GanlensError, match="colours of 0 images"):
        Colours.of([])


def test_noise_has_contrast_and_is_repeatable() -> None:
    colours = Colours(torch.zeros(3), 0.3 * torch.eye(3))
    one, two = (draw_noise(40, (3, 16, 16), colours, stream(3)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.atanh().square().mean().sqrt() == pytest.approx(0.3, rel=1e-3)


def test_a_shake_of_nothing_moves_nothing_and_a_jitter_moves_whole_pixels() -> None:
    x = torch.rand(2, 3, 16, 16, generator=stream())
    still = Shake(0, 0.0, 0.0)
    torch.testing.assert_close(affine(x, still.draw(16, stream())), x, rtol=0, atol=1e-5)
    jitter = Shake(2, 0.0, 0.0)
    seen = set()
    for seed in range(40):
        moved = affine(x, jitter.draw(16, stream(seed)))
        shifts = [(a, b) for a in range(-2, 3) for b in range(-2, 3)]
        middle = slice(4, 12)
        hits = [
            s for s in shifts
            if torch.allclose(moved[..., middle, middle],
                              x.roll(s, (2, 3))[..., middle, middle], atol=1e-4)
        ]  # fmt: skip
        assert len(hits) == 1
        seen.add(hits[0])
    assert len(seen) > 10


def test_a_turn_and_a_zoom_stay_within_their_limits() -> None:
    shake = Shake(0, 0.05, 5.0)
    drawn = torch.stack([shake.draw(32, stream(seed)) for seed in range(200)])
    scales = 1 / torch.linalg.det(drawn[:, :, :2]).sqrt()
    angles = torch.rad2deg(torch.atan2(drawn[:, 1, 0], drawn[:, 0, 0]))
    assert 0.95 <= scales.min() < 0.96 < 1.04 < scales.max() <= 1.05
    assert -5 <= angles.min() < -4.5 < 4.5 < angles.max() <= 5
    for wrong in ({"jitter": -1}, {"zoom": 1.0}, {"degrees": 200.0}):
        with pytest.raises(GanlensError, match="out of range"):
            Shake(**wrong)


def climbed(objective, steps: int) -> torch.Tensor:
    return list(ascend(objective, 2, (1, 16, 16), PLAIN, steps))[-1].images


def test_ascent_on_a_linear_unit_ends_at_its_filter() -> None:
    """w.x - |x|^2 / 2 is highest at x = w, for any filter within the range of the pixels."""
    filters = 0.8 * torch.rand(2, 1, 16, 16, generator=stream()) - 0.4
    images = climbed(lambda x: (x * filters - x.square() / 2).sum((1, 2, 3)), 150)
    for made, wanted in zip(images, filters, strict=True):
        together = torch.stack([made.flatten(), wanted.flatten()])
        assert torch.corrcoef(together)[0, 1] > 0.99


def test_without_a_bound_of_its_own_a_linear_unit_drives_the_pixels_to_their_ends() -> None:
    places = torch.arange(16)
    halves = (places[:, None] + 3 > places) * 2.0 - 1
    blocks = ((places[:, None] // 8 + places // 8) % 2) * 2.0 - 1
    filters = torch.stack([halves, blocks])[:, None]
    images = climbed(lambda x: (x * filters).sum((1, 2, 3)), 100)
    assert ((images * filters).mean((1, 2, 3)) > 0.85).all()  # of the most that pixels can reach


def test_ascent_is_repeatable_and_its_images_do_not_know_each_other() -> None:
    weights = torch.randn(3, 1, 8, 8, generator=stream())

    def run(which: list[int], seed: int) -> torch.Tensor:
        chosen = weights[which]
        steps = ascend(lambda x: (x * chosen).sum((1, 2, 3)), len(which), (1, 8, 8), PLAIN, 20,
                       Shake(1), seed)  # fmt: skip
        return list(steps)[-1].images

    both = run([0, 1, 2], 5)
    assert torch.equal(both, run([0, 1, 2], 5))
    torch.testing.assert_close(both[1:2], run([1], 5), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(both, run([0, 1, 2], 6), atol=1e-3)


def test_what_no_pixel_moves_is_refused() -> None:
    with pytest.raises(GanlensError, match="no pixel changes"):
        next(ascend(lambda x: torch.zeros(1), 1, (1, 8, 8), PLAIN, 2))
    with pytest.raises(GanlensError, match="steps 0"):
        next(ascend(lambda x: x.sum((1, 2, 3)), 1, (1, 8, 8), PLAIN, 0))
    with pytest.raises(GanlensError, match="no frequencies"):
        draw_spectrum((1, 1, 8), stream())
