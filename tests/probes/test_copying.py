"""C_T, authenticity, calibrated distances and the memorization penalty: closed forms and nulls."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from ganlens.errors import GanlensError
from ganlens.stats import nearest
from ganlens.stats.authenticity import (
    authentic,
    calibrated,
    memorization_distance,
    memorization_informed,
    spacing,
)
from ganlens.stats.copying import assign_cells, copying_score, training_cells


def test_one_cell_without_ties_is_the_papers_formula() -> None:
    """3 against 2: the generated ones at 1, 2, 5, the held-out ones at 3, 4. U = 2 of 6 pairs."""
    score = copying_score([1, 2, 5], [3, 4], tau=0)
    assert score.value == pytest.approx((2 - 3) / np.sqrt(3 * 2 * 6 / 12))
    assert score.null_std == 1
    assert (score.cells[0].n_generated, score.cells[0].n_held_out) == (3, 2)


@given(st.integers(20, 60), st.integers(20, 60), st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_a_cell_agrees_with_scipy_with_and_without_ties(m: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for x, y in (
        (rng.random(m), rng.random(n)),
        (rng.integers(0, 4, m) * 1.0, rng.integers(0, 4, n) * 1.0),
    ):
        z = copying_score(x, y).value
        reference = scipy_stats.mannwhitneyu(
            x, y, method="asymptotic", alternative="less", use_continuity=False
        )
        assert z is not None
        assert scipy_stats.norm.cdf(z) == pytest.approx(reference.pvalue, abs=1e-9)
        swapped = copying_score(y, x).value
        assert swapped == pytest.approx(-z)


def test_cells_are_weighted_by_held_out_points_and_thin_ones_are_left_out() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.random(100), rng.random(80)
    cells = np.repeat([0, 1, 2, 3], [50, 40, 10, 0])
    other = np.repeat([0, 1, 2, 3], [20, 30, 20, 10])
    score = copying_score(ours, theirs, cells, other)
    assert [c.used for c in score.cells] == [True, True, False, False]
    assert score.cells[3].z is None
    first, second = (copying_score(ours[cells == c], theirs[other == c]).value for c in (0, 1))
    assert first is not None
    assert second is not None
    assert score.value == pytest.approx(0.4 * first + 0.6 * second)
    assert score.null_std == pytest.approx(np.hypot(0.4, 0.6))
    # tau of 10 % takes the third cell in: at least a share tau, as in the paper.
    assert [c.used for c in copying_score(ours, theirs, cells, other, 0.1).cells][2]


def test_z_scores_of_one_law_are_standard_normal() -> None:
    """Per cell and for C_T over its stated deviation: mean 0, deviation 1, normal quantiles."""
    rng = np.random.default_rng(1)
    cells, zs, values = np.repeat(np.arange(3), (30, 30, 40)), [], []
    for _ in range(400):
        score = copying_score(rng.exponential(size=100), rng.exponential(size=100), cells, cells)
        zs += [c.z for c in score.cells]
        assert score.value is not None
        values.append(score.value / score.null_std)
    for z in (np.array(zs), np.array(values)):
        assert scipy_stats.kstest(z, "norm").pvalue > 0.01
        assert z.std() == pytest.approx(1, abs=0.1)


def test_copying_is_far_below_zero_and_underfitting_far_above() -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(900, 4))
    train, held = real[:600], real[600:]
    centres = training_cells(train, 3)
    near, off = train[:300] + 0.01 * rng.normal(size=(300, 4)), 3 * rng.normal(size=(300, 4))

    def score(x: np.ndarray) -> float:
        d, h = nearest(x, train)[0][:, 0], nearest(held, train)[0][:, 0]
        value = copying_score(d, h, assign_cells(x, centres), assign_cells(held, centres)).value
        assert value is not None
        return value

    assert score(near) < -8
    assert score(off) > 5
    assert abs(score(rng.normal(size=(300, 4)))) < 2.5


def test_undefined_scores_have_a_reason() -> None:
    none = copying_score([1, 2], [1, 2], [0, 0], [1, 1])
    assert none.value is None
    assert none.null_std is None
    assert "no cell holds held-out points" in none.reason
    assert copying_score(np.ones(30), np.ones(30)).value == 0
    with pytest.raises(GanlensError, match="cells of shape"):
        copying_score([1, 2], [1, 2], [0], [0, 0])
    with pytest.raises(GanlensError, match="0 cells are too few"):
        training_cells(np.eye(3), 0)
    assert len(training_cells(np.ones((5, 2)), 4)) == 1


def test_cells_come_from_the_training_points_and_repeat() -> None:
    rng = np.random.default_rng(0)
    train = np.concatenate([rng.normal(c, 0.1, (50, 2)) for c in (0, 5, 10)])
    centres = training_cells(train, 3)
    np.testing.assert_array_equal(centres, training_cells(train, 3))
    np.testing.assert_allclose(np.sort(centres[:, 0]), [0, 5, 10], atol=0.1)
    cells = assign_cells(train, centres)
    assert [len(np.unique(cells[i : i + 50])) for i in (0, 50, 100)] == [1, 1, 1]


def test_spacing_and_authenticity_on_a_line() -> None:
    train = np.array([[0.0], [1.0], [3.0], [3.0], [3.0]])
    np.testing.assert_array_equal(spacing(train, [0, 1, 1, 2, 4]), [1, 1, 1, 0, 0])
    queries = np.array([[0.4], [-1.5], [3.1]])
    d, index = nearest(queries, train)
    own = spacing(train, index[:, 0])
    np.testing.assert_array_equal(authentic(d[:, 0], own), [False, True, True])


def test_authenticity_agrees_with_all_pairs() -> None:
    rng = np.random.default_rng(0)
    train, x = rng.normal(size=(80, 5)), rng.normal(size=(40, 5))
    pairs = np.linalg.norm(train[:, None] - train, axis=-1) + 1e9 * np.eye(80)
    cross = np.linalg.norm(x[:, None] - train, axis=-1)
    expected = cross.min(1) > pairs.min(1)[cross.argmin(1)]
    d, index = nearest(x, train)
    np.testing.assert_array_equal(authentic(d[:, 0], spacing(train, index[:, 0])), expected)


def test_calibrated_distances_have_closed_forms() -> None:
    d = np.array([[1.0] * 50, [0.0] + [7.0] * 49, [0.0] * 50, [1.0] + [2.0] * 49])
    np.testing.assert_allclose(calibrated(d), [2, 0, 2, 1 / (0.5 * 99 / 50)])
    np.testing.assert_allclose(calibrated(3 * d), calibrated(d))
    with pytest.raises(GanlensError, match="descend"):
        calibrated([[2.0, 1.0]])


def test_memorization_distance_is_one_minus_the_cosine() -> None:
    train = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    angle = np.deg2rad([0, 30, 60])
    x = 5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    best = np.cos(np.deg2rad([0, 30, 30]))
    assert memorization_distance(x, train) == pytest.approx((1 - best).mean())
    assert memorization_distance(-x, train) == pytest.approx((1 - best).mean())  # |cos|
    with pytest.raises(GanlensError, match="all 0"):
        memorization_distance(np.zeros((2, 2)), train)


def test_the_penalty_stops_at_the_threshold() -> None:
    assert memorization_informed(10.0, 0.05) == pytest.approx(200)
    assert memorization_informed(10.0, 0.1) == pytest.approx(10)
    assert memorization_informed(10.0, 0.5) == pytest.approx(10)
    assert memorization_informed(10.0, 0.5, threshold=0.6) == pytest.approx(20)
    assert memorization_informed(1e-9, 0.0) == 0
