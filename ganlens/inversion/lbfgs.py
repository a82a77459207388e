"""L-BFGS on many small problems at once, with a given metric in place of the identity.

Every row is a problem of its own: its own memory, its own step length, its own line search. Nothing
passes between rows.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

ARMIJO = 1e-4  # least share of the predicted decrease that a step has to bring
SHRINK = 0.4  # a step that fails is tried again at this part of its length
MEMORY = 10  # pairs of steps and gradient changes that are kept

Objective = Callable[[Tensor], tuple[Tensor, Tensor]]


def minimise(
    function: Objective, start: Tensor, steps: int, inverse: Tensor, memory: int = MEMORY
) -> Iterator[tuple[Tensor, Tensor]]:
    """Minimise N functions of d variables side by side (Nocedal and Wright 2006, algorithm 7.4).

    The initial matrix of the two-loop recursion is ``inverse``, the inverse of a Hessian that fits
    the functions on average: with it, steps of length 1 are right from the first one on. A row
    whose step brings too little (Armijo) stays where it is and tries a shorter one next time, so
    each row costs one evaluation per step, whatever the others do.

    Args:
        function: (N, d) float64 to values (N,) and gradients (N, d); row i depends on row i alone.
        start: (N, d) float64.
        steps: evaluations, at least 1; the first one is at ``start``.
        inverse: (d, d) symmetric positive definite, float64.
        memory: pairs that are kept per row.

    Yields:
        After each evaluation the best point of each row so far, (N, d), and its value, (N,).
    """
    x = start.clone()
    value, gradient = function(x)
    yield x, value
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    length = torch.ones_like(value)
    for _ in range(steps - 1):
        direction = _direction(gradient, pairs, inverse)
        tried = x - length[:, None] * direction
        new_value, new_gradient = function(tried)
        predicted = length * (gradient * direction).sum(1)
        taken = new_value <= value - ARMIJO * predicted  # false for NaN
        moved = torch.where(taken[:, None], tried - x, 0.0)
        changed = torch.where(taken[:, None], new_gradient - gradient, 0.0)
        pairs = [*pairs[-(memory - 1) :], _pair(moved, changed)]
        x, gradient = x + moved, gradient + changed
        value = torch.where(taken, new_value, value)
        length = torch.where(taken, torch.ones_like(length), length * SHRINK)
        yield x, value


def _pair(moved: Tensor, changed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return a step, its gradient change and 1 / (s y); all 0 in rows of no positive curvature."""
    product = (moved * changed).sum(1)
    good = product > 1e-10 * changed.square().sum(1)
    rho = torch.where(good, 1 / torch.where(good, product, 1.0), 0.0)
    return moved, changed, rho


def _direction(
    gradient: Tensor, pairs: list[tuple[Tensor, Tensor, Tensor]], inverse: Tensor
) -> Tensor:
    """Apply the two-loop recursion: (N, d) gradients to (N, d) directions of ascent."""
    q, factors = gradient, []
    for moved, changed, rho in reversed(pairs):
        alpha = rho * (moved * q).sum(1)
        q = q - alpha[:, None] * changed
        factors.append(alpha)
    # A sum of products, not a matrix product, whose kernel depends on how many rows there are.
    q = torch.stack([(q * row).sum(1) for row in inverse], dim=1)
    for (moved, changed, rho), alpha in zip(pairs, reversed(factors), strict=True):
        beta = rho * (changed * q).sum(1)
        q = q + (alpha - beta)[:, None] * moved
    return q
