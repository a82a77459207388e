"""The L2-SVM against an independent float64 solution: all C, repeats, collinear columns, scales.

The dual is a non-negative least-squares problem, min |A a - b| with A = [X^T Y; I / sqrt(2C)] and
b = [0; sqrt(2C)], which scipy solves by another algorithm (Lawson and Hanson's active sets).
"""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import nnls

from ganlens import svm
from ganlens.errors import GanlensError

COSTS = (1e-10, 1e-6, 1e-3, 1.0, 1e3, 1e4, 1e5, 1e6, 1e8, 1e10)
KINDS = ("plain", "repeated", "collinear", "constant", "separable", "contradicting", "one-sided")


def rows_of(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(N, D) float64 features and (N,) signs that a float32 solver finds hard in one way."""
    n, d = int(rng.integers(2, 50)), int(rng.integers(1, 60))
    x = rng.normal(size=(n, d))
    signs = np.where(x[:, 0] + rng.normal(size=n) > 0, 1.0, -1.0)
    if kind == "repeated":
        rows = rng.integers(0, max(1, n // 4), n)
        x = x[rows]
        signs = signs[rows] if rng.random() < 0.5 else signs
    elif kind == "collinear":
        x = x[:, :1] * rng.normal(size=d) + 1e-4 * rng.integers(0, 2) * x
    elif kind == "constant":
        x[:, rng.random(d) < 0.7] = rng.normal() * 100
    elif kind == "separable":
        x[:, 0] += 5 * signs
    elif kind == "contradicting":
        x = np.repeat(x[: n // 2 + 1], 2, axis=0)
        signs = np.tile([1.0, -1.0], n // 2 + 1)
    elif kind == "one-sided":
        signs = np.ones(n)
    return x, signs


def scaled(x: np.ndarray, how: svm.Scaling) -> np.ndarray:
    return (x.astype(np.float64) - how.shift.numpy()) * how.factor.numpy()


def minimum(x: np.ndarray, signs: np.ndarray, c: float) -> float:
    """The best dual value: never above the primal minimum, and equal to it at the optimum."""
    full = np.c_[x, np.ones(len(x))]
    a = np.r_[(full * signs[:, None]).T, np.eye(len(x)) / np.sqrt(2 * c)]
    b = np.r_[np.zeros(full.shape[1]), np.full(len(x), np.sqrt(2 * c))]
    dual = nnls(a, b, maxiter=100 * len(x))[0]
    pull = full.T @ (signs * dual)
    return float(dual.sum() - 0.5 * pull @ pull - (dual**2).sum() / (4 * c))


def reached(x: np.ndarray, signs: np.ndarray, weights: np.ndarray, c: float) -> float:
    slack = np.maximum(0, 1 - signs * (x @ weights[:-1] + weights[-1]))
    return float(0.5 * weights @ weights + c * slack @ slack)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["standard", "norm", "none"])
def test_every_cost_is_solved_to_the_gap_or_refused(kind: str, how: svm.ScalingKind) -> None:
    rng = np.random.default_rng([KINDS.index(kind), len(how)])
    refused: dict[str, float] = {}
    for c in COSTS:
        for scale in (1e-12, 1.0, 1e12) if how != "none" else (1e-3, 1.0, 1e3):
            x, signs = rows_of(kind, rng)
            x = (x * scale).astype(np.float32)
            scaling = svm.scaling(x, how)
            try:
                found = svm.fit(x, signs[None], c, scaling, tolerance=1e-4)
            except GanlensError as error:
                refused[str(error)] = c * (1 + (scaled(x, scaling) ** 2).sum(1).max())
                continue
            seen = scaled(x, scaling)
            weights = found.weights[0].double().numpy()
            assert np.isfinite(weights).all()
            best, own = minimum(seen, signs, c), reached(seen, signs, weights, c)
            # What is returned is that good in float64, whatever the solver said of it.
            assert own - best <= 2e-4 * own, (c, scale, x.shape, found.gap)
            np.testing.assert_allclose(found.objective, own, rtol=2e-4)
            values = seen @ weights[:-1] + weights[-1]
            size = 1 + np.abs(weights) @ np.r_[np.abs(seen).max(0), 1]
            np.testing.assert_allclose(found.decision(x)[:, 0], values, atol=1e-5 * size)
    assert all(message.endswith("give a smaller C, or scale the features") for message in refused)
    assert all(strength > 1e9 for strength in refused.values())  # C times the largest square


def test_columns_that_float32_leaves_are_put_among_the_others() -> None:
    """Repeated rows with contradicting labels, more features than rows, several C at once."""
    rng = np.random.default_rng(0)
    x = np.tile(rng.normal(size=(40, 300)), (3, 1)).astype(np.float32)
    signs = svm.one_vs_rest(rng.integers(0, 3, 120), 3)
    costs = np.repeat([1.0, 1e4, 1e6], 3)
    how = svm.scaling(x)
    found = svm.fit(x, np.concatenate([signs] * 3), costs, how, tolerance=1e-4)
    assert (found.gap <= 1e-4).all()
    seen = scaled(x, how)
    for k, c in enumerate(costs):
        best = minimum(seen, signs[k % 3].astype(float), c)
        own = reached(seen, signs[k % 3], found.weights[k].double().numpy(), c)
        assert own - best <= 2e-4 * own


def test_what_no_precision_solves_is_refused() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 5)).astype(np.float32) * 1e9
    signs = np.where(rng.random(30) < 0.5, 1, -1)[None]
    with pytest.raises(GanlensError, match=r"C = 1e.10 .* give a smaller C, or scale the features"):
        svm.fit(x, signs, 1e10, svm.scaling(x, "none"), tolerance=1e-9)
    svm.fit(x, signs, 1e10, svm.scaling(x))


def test_no_class_is_named_for_features_that_are_not_finite() -> None:
    x = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    found = svm.fit(x, np.sign(x[:, :1].T), 1.0, svm.scaling(x))
    with pytest.raises(GanlensError, match="features to predict hold values that are not finite"):
        found.decision(np.where(np.arange(5) == 2, np.nan, x).astype(np.float32))


def test_a_column_without_samples_is_zero() -> None:
    x = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    found = svm.fit(x, np.zeros((1, 30)), 1.0, svm.scaling(x))
    assert not found.weights.any()
    assert found.gap == 0


@pytest.mark.parametrize("size", [1e-30, 1e-12, 1e30])
def test_standard_scaling_does_not_depend_on_the_unit(size: float) -> None:
    """Features of 1e-11 were taken for constant ones."""
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    plain, other = svm.scaling(x), svm.scaling((x * size).astype(np.float32))
    np.testing.assert_allclose(other.factor.numpy() * size, plain.factor.numpy(), rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c": float("nan")}, "C nan is not valid"),
        ({"c": -1.0}, "C -1.0 is not valid"),
        ({"c": float("inf")}, "C inf is not valid"),
        ({"tolerance": 0.0}, "tolerance 0, max_iterations 60, rank 256: give a tolerance above 0"),
        ({"tolerance": float("nan")}, "tolerance nan"),
        ({"max_iterations": 0}, "max_iterations 0"),
        ({"rank": 0}, "rank 0"),
        ({"signs": np.full((1, 20), 2.0)}, "signs other than -1, 0 and 1"),
        ({"signs": np.full((1, 20), np.nan)}, "signs other than -1, 0 and 1"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    given = {"signs": np.sign(x[:, :1].T), "c": 1.0, **change}
    with pytest.raises(GanlensError, match=message):
        svm.fit(x, how=svm.scaling(x), **given)
