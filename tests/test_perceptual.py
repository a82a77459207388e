"""Perceptual distance and path length: closed forms first."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlens.errors import GanlensError
from ganlens.interpolation import gaussian_slerp, lerp, slerp
from ganlens.models.prior import Prior
from ganlens.perceptual import mean_length, path_lengths, unit_channels


def maps(seed, count=3):
    stream = torch.Generator().manual_seed(seed)
    shapes = [(count, 4, 3, 3), (count, 7, 2, 2)]
    return [torch.randn(shape, generator=stream) for shape in shapes]


def test_the_distance_is_lpips_without_learned_weights():
    """Zhang 2018, equation 1 with all weights 1, written out."""
    found = torch.cdist(unit_channels(maps(0)), unit_channels(maps(0))).square()[0, 1]
    expected = 0.0
    for layer in maps(0):
        unit = layer / layer.norm(dim=1, keepdim=True)
        expected += float((unit[0] - unit[1]).square().sum(0).mean())
    assert float(found) == pytest.approx(expected, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.floats(0.01, 100))
def test_the_strength_of_a_layer_does_not_count(seed, factor):
    first, second = maps(seed)
    torch.testing.assert_close(
        unit_channels([first * factor, second]), unit_channels([first, second])
    )


def test_opposite_maps_are_two_apart_per_layer_and_dead_ones_are_finite():
    one = torch.randn(1, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    a, b = unit_channels([one]), unit_channels([-one])
    assert float((a - b).norm()) == pytest.approx(2)
    assert unit_channels([torch.zeros(2, 5, 4, 4)]).abs().max() == 0


def ways(kind="normal", count=20, dim=6):
    z = Prior(kind, dim).sample(range(2 * count)).double()
    t = torch.rand(count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return z[::2], z[1::2], t


def test_a_linear_generator_on_straight_lines_has_a_known_path_length():
    a, b, t = ways()
    matrix = torch.randn(9, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = path_lengths(a, b, t, route=lerp, embed=lambda z: z @ matrix.T)
    torch.testing.assert_close(found, ((b - a) @ matrix.T).square().sum(1), rtol=1e-5, atol=0)


def test_on_an_arc_of_equal_lengths_it_is_the_angle_squared():
    a, b, t = ways()
    a, b = (3 * z / z.norm(dim=1, keepdim=True) for z in (a, b))
    angles = ((a * b).sum(1) / 9).arccos()
    found = path_lengths(a, b, t, route=slerp, embed=lambda z: z)
    torch.testing.assert_close(found, (3 * angles).square(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("route", [lerp, slerp, gaussian_slerp])
def test_rotating_the_pictures_changes_nothing_and_doubling_them_quadruples(route):
    a, b, t = ways("uniform")
    turn, _ = torch.linalg.qr(
        torch.randn(6, 6, generator=torch.Generator().manual_seed(2)).double()
    )
    plain, turned, double = (
        path_lengths(a, b, t, route=route, embed=embed)
        for embed in (lambda z: z, lambda z: z @ turn, lambda z: 2 * z)
    )
    torch.testing.assert_close(turned, plain, rtol=1e-5, atol=0)
    torch.testing.assert_close(double, 4 * plain)


def test_rounding_to_bytes_would_swamp_the_step():
    """Why pictures stay floats: a step of 1e-4 is either nothing or a whole grey level."""
    a, b, t = ways(count=200)
    rounded = path_lengths(
        a, b, t, route=lerp, embed=lambda z: ((z / 4 + 1) * 127.5).round() / 127.5 - 1
    )
    exact = path_lengths(a, b, t, route=lerp, embed=lambda z: z / 4)
    assert float((rounded == 0).double().mean()) > 0.5
    assert float(rounded.max()) > 100 * float(exact.max())


def test_the_mean_leaves_out_the_outermost_percent():
    values = torch.arange(101, dtype=torch.float64)
    values[-1] = 1e9
    found = mean_length(values)
    kept = np.arange(1, 100)
    assert (found.n, found.kept) == (101, 99)
    assert found.mean == pytest.approx(kept.mean())
    assert found.error == pytest.approx(kept.std(ddof=1) / math.sqrt(99))


def test_bounds_are_measured_lengths_as_in_the_code_of_karras():
    values = torch.rand(137, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    low, high = (
        np.percentile(values, share, method=side) for share, side in ((1, "lower"), (99, "higher"))
    )
    kept = values[(values >= low) & (values <= high)]
    assert mean_length(values).mean == pytest.approx(float(kept.mean()))
    assert mean_length(torch.ones(50)).error == 0


def test_one_pair_is_not_enough():
    with pytest.raises(GanlensError, match="at least 2"):
        mean_length(torch.ones(1))
