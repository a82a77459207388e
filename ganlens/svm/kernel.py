"""The solver for fewer samples than features: Newton with direct solves in the Gram matrix.

Chapelle (2007), Training a support vector machine in the primal, Neural Computation 19:1155-1178:
the Newton point of an active set A is (K_AA + I / 2C)^-1 y_A, and w = X^T beta.
"""

import torch
from torch import Tensor

from ganlens.svm.design import Design
from ganlens.svm.problem import Problem, dot, line_search


def gram(design: Design) -> Tensor:
    """Return (N, N) inner products of the scaled rows, the column of ones included."""
    size = len(design.x)
    out = torch.empty(size, size, dtype=design.dtype, device=design.device)
    for rows, left in design.scaled():
        for columns, right in design.scaled():
            if columns.start > rows.start:
                break
            part = left @ right.T + 1
            out[rows, columns], out[columns, rows] = part, part.T
    return out


def solve(problem: Problem, tolerance: float, most: int) -> tuple[Tensor, int]:
    """Solve every column to a relative duality gap of ``tolerance``, in at most ``most`` steps.

    Returns:
        (K, D + 1) weights, and the most steps that a column took.

    Raises:
        torch.linalg.LinAlgError: rounding leaves K_AA + I / 2C without a Cholesky factor.
    """
    kernel = gram(problem.design)
    first = {float(c): _ridge(kernel, float(c)) for c in problem.cost.unique()}
    found = [
        _column(kernel, problem.rows(slice(k, k + 1)), first, tolerance, most)
        for k in range(len(problem.signs))
    ]
    betas, steps = zip(*found, strict=True)
    return problem.design.adjoint(torch.stack(betas)), max(steps)


def _ridge(kernel: Tensor, cost: float, active: Tensor | None = None) -> Tensor:
    """Cholesky factor of K_AA + I / 2C."""
    matrix = kernel.clone() if active is None else kernel[active].index_select(1, active)
    matrix.diagonal().add_(0.5 / cost)
    return torch.linalg.cholesky(matrix)


def _column(
    kernel: Tensor, problem: Problem, first: dict[float, Tensor], tolerance: float, most: int
) -> tuple[Tensor, int]:
    """Solve one column; returns its (N,) beta and the number of steps."""
    signs, cost = problem.signs[0], float(problem.cost)
    beta, values = torch.zeros_like(signs), torch.zeros_like(signs)
    before, least = float("inf"), 1e-5 if signs.dtype == torch.float32 else 1e-12
    for step in range(most + 1):
        slack = problem.slack(values[None])
        objective = problem.objective(dot(beta[None], values[None]), slack)
        rest = beta - 2 * cost * slack[0] * signs  # the gradient is X^T rest
        gap = 0.5 * dot(rest[None], (kernel @ rest)[None]).clamp_min(0) / objective
        # No progress: what is left is rounding, which the primal solver mends.
        stalled = float(objective) > (1 - least) * before
        if step == most or stalled or float(gap) <= tolerance:
            break
        before, active = float(objective), (slack[0] > 0).nonzero()[:, 0]
        full = len(active) == len(signs)
        factor = first[cost] if full else _ridge(kernel, cost, active)
        target = torch.zeros_like(beta)
        target[active] = torch.cholesky_solve(signs[active, None], factor)[:, 0]
        move = target - beta
        change = kernel @ move
        along = (dot(values[None], move[None]), dot(move[None], change[None]))
        length = float(line_search(problem, values[None], change[None], *along))
        beta, values = beta + length * move, values + length * change
    return beta, step
