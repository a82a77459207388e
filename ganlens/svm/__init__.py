"""Linear L2-SVMs: many one-vs-rest problems solved together, each pass over the features shared.

The objective is liblinear's and scikit-learn's ``LinearSVC(loss="squared_hinge")``: for each column

    0.5 |w|^2 + C sum_i max(0, 1 - y_i (w . x_i + b))^2

with the intercept b among the regularised weights (``intercept_scaling=1``). It is minimised in
the primal by the finite Newton method of Keerthi and DeCoste (2005, JMLR 6:341-361): a Newton
direction on the active set, then an exact line search.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.svm import exact, kernel, newton
from ganlens.svm.design import SCALINGS, Design, Features, Scaling, ScalingKind, scaling
from ganlens.svm.problem import Problem, Solution

__all__ = [
    "SCALINGS",
    "Features",
    "Fit",
    "Scaling",
    "ScalingKind",
    "fit",
    "one_vs_rest",
    "predict",
    "scaling",
]

# Up to this many samples the Gram matrix is factorised, if it is the smaller one. Measured on 7,168
# features and 10 classes: half the time at 1,000 samples, the same at 2,000.
DIRECT = 2048


@dataclass(frozen=True)
class Fit:
    """Weights of K one-vs-rest problems and how well each was solved.

    Attributes:
        weights: (K, D + 1), for the scaled features; the last column is the intercept. float32, or
            float64 where a column had to be solved in it.
        scaling: what the weights expect.
        objective: (K,) float64, the value that was reached.
        gap: (K,) float64, a bound of how far above the minimum that is, as a share of it.
        iterations: Newton steps.
        passes: reads of the whole feature array.
    """

    weights: Tensor
    scaling: Scaling
    objective: np.ndarray
    gap: np.ndarray
    iterations: int
    passes: int

    def decision(self, x: Features) -> np.ndarray:
        """Return the (N, K) float32 values w . x + b of unscaled (N, D) features.

        Raises:
            GanlensError: features that are not finite, for which `predict` would name a class.
        """
        values = Design(x, self.scaling, self.weights.dtype).forward(self.weights)
        if not bool(torch.isfinite(values).all()):
            raise GanlensError(
                "features to predict hold values that are not finite: leave them out"
            )
        return values.T.float().cpu().numpy()


def fit(
    x: Features,
    signs: Tensor | np.ndarray,
    c: float | Sequence[float] | np.ndarray,
    how: Scaling,
    *,
    tolerance: float = 1e-4,
    max_iterations: int = 60,
    rank: int = 256,
    seed: int = 0,
    direct: bool | None = None,
) -> Fit:
    """Solve K L2-SVMs over the same features, each to the stated gap.

    float32 does it for most; the columns that it leaves short of the gap are solved in float64.

    Args:
        x: (N, D) features, an array, a memory map or a tensor (on any device).
        signs: (K, N) of -1 and +1; 0 leaves that sample out of that problem.
        c: the cost C, one or one per column.
        how: scaling of the features, measured on training rows.
        tolerance: largest allowed share by which an objective may exceed its minimum. The bound is
            the duality gap, which here equals |gradient|^2 / 2.
        max_iterations: Newton steps at most in float32.
        rank: size of the preconditioner's sketch; changes the speed and not the result.
        seed: of the sketch.
        direct: solve in the Gram matrix (N x N) rather than by conjugate gradients; by default
            where that is the smaller one.

    Raises:
        GanlensError: shapes or signs that do not fit, a cost that is not positive, a setting out of
            range, or a column that cannot be solved to the gap.
    """
    if not (0 < tolerance < 1 and max_iterations >= 1 and rank >= 1):
        raise GanlensError(
            f"tolerance {tolerance:g}, max_iterations {max_iterations}, rank {rank}: give a "
            "tolerance above 0 and below 1, and at least 1 step and rank"
        )
    problem = Problem.of(Design(x, how), signs, c)
    try:
        found: Solution | None = _narrow(problem, tolerance, max_iterations, rank, seed, direct)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        found = None
    left = ~(found.gap <= tolerance) if found else problem.cost[:, 0] > 0  # NaN too
    if bool(left.any()):
        found = _settled(problem, left, found, tolerance, max_iterations, rank, seed)
    assert found is not None
    objective, gap = found.objective.cpu().numpy(), found.gap.cpu().numpy()
    return Fit(found.weights, how, objective, gap, found.iterations, found.passes)


def _narrow(
    problem: Problem, tolerance: float, most: int, rank: int, seed: int, direct: bool | None
) -> Solution:
    """Solve in float32."""
    start, steps = None, 0
    rows, width = len(problem.design.x), problem.design.x.shape[1]
    if direct if direct is not None else rows <= min(DIRECT, width):
        start, steps = kernel.solve(problem, tolerance / 2, most)
    # Also after a direct solution: what is reported is measured on the weights that are returned,
    # and what float32 lost in the Gram matrix (at a large C) is made good.
    found = newton.solve(problem, tolerance, most, rank=rank, seed=seed, start=start)
    passes = found.passes + (0 if start is None else 2)
    return replace(found, iterations=found.iterations + steps, passes=passes)


def _settled(
    problem: Problem, left: Tensor, found: Solution | None, tolerance: float, most: int,
    rank: int, seed: int,
) -> Solution:  # fmt: skip
    """Solve some of the columns in float64, and put them among the others.

    Raises:
        GanlensError: float64 leaves one short of the gap too.
    """
    part = problem.rows(left)
    try:
        wide = exact.solve(part, tolerance, most, rank=rank, seed=seed)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        raise _unsettled(part.cost, None, tolerance) from None
    if not bool((wide.gap <= tolerance).all()):
        raise _unsettled(part.cost[~(wide.gap <= tolerance)], float(wide.gap.max()), tolerance)
    if found is None:
        return wide
    weights, objective = found.weights.double(), found.objective.clone()
    weights[left], objective[left] = wide.weights, wide.objective
    gap = found.gap.clone()
    gap[left] = wide.gap
    steps, passes = found.iterations + wide.iterations, found.passes + wide.passes
    return Solution(weights, objective, gap, steps, passes)


def _unsettled(cost: Tensor, gap: float | None, tolerance: float) -> GanlensError:
    reached = "has no solution" if gap is None or not gap < 1 else f"reached a gap of {gap:.2g}"
    return GanlensError(
        f"the SVM at C = {float(cost.max()):g} {reached} in float64, not {tolerance:g}: give a "
        "smaller C, or scale the features"
    )


def one_vs_rest(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return (K, N) int8 signs of (N,) class indices, a row per class; for two, one row (class 1).

    Columns of negative labels (unknown) are 0: those samples are left out.
    """
    wanted = np.array([1]) if classes == 2 else np.arange(classes)
    signs = np.where(labels[None] == wanted[:, None], 1, -1).astype(np.int8)
    signs[:, labels < 0] = 0
    return signs


def predict(decision: np.ndarray) -> np.ndarray:
    """Return (N,) class indices from (N, K) decision values of problems made by `one_vs_rest`."""
    if decision.shape[1] == 1:
        return (decision[:, 0] > 0).astype(np.int64)
    return decision.argmax(1)
