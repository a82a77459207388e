"""Influence, interval and extrapolation of the Fréchet distance, where the truth is known."""

import numpy as np
import pytest

from ganlens import stats
from ganlens.errors import GanlensError


def rng(seed):
    return np.random.default_rng(seed)


MIX = rng(1).normal(size=(6, 6))


def pair(n, m, seed):
    generator = rng([seed, n])
    a = generator.normal(size=(n, 6)) @ MIX
    return a, 1.4 * generator.normal(size=(m, 6)) @ MIX + 0.3


def population():
    cov = MIX.T @ MIX
    return stats.frechet_distance(np.zeros(6), cov, np.full(6, 0.3), 1.96 * cov)


def thin(n, m):
    """Fewer rows than columns, or columns that never vary: every form of the solve."""
    a, b = rng(2).normal(size=(n, 20)), rng(3).normal(0.2, 1.5, size=(m, 20))
    return a, b


def never_varies(n, m):
    a, b = thin(n, m)
    a[:, :3] = b[:, :3] = 0
    return a, b


SHAPES = {
    "both tall": thin(300, 200), "second thin": thin(300, 12), "first thin": thin(12, 300),
    "both thin": thin(12, 15), "singular": never_varies(300, 200),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_influence_is_the_derivative_by_every_row(shape):
    a, b = SHAPES[shape]
    value, of_a, of_b = stats.frechet_influence(a, b)
    assert value == pytest.approx(stats.frechet_distance_from_features(a, b), rel=1e-9)
    assert abs(of_a.sum()) + abs(of_b.sum()) < 1e-8 * np.abs(of_a).sum()
    for first, second, influence in ((a, b, of_a), (b, a, of_b)):
        slopes, found = [], []
        for row in (0, 5, len(first) - 1):
            up, down = (_reweighted(first, second, row, step) for step in (1e-3, -1e-3))
            slopes.append((up - down) / 2e-3)
            found.append(influence[row])
        np.testing.assert_allclose(found, slopes, rtol=1e-3, atol=1e-3 * np.abs(influence).max())


def _reweighted(first, second, row, step):
    """N times the distance when one row weighs more: rows scaled so that moments are weighted."""
    n = len(first)
    weights = np.ones(n)
    weights[row] += step
    weights /= weights.sum()
    mean = weights @ first
    centred = (first - mean) * np.sqrt(weights * n)[:, None]
    # Features with exactly this mean and covariance: the centred rows and their negatives.
    doubled = np.concatenate([centred, -centred]) * np.sqrt((2 * n - 1) / (2 * (n - 1))) + mean
    return n * stats.frechet_distance_from_features(doubled, second)


@pytest.mark.parametrize("n", [5, 60], ids=["N<d", "N=10d"])
def test_interval_covers_the_expected_distance(n):
    found = [stats.frechet_interval(*pair(n, n, seed)) for seed in range(150)]
    others = [stats.frechet_distance_from_features(*pair(n, n, seed)) for seed in range(1000, 2500)]
    covered = np.mean([f.low <= np.mean(others) <= f.high for f in found])
    assert covered > 0.88
    # Not by being wide: the standard error is the spread.
    error = np.median([f.standard_error for f in found])
    assert error == pytest.approx(np.std(others), rel=0.35)


def test_interval_surrounds_its_value_and_grows_with_the_level():
    a, b = pair(50, 70, 0)
    narrow, wide = (stats.frechet_interval(a, b, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high
    assert narrow.value == pytest.approx(stats.frechet_distance_from_features(a, b), rel=1e-10)
    same = stats.frechet_interval(a, a)
    assert (same.low, same.high) == pytest.approx((0, 0), abs=1e-9)
    with pytest.raises(GanlensError, match="level of 95"):
        stats.frechet_interval(a, b, level=95)


def test_infinity_is_nearer_to_the_population_than_the_distance():
    truth, plain, far = population(), [], []
    for seed in range(40):
        found = stats.frechet_infinity(*pair(120, 90, seed), seed=seed)
        far.append((found.value - truth) / found.standard_error)
        plain.append((found.distances[-1] - truth, found.value - truth))
    bias = np.mean(plain, axis=0)
    assert bias[0] > 0.5
    assert abs(bias[1]) < 0.2 * bias[0]
    assert np.mean(np.abs(far) < 2) > 0.85


def test_infinity_with_a_fixed_reference_keeps_the_references_share():
    # Only the second set varies: what is left is the distance from the reference's own Gaussian.
    cov, found = 1.96 * MIX.T @ MIX, []
    for seed in range(30):
        a, b = pair(40, 200, seed)
        value = stats.frechet_infinity(a, b, vary="second", seed=seed).value
        found.append(value - stats.frechet_distance(*stats.mean_cov(a), np.full(6, 0.3), cov))
    spread = np.std(found) / np.sqrt(30)
    assert abs(np.mean(found)) < 4 * spread


def test_infinity_says_what_it_fitted():
    a, b = pair(90, 60, 0)
    found = stats.frechet_infinity(a, b)
    assert len(found.sizes) == len(found.distances) == 15
    assert (found.sizes[0], found.sizes[-1]) == ((30, 20), (90, 60))
    assert found.distances[-1] == stats.frechet_distance_from_features(a, b)
    assert found == stats.frechet_infinity(a, b)
    fixed = stats.frechet_infinity(a, b, vary="second")
    assert {n for n, _ in fixed.sizes} == {90}
    assert fixed.standard_error < found.standard_error


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"vary": "first"}, "choose vary from both, second"), ({"points": 2}, "at least 3 points"),
     ({"smallest": 0.01}, "give at least 200")],
)  # fmt: skip
def test_infinity_names_what_is_wrong(settings, message):
    with pytest.raises(GanlensError, match=message):
        stats.frechet_infinity(*pair(90, 60, 0), **settings)


def test_tails_without_a_fourth_moment_are_reported_and_gaussian_ones_are_not():
    """Both sides of Student's t with 2 degrees of freedom: they differ from draw to draw."""
    said = []
    for seed in range(10):
        generator = rng([seed, 77])
        plain, other = generator.normal(size=(2, 400, 6))
        assert not stats.frechet_interval(plain, 1.4 * other).heavy_tailed
        first, second = (x / np.sqrt(generator.chisquare(2, (400, 1)) / 2) for x in (plain, other))
        found = stats.frechet_interval(first, 1.4 * second)
        assert 0 < found.largest_share <= 1
        said.append(found.heavy_tailed)
    assert sum(said) >= 8


def test_rows_that_never_vary_have_no_largest_share():
    constant = np.ones((10, 3))
    assert stats.frechet_interval(constant, constant).largest_share == 0
