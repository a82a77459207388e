"""The objective of K one-vs-rest L2-SVMs, and the exact line search that both solvers share."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.svm.design import Design


@dataclass(frozen=True)
class Solution:
    """What a solver hands back.

    Attributes:
        weights: (K, D + 1), for scaled features; the last column is the intercept.
        objective: (K,) float64.
        gap: (K,) float64, the duality gap as a share of the objective.
        iterations: Newton steps, the most that any column took.
        passes: reads of the whole feature array.
    """

    weights: Tensor
    objective: Tensor
    gap: Tensor
    iterations: int
    passes: int


@dataclass(frozen=True)
class Problem:
    """Signs and costs of K columns over one design.

    Attributes:
        design: the features.
        signs: (K, N) of -1 and +1, or 0 where a sample is left out; of the design's dtype.
        cost: (K, 1), the C of each column; of the same.
    """

    design: Design
    signs: Tensor
    cost: Tensor

    @classmethod
    def of(cls, design: Design, signs: Tensor | np.ndarray, c: object) -> "Problem":
        """Check the shapes and move everything to where the features are.

        Raises:
            GanlensError: shapes or signs that do not fit, or a cost that is not positive.
        """
        y = torch.as_tensor(signs).to(design.device, design.dtype)
        if y.ndim != 2 or y.shape[1] != len(design.x):
            raise GanlensError(
                f"signs of shape {tuple(y.shape)} do not fit {len(design.x)} rows: give (K, N)"
            )
        if not bool(torch.isin(y, torch.tensor([-1.0, 0.0, 1.0]).to(y)).all()):
            raise GanlensError("signs other than -1, 0 and 1: give -1 or +1, or 0 to leave one out")
        with np.errstate(over="ignore"):
            narrow = np.asarray(c, np.float32)
        fits = torch.as_tensor((narrow > 0) & (narrow < np.inf))
        cost = torch.as_tensor(np.asarray(c, np.float64), dtype=design.dtype, device=design.device)
        cost = cost.reshape(-1, 1)
        if len(cost) not in (1, len(y)) or not bool(fits.all()):
            raise GanlensError(f"C {c} is not valid: give one positive number, or one per column")
        return cls(design, y, cost.expand(len(y), 1))

    def widened(self) -> "Problem":
        """Return the problem in float64."""
        design = replace(self.design, dtype=torch.float64)
        return Problem(design, self.signs.double(), self.cost.double())

    def rows(self, keep: Tensor | slice) -> "Problem":
        """Return the problem of some of the columns."""
        return Problem(self.design, self.signs[keep], self.cost[keep])

    def slack(self, values: Tensor) -> Tensor:
        """Return (K, N) max(0, 1 - y f), with 0 where the sample is left out."""
        return (1 - self.signs * values).clamp_min_(0).mul_(self.signs.abs())

    def objective(self, square: Tensor, slack: Tensor) -> Tensor:
        """Return (K,) float64 objectives from the weights' squared norms and the slack."""
        return 0.5 * square + self.cost[:, 0].double() * dot(slack, slack)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Return (K,) row-wise inner products of (K, N) tensors, accumulated in float64."""
    return torch.stack([torch.dot(p.double(), q.double()) for p, q in zip(a, b, strict=True)])


def line_search(
    problem: Problem, values: Tensor, change: Tensor, constant: Tensor, linear: Tensor
) -> Tensor:
    """Minimise the objective exactly along one direction per column.

    The derivative is piecewise linear and rises: Newton steps on it, kept within a bracket.

    Args:
        problem: K columns.
        values: (K, N) values f at length 0.
        change: (K, N) by which the values move per unit of length.
        constant: (K,) float64 inner products of weights and direction.
        linear: (K,) float64 squared norms of the direction.

    Returns:
        (K, 1) lengths.
    """
    cost = problem.cost[:, 0].double()
    low, high = torch.zeros_like(cost), torch.full_like(cost, torch.inf)
    length = torch.ones_like(cost)
    moved = problem.signs * change
    for _ in range(20):
        slack = problem.slack(values + length.to(change.dtype)[:, None] * change)
        slope = constant + length * linear - 2 * cost * dot(slack, moved)
        bend = linear + 2 * cost * dot((slack > 0) * moved, moved)
        low, high = torch.where(slope < 0, length, low), torch.where(slope < 0, high, length)
        target = length - slope / bend.clamp_min(1e-300)
        middle = torch.where(torch.isinf(high), 2 * length, 0.5 * (low + high))
        target = torch.where((target > low) & (target < high), target, middle)
        done = (target - length).abs() <= 1e-4 * length
        length = target
        if bool(done.all()):
            break
    return length.to(change.dtype)[:, None]
