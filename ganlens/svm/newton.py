"""The primal solver: conjugate gradients on the active set, all columns sharing each pass."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlens.svm.design import Design
from ganlens.svm.problem import Problem, Solution, dot, line_search

Directions = Callable[[Problem, Tensor, Tensor], tuple[Tensor, Tensor, int]]


def solve(
    problem: Problem,
    tolerance: float,
    most: int,
    *,
    rank: int,
    seed: int,
    start: Tensor | None = None,
    products: int = 40,
    directions: Directions | None = None,
) -> Solution:
    """Solve every column to a relative duality gap of ``tolerance``, in at most ``most`` steps.

    Columns drop out as they converge. The preconditioner is made when the first step needs it.

    Args:
        problem: K columns.
        tolerance: see ``ganlens.svm.fit``, as ``rank`` and ``seed``.
        most: Newton steps at most.
        rank: of the preconditioner.
        seed: of the preconditioner.
        start: (K, D + 1) weights to start from; 0 by default.
        products: of the Hessian, at most, in one step of conjugate gradients.
        directions: finds the steps instead of conjugate gradients, which then are not used.
    """
    design, count = problem.design, len(problem.signs)
    weights = torch.zeros_like(problem.signs[:, :1]).repeat(1, design.x.shape[1] + 1)
    values = torch.zeros_like(problem.signs)
    if start is not None:
        weights, values = start.clone(), design.forward(start)
    objective = torch.zeros(count, dtype=torch.float64, device=design.device)
    gap = torch.full_like(objective, torch.inf)
    left = torch.arange(count, device=design.device)
    passes, precondition = int(start is not None), None
    for step in range(most + 1):
        now, w, f = problem.rows(left), weights[left], values[left]
        slack = now.slack(f)
        gradient = w - 2 * now.cost * design.adjoint(slack * now.signs)
        objective[left] = now.objective(dot(w, w), slack)
        gap[left] = _share(0.5 * dot(gradient, gradient), objective[left])
        passes += 1
        going = gap[left] > tolerance
        if step == most or not bool(going.any()):
            break
        if precondition is None and directions is None:
            precondition, passes = Preconditioner.of(design, rank, seed), passes + 1
        left, now, w, f = left[going], now.rows(going), w[going], f[going]
        pull, active = gradient[going], slack[going] > 0
        if directions is not None:
            move, change, used = directions(now, w, active)
        else:
            assert precondition is not None
            move, change, used = _direction(now, pull, active, precondition, products)
        length = line_search(now, f, change, dot(w, move), dot(move, move))
        weights[left], values[left] = w + length * move, f + length * change
        passes += used
    return Solution(weights, objective, gap, step, passes)


def _share(gap: Tensor, objective: Tensor) -> Tensor:
    """Return gaps as shares of the objectives; 0 where both are 0 (a column without samples)."""
    return torch.where((gap == 0) & (objective == 0), 0.0, gap / objective)


def _direction(
    problem: Problem,
    gradient: Tensor,
    active: Tensor,
    precondition: "Preconditioner",
    products: int,
) -> tuple[Tensor, Tensor, int]:
    """Return Newton steps (K, D + 1), the change (K, N) of values, and passes used."""
    twice = 2 * problem.cost
    strength = twice * active.to(twice.dtype).mean(1, keepdim=True)
    step, change = torch.zeros_like(gradient), torch.zeros_like(problem.signs)
    residual = -gradient
    direction = z = precondition(residual, strength)
    rho = dot(residual, z)
    target = 0.1 * dot(gradient, gradient).sqrt()
    mask, used, dtype = active.to(gradient.dtype), 0, gradient.dtype
    for _ in range(products):
        used += 1
        product, along = problem.design.normal(direction, mask)
        product = direction + twice * product
        going = (dot(residual, residual).sqrt() > target).double()
        alpha = (going * rho / dot(direction, product).clamp_min(1e-300)).to(dtype)[:, None]
        step += alpha * direction
        change += alpha * along
        residual = residual - alpha * product
        if bool((dot(residual, residual).sqrt() <= target).all()):
            break
        z = precondition(residual, strength)
        previous, rho = rho, dot(residual, z)
        direction = z + (rho / previous.clamp_min(1e-300)).to(dtype)[:, None] * direction
    return step, change, used


@dataclass(frozen=True)
class Preconditioner:
    """Approximate inverse of 1 + s X^T X for any s, from a randomised eigen-decomposition.

    Frangella, Tropp and Udell (2021), Randomized Nystrom preconditioning, arXiv 2110.02820.

    Attributes:
        basis: (R, D + 1) orthonormal rows.
        eigenvalues: (R,) of X^T X, descending.
    """

    basis: Tensor
    eigenvalues: Tensor

    @classmethod
    def of(cls, design: Design, rank: int, seed: int) -> "Preconditioner":
        """Sketch the features in one pass; the same seed gives the same sketch."""
        size = design.x.shape[1] + 1
        rank = min(rank, size, len(design.x))
        generator = torch.Generator().manual_seed(seed)
        draw = torch.randn(size, rank, generator=generator)
        test = torch.linalg.qr(draw)[0].T.contiguous().to(design.device, design.dtype)
        sketch = design.normal(test)[0].double()
        shift = 1e-6 * sketch.norm()  # keeps the Cholesky factor defined (their algorithm 2.1)
        sketch = sketch + shift * test
        core = test.double() @ sketch.T
        factor = torch.linalg.cholesky((core + core.T) / 2)
        root = torch.linalg.solve_triangular(factor, sketch, upper=False)
        values, vectors = torch.linalg.eigh(root @ root.T)
        values, vectors = values.flip(0).clamp_min(1e-30), vectors.flip(1)
        basis = (vectors.T @ root) / values.sqrt()[:, None]
        return cls(basis.to(test.dtype), (values - shift).clamp_min(0).to(test.dtype))

    def __call__(self, residual: Tensor, strength: Tensor) -> Tensor:
        """Apply to (K, D + 1) residuals; strength (K, 1) is s, the curvature's weight."""
        inside = residual @ self.basis.T
        scale = (1 + strength * self.eigenvalues[-1]) / (1 + strength * self.eigenvalues) - 1
        return residual + (inside * scale) @ self.basis
