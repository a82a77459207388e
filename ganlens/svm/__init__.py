"""Linear L2-SVMs: many one-vs-rest problems solved together, each pass over the features shared.

The objective is liblinear's and scikit-learn's ``LinearSVC(loss="squared_hinge")``: for each column

    0.5 |w|^2 + C sum_i max(0, 1 - y_i (w . x_i + b))^2

with the intercept b among the regularised weights (``intercept_scaling=1``). It is minimised in
the primal by the finite Newton method of Keerthi and DeCoste (2005, JMLR 6:341-361): a Newton
direction on the active set, then an exact line search.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ganlens.svm import kernel, newton
from ganlens.svm.design import SCALINGS, Design, Features, Scaling, ScalingKind, scaling
from ganlens.svm.problem import Problem

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
        weights: (K, D + 1) float32, for the scaled features; the last column is the intercept.
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
        """Return the (N, K) float32 values w . x + b of unscaled (N, D) features."""
        return Design(x, self.scaling).forward(self.weights).T.cpu().numpy()


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
    """Solve K L2-SVMs over the same features.

    Args:
        x: (N, D) features, an array, a memory map or a tensor (on any device).
        signs: (K, N) of -1 and +1; 0 leaves that sample out of that problem.
        c: the cost C, one or one per column.
        how: scaling of the features, measured on training rows.
        tolerance: largest allowed share by which an objective may exceed its minimum. The bound is
            the duality gap, which here equals |gradient|^2 / 2.
        max_iterations: Newton steps at most.
        rank: size of the preconditioner's sketch; changes the speed and not the result.
        seed: of the sketch.
        direct: solve in the Gram matrix (N x N) rather than by conjugate gradients; by default
            where that is the smaller one.

    Raises:
        GanlensError: shapes that do not fit, or a cost that is not positive.
    """
    problem = Problem.of(Design(x, how), signs, c)
    start, steps = None, 0
    if direct if direct is not None else len(x) <= min(DIRECT, x.shape[1]):
        start, steps = kernel.solve(problem, tolerance / 2, max_iterations)
    # Also after a direct solution: what is reported is measured on the weights that are returned,
    # and what float32 lost in the Gram matrix (at a large C) is made good.
    found = newton.solve(problem, tolerance, max_iterations, rank=rank, seed=seed, start=start)
    objective, gap = found.objective.cpu().numpy(), found.gap.cpu().numpy()
    iterations, passes = found.iterations + steps, found.passes + (0 if start is None else 2)
    return Fit(found.weights, how, objective, gap, iterations, passes)


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
