"""Lines, arcs and walks between latents: closed forms and properties."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlens.errors import GanlensError
from ganlens.interpolation import gaussian_slerp, lerp, plane, resolve_mode, slerp, walk
from ganlens.models.prior import Prior

T = torch.linspace(0, 1, 5)


@pytest.mark.parametrize("path", [lerp, slerp, gaussian_slerp])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), dim=st.integers(2, 50))
def test_every_path_starts_and_ends_at_its_corners(path, seed, dim):
    a, b = Prior("uniform", dim).sample([seed, seed + 1])
    points = path(a, b, T)
    torch.testing.assert_close(points[0], a, atol=1e-5, rtol=0)
    torch.testing.assert_close(points[-1], b, atol=1e-5, rtol=0)


def test_slerp_on_a_quarter_circle_is_known():
    points = slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0]), T)
    turns = T * math.pi / 2
    expected = torch.stack([turns.cos(), turns.sin()], 1) * (1 + 2 * T)[:, None]
    torch.testing.assert_close(points, expected)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_slerp_moves_norms_linearly_and_turns_evenly(seed):
    a, b = Prior("normal", 20).sample([seed, seed + 1])
    points = slerp(a, b, T)
    torch.testing.assert_close(points.norm(dim=1), a.norm() + T * (b.norm() - a.norm()))
    unit = points / points.norm(dim=1, keepdim=True)
    turns = (unit[1:] * unit[:-1]).sum(1).clamp(-1, 1).arccos()
    torch.testing.assert_close(turns, turns.mean().expand(4), atol=2e-3, rtol=0)


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.0])
def test_slerp_without_a_single_arc_falls_back_to_the_line(factor):
    a = torch.tensor([1.0, 2.0])
    assert torch.equal(slerp(a, factor * a, T), lerp(a, factor * a, T))


def test_norms_halfway_are_those_of_the_methods_table():
    """METHODS.md, section 2: lerp midpoints have norm 7.04 (normal) and 4.07 (uniform), d = 100."""
    half = torch.tensor([0.5])
    for kind, expected in {"normal": 7.04, "uniform": 4.07}.items():
        z = Prior(kind, 100).sample(range(2000))
        middle = torch.cat([lerp(a, b, half) for a, b in zip(z[::2], z[1::2], strict=True)])
        assert middle.norm(dim=1).mean() == pytest.approx(expected, abs=0.05)


def test_the_gaussian_route_keeps_a_uniform_prior_uniform():
    z, half = Prior("uniform", 100).sample(range(400)), torch.tensor([0.5])
    pairs = list(zip(z[::2], z[1::2], strict=True))
    middle = torch.cat([gaussian_slerp(a, b, half) for a, b in pairs])
    assert middle.abs().max() <= 1
    assert middle.std() == pytest.approx(3**-0.5, abs=0.01)
    assert torch.cat([lerp(a, b, half) for a, b in pairs]).std() < 0.45


def test_a_walk_visits_every_corner_and_repeats_the_inner_ones():
    corners = Prior("normal", 6).sample(range(3))
    path = walk(corners, 4, "lerp")
    assert path.shape == (8, 6)
    torch.testing.assert_close(path[[0, 3, 4, 7]], corners[[0, 1, 1, 2]])


@pytest.mark.parametrize(
    ("mode", "kind", "resolved"),
    [
        ("auto", "normal", "slerp"),
        ("auto", "uniform", "gaussian"),
        ("lerp", "normal", "lerp"),
        ("gaussian", "uniform", "gaussian"),
    ],
)
def test_auto_suits_the_prior(mode, kind, resolved):
    assert resolve_mode(mode, kind) == resolved


def test_modes_that_do_not_exist_or_do_not_fit():
    with pytest.raises(GanlensError, match="'cubic' is not known: choose from auto, lerp"):
        resolve_mode("cubic", "normal")
    with pytest.raises(GanlensError, match="uniform prior"):
        resolve_mode("gaussian", "normal")


def test_auto_keeps_the_length_and_the_range_of_either_prior():
    """Why auto is what it is: the other modes leave the prior's mass, as the docstring says."""
    half = torch.tensor([0.5], dtype=torch.float64)
    for kind in ("normal", "uniform"):
        z = Prior(kind, 100).sample(range(2000)).double()
        pairs = list(zip(z[::2], z[1::2], strict=True))
        path = {"slerp": slerp, "gaussian": gaussian_slerp}[resolve_mode("auto", kind)]
        middle = torch.cat([path(a, b, half) for a, b in pairs])
        assert middle.norm(dim=1).mean() == pytest.approx(float(z.norm(dim=1).mean()), rel=0.01)
        assert middle.std() == pytest.approx(Prior(kind, 1).std, rel=0.01)
    outside = torch.cat([slerp(a, b, half) for a, b in pairs]).abs() > 1
    assert float(outside.double().mean()) == pytest.approx((2 - 2**0.5) ** 2 / 4, abs=0.005)
    assert middle.abs().max() <= 1


def test_a_walk_without_doubled_corners_is_the_same_walk():
    corners = Prior("normal", 6).sample(range(4))
    twice, once = (walk(corners, 5, "slerp", doubled=doubled) for doubled in (True, False))
    kept = [i for i in range(len(twice)) if i % 5 or i == 0]
    assert torch.equal(once, twice[kept])
    assert len(once) == 3 * 4 + 1


def test_a_plane_by_lerp_is_bilinear():
    corners = Prior("normal", 6).sample(range(4))
    grid = plane(corners, 3, 5, "lerp").view(3, 5, 6)
    s, t = torch.linspace(0, 1, 3)[:, None, None], torch.linspace(0, 1, 5)[:, None]
    a, b, c, d = corners
    expected = (1 - s) * ((1 - t) * a + t * b) + s * ((1 - t) * c + t * d)
    torch.testing.assert_close(grid, expected)


@pytest.mark.parametrize("mode", ["lerp", "slerp", "gaussian"])
def test_the_edges_of_a_plane_are_walks_between_its_corners(mode):
    corners = Prior("uniform", 6).sample(range(4))
    grid = plane(corners, 4, 5, mode).view(4, 5, 6)
    torch.testing.assert_close(grid[[0, 0, -1, -1], [0, -1, 0, -1]], corners, atol=1e-5, rtol=0)
    for edge, (i, j) in {(0, 5): (0, 1), (-1, 5): (2, 3)}.items():
        way = walk(corners[[i, j]], edge[1], mode)
        torch.testing.assert_close(grid[edge[0]], way, atol=1e-5, rtol=0)
    for column, (i, j) in {0: (0, 2), -1: (1, 3)}.items():
        torch.testing.assert_close(
            grid[:, column], walk(corners[[i, j]], 4, mode), atol=1e-5, rtol=0
        )


def test_the_middle_of_a_plane_has_the_norm_of_the_methods_table():
    """METHODS.md, section 2, 4-point centre: 4.98 (normal) and 2.88 (uniform) by lerp, d = 100."""
    for kind, expected in {"normal": 4.98, "uniform": 2.88}.items():
        z = Prior(kind, 100).sample(range(800)).view(-1, 4, 100)
        full = float(z.norm(dim=2).mean())
        for mode, norm in {"lerp": expected, resolve_mode("auto", kind): full}.items():
            middles = torch.stack([plane(one, 3, 3, mode)[4] for one in z])
            assert middles.norm(dim=1).mean() == pytest.approx(norm, rel=0.02)
