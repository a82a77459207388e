"""What float32 did not settle, solved again in float64: large C, repeated rows, wide ranges.

The Hessian's eigenvalues run from 1 to 2C times the largest of X^T X. Beyond about 1e7 float32
loses the small ones, and with them the solution.
"""

from contextlib import suppress

import torch
from torch import Tensor

from ganlens.svm import kernel, newton
from ganlens.svm.problem import Problem, Solution

LARGEST = 2048  # samples, or unknowns, up to which a step is solved directly
STEPS = 200  # Newton steps that are tried at least
PRODUCTS = 400  # of conjugate gradients in one step, where a direct solution would be too large


def solve(problem: Problem, tolerance: float, most: int, *, rank: int, seed: int) -> Solution:
    """Solve every column in float64, in the samples or in the unknowns, whichever are fewer.

    Args:
        problem: K columns of any dtype.
        tolerance: see ``ganlens.svm.fit``, as ``rank`` and ``seed``.
        most: Newton steps at most; 200 are tried where it is less.
        rank: of the preconditioner.
        seed: of the preconditioner.

    Returns:
        The best that was found; its gap tells whether that is enough.

    Raises:
        torch.linalg.LinAlgError: rounding leaves the preconditioner without a Cholesky factor.
    """
    wide, most, start = problem.widened(), max(most, STEPS), None
    rows, unknowns = len(wide.design.x), wide.design.x.shape[1] + 1
    if rows <= min(LARGEST, unknowns):
        # Where it fails, the primal solver starts from 0.
        with suppress(torch.linalg.LinAlgError):  # type: ignore[attr-defined]
            start, _ = kernel.solve(wide, tolerance / 2, most)
    directions = _directions if unknowns <= LARGEST else None
    return newton.solve(
        wide, tolerance, most, rank=rank, seed=seed, start=start, products=PRODUCTS,
        directions=directions,
    )  # fmt: skip


def _directions(problem: Problem, weights: Tensor, active: Tensor) -> tuple[Tensor, Tensor, int]:
    """Return Newton steps (K, D + 1), the change (K, N) of values, and passes.

    The Newton point of the active samples A is the least-squares solution of
    [I; sqrt(2C) X_A] w = [0; sqrt(2C) y_A]. Its triangular factor is updated block by block, which
    loses half the digits that a Cholesky factor of I + 2C X_A^T X_A would.
    """
    size, steps = weights.shape[1], []
    for k, (w, chosen) in enumerate(zip(weights, active, strict=True)):
        root = (2 * problem.cost[k]).sqrt()
        factor = torch.eye(size, size + 1, dtype=w.dtype, device=w.device)
        for rows, block in problem.design.scaled():
            ones, truth = torch.ones_like(block[:, :1]), problem.signs[k, rows, None]
            full = root * torch.cat([block, ones, truth], dim=1)[chosen[rows]]
            factor = torch.linalg.qr(torch.cat([factor, full]), mode="r")[1][:size]
        point = torch.linalg.solve_triangular(factor[:, :-1], factor[:, -1:], upper=True)
        steps.append(point[:, 0] - w)
    step = torch.stack(steps)
    return step, problem.design.forward(step), 1 + len(steps)
