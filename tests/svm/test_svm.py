"""The L2-SVM against scikit-learn's LinearSVC, closed forms and its own two solvers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC

from ganlens import svm
from ganlens.errors import GanlensError


def blobs(n: int, d: int, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes with features of very different scale and offset."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    centres = np.random.default_rng(9).normal(0, 0.4, (classes, d))
    x = (centres[labels] + rng.normal(size=(n, d))) * np.geomspace(0.1, 10, d) + 3
    return x.astype(np.float32), labels


def scaled(x: np.ndarray, how: svm.Scaling) -> np.ndarray:
    return (x.astype(np.float64) - how.shift.numpy()) * how.factor.numpy()


def objective(x: np.ndarray, signs: np.ndarray, weights: np.ndarray, c: float) -> np.ndarray:
    margins = signs * (weights[:, :-1] @ x.T + weights[:, -1:])
    slack = np.maximum(0, 1 - margins) * np.abs(signs)
    return 0.5 * (weights**2).sum(1) + c * (slack**2).sum(1)


@pytest.mark.parametrize("shape", [(300, 20), (60, 90)], ids=["tall", "wide"])
@pytest.mark.parametrize("direct", [False, True], ids=["primal", "gram"])
@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_equals_linear_svc(shape: tuple[int, int], direct: bool, c: float, classes: int) -> None:
    x, labels = blobs(*shape, classes)
    test, _ = blobs(200, shape[1], classes, seed=1)
    how = svm.scaling(x)
    signs = svm.one_vs_rest(labels, classes)
    ours = svm.fit(x, signs, c, how, tolerance=1e-5, direct=direct)
    reference = LinearSVC(C=c, tol=1e-8, dual=False, max_iter=10_000).fit(scaled(x, how), labels)
    weights = np.c_[reference.coef_, reference.intercept_]
    expected = objective(scaled(x, how), signs, weights, c)
    np.testing.assert_allclose(ours.objective, expected, rtol=1e-4)
    assert (ours.gap <= 1e-5).all()
    own = objective(scaled(x, how), signs, ours.weights.double().numpy(), c)
    np.testing.assert_allclose(ours.objective, own, rtol=1e-4)  # it reports what it reached
    agree = svm.predict(ours.decision(test)) == reference.predict(scaled(test, how))
    assert agree.mean() >= 0.99


def test_the_gram_solver_needs_no_help() -> None:
    """The primal steps after it mend rounding only; a wrong solution would cost passes."""
    x, labels = blobs(60, 90)
    for c in (0.1, 1.0):
        found = svm.fit(x, svm.one_vs_rest(labels, 3), c, svm.scaling(x), direct=True)
        assert found.passes == 4  # Gram matrix, X^T beta, values, gradient
        assert found.iterations <= 6


def test_the_gap_bounds_the_distance_to_the_minimum() -> None:
    x, labels = blobs(200, 15)
    signs, how = svm.one_vs_rest(labels, 3), svm.scaling(x)
    best = svm.fit(x, signs, 10.0, how, tolerance=1e-9, max_iterations=100).objective
    for tolerance in (0.3, 1e-2):
        rough = svm.fit(x, signs, 10.0, how, tolerance=tolerance)
        excess = (rough.objective - best) / rough.objective
        assert (rough.gap <= tolerance).all()
        assert (excess <= rough.gap + 1e-7).all()


def test_columns_are_independent_and_take_their_own_cost() -> None:
    x, labels = blobs(150, 12)
    signs, how = svm.one_vs_rest(labels, 3), svm.scaling(x)
    for direct in (False, True):
        both = svm.fit(
            x, np.concatenate([signs, signs]), [0.1] * 3 + [50.0] * 3, how, direct=direct
        )
        low, high = (svm.fit(x, signs, c, how, direct=direct).objective for c in (0.1, 50.0))
        np.testing.assert_allclose(both.objective, np.concatenate([low, high]), rtol=2e-4)


def test_a_sign_of_zero_leaves_the_sample_out() -> None:
    x, labels = blobs(120, 10)
    how = svm.scaling(x)
    labels[80:] = -1
    signs = svm.one_vs_rest(labels, 3)
    assert not signs[:, 80:].any()
    for direct in (False, True):
        some = svm.fit(x, signs, 1.0, how, tolerance=1e-6, direct=direct)
        fewer = svm.fit(x[:80], signs[:, :80], 1.0, how, tolerance=1e-6, direct=direct)
        np.testing.assert_allclose(some.objective, fewer.objective, rtol=1e-5)


def test_one_sample_has_a_closed_form() -> None:
    # min 0.5 (w^2 + b^2) + C (1 - (w x + b))^2 has w = s x, b = s, s = 2C / (1 + 2C (x^2 + 1)).
    x, c = np.array([[2.0]], np.float32), 3.0
    for direct in (False, True):
        found = svm.fit(x, np.array([[1]]), c, svm.scaling(x, "none"), direct=direct)
        s = 2 * c / (1 + 2 * c * 5)
        np.testing.assert_allclose(found.weights.numpy(), [[2 * s, s]], rtol=1e-3)


def test_a_read_only_memory_map_is_neither_copied_nor_changed(tmp_path: Path) -> None:
    x, labels = blobs(2100, 6)  # more than one block
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    signs = svm.one_vs_rest(labels, 3)
    a = svm.fit(mapped, signs, 1.0, svm.scaling(mapped))
    b = svm.fit(torch.from_numpy(x), signs, 1.0, svm.scaling(x))
    np.testing.assert_array_equal(a.weights.numpy(), b.weights.numpy())
    np.testing.assert_array_equal(mapped, x)


def test_columns_of_an_array_and_bytes_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (100, 30), np.uint8)
    signs = svm.one_vs_rest(rng.integers(0, 3, 100), 3)
    part = x[:, 10:20]
    found = svm.fit(part, signs, 1.0, svm.scaling(part))
    same = svm.fit(part.astype(np.float32), signs, 1.0, svm.scaling(part.astype(np.float32)))
    np.testing.assert_allclose(found.objective, same.objective, rtol=1e-6)


def test_standard_scaling_gives_unit_rows_and_drops_constants() -> None:
    x, _ = blobs(3000, 40)
    x[:, 7] = 12345.678
    how = svm.scaling(x)
    rows = scaled(x, how)
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-6)
    assert how.factor[7] == 0
    np.testing.assert_allclose((rows**2).sum(1).mean(), 39 / 40, rtol=1e-4)
    assert (np.linalg.norm(scaled(x, svm.scaling(x, "norm")), axis=1) ** 2).mean() == pytest.approx(
        1, rel=1e-4
    )


def test_scaling_survives_a_large_offset() -> None:
    x = np.random.default_rng(0).normal(1000, 0.1, (500, 3)).astype(np.float32)
    np.testing.assert_allclose(scaled(x, svm.scaling(x)).std(0), 3**-0.5, rtol=1e-3)


@pytest.mark.parametrize("direct", [False, True], ids=["primal", "gram"])
def test_a_mean_far_from_zero_costs_no_digits(direct: bool) -> None:
    """In uncentred float32 products the gap came out 100 times too small at this offset."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 120))
    signs = np.sign(x[:, :4].sum(1) + rng.normal(size=900))[None]
    x = (x + 30_000).astype(np.float32)
    how = svm.scaling(x)
    found = svm.fit(x, signs, 1.0, how, direct=direct)
    exact, weights = scaled(x, how), found.weights.double().numpy()
    np.testing.assert_allclose(
        found.decision(x), exact @ weights[:, :-1].T + weights[:, -1], atol=1e-5
    )
    slack = np.maximum(0, 1 - signs[0] * (exact @ weights[0, :-1] + weights[0, -1]))
    pull = 2 * (slack * signs[0]) @ np.c_[exact, np.ones(900)]
    reached = objective(exact, signs, weights, 1.0)
    gap = 0.5 * ((weights[0] - pull) ** 2).sum() / reached
    np.testing.assert_allclose(found.gap, gap, rtol=0.05, atol=1e-9)


def test_labels_survive_the_round_trip() -> None:
    for classes in (2, 5):
        labels = np.arange(20) % classes
        assert (svm.predict(svm.one_vs_rest(labels, classes).T) == labels).all()


def test_bad_input_is_one_line() -> None:
    x, labels = blobs(20, 4)
    how, signs = svm.scaling(x), svm.one_vs_rest(labels, 3)
    with pytest.raises(GanlensError, match="scaling 'minmax' is not known: choose from standard"):
        svm.scaling(x, "minmax")  # type: ignore[arg-type]
    with pytest.raises(GanlensError, match="do not fit 20 rows"):
        svm.fit(x, signs[:, :5], 1.0, how)
    with pytest.raises(GanlensError, match="one positive number"):
        svm.fit(x, signs, 0.0, how)
    with pytest.raises(GanlensError, match="one per column"):
        svm.fit(x, signs, [1.0, 2.0], how)
    with pytest.raises(GanlensError, match="0 images"):
        svm.scaling(x[:0])
    x[3, 2] = np.nan
    with pytest.raises(GanlensError, match="not finite"):
        svm.scaling(x)
