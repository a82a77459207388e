"""Where a search starts and how its coordinates are scaled, both learned from generated images."""

from typing import Any

import torch
from torch import Tensor

from ganlens.inversion.objective import Coordinates, Residuals

RIDGE = 0.05  # of the mean squared norm of the centred pool: what a 100-d DCGAN inverts best with
DAMPING = 0.05  # of the metric's mean eigenvalue
JACOBIANS = 8  # latents over which the metric is averaged
STEP = 0.05  # by which each coordinate is moved to see what it does
DIRECTIONS = 32  # moved latents that are drawn at a time


class Encoder:
    """Ridge regression of coordinates on pixels, fitted to generated pairs.

    Args:
        images: (M, C, H, W) generated images.
        coordinates: (M, d), what they were drawn from.
    """

    def __init__(self, images: Tensor, coordinates: Tensor) -> None:
        pixels = images.flatten(1)
        self.mean = pixels.mean(0)
        self.target = coordinates.mean(0)
        centred = pixels - self.mean
        gram = (centred @ centred.T).double()  # (M, M): cheaper than pixels by pixels, and exact
        gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), device=gram.device)
        factor = torch.linalg.cholesky(gram)
        dual = torch.cholesky_solve((coordinates - self.target).double(), factor)
        self.weights = centred.T @ dual.float()

    def __call__(self, images: Tensor) -> Tensor:
        """Guess the (N, d) coordinates of (N, C, H, W) images, one by one."""
        rows = (images.flatten(1) - self.mean).unsqueeze(1)
        return torch.cat([row @ self.weights for row in rows]) + self.target


def nearest_of_pool(images: Tensor, pool: Tensor, count: int) -> Tensor:
    """Return (N, count) indices of the pool's nearest images in pixels, nearest first."""
    flat = pool.flatten(1)
    found = [(flat - row.flatten()).square().sum(1) for row in images]
    return torch.stack([torch.topk(d, count, largest=False).indices for d in found])


def mean_metric(
    generator: Any, residuals: Residuals, coordinates: Coordinates, u: Tensor
) -> Tensor:
    """Return the mean of J^T J over latents: (d, d) float64, the mean Gauss-Newton matrix.

    J is the Jacobian of the weighted residuals in the coordinates. It says by how much, on average,
    a step along each direction changes the picture. Differences over a step that a search might
    take serve better here than derivatives: they are exact enough to scale by, cost half, average
    over the kinks of ReLUs, and ask nothing of a network but its forward pass.

    Args:
        generator: (N, d) float32 to images.
        residuals: what the loss compares.
        coordinates: in which the search runs.
        u: (K, d) coordinates of draws from the prior.
    """
    d = u.shape[1]
    steps = STEP * torch.eye(d, device=u.device)

    @torch.no_grad()
    def vectors(part: Tensor) -> Tensor:
        return torch.cat(residuals.parts(generator(coordinates.latents(part))), dim=1)

    metric = torch.zeros(d, d, dtype=torch.float64, device=u.device)
    for row in u.float():
        here = vectors(row[None])
        moved = torch.cat([vectors(row + part) - here for part in steps.split(DIRECTIONS)])
        metric += (moved @ moved.T).double() / (STEP**2 * len(u))
    return metric


def inverse_hessian(metric: Tensor, damping: float = DAMPING) -> Tensor:
    """Return the inverse of the Gauss-Newton Hessian 2 (metric + damping): (d, d) float64.

    The damping, in parts of the mean eigenvalue, keeps directions that hardly show in the picture
    from taking steps far beyond where the linear model holds.
    """
    scale = metric.diagonal().mean().clamp_min(1e-12)
    eye = torch.eye(len(metric), dtype=metric.dtype, device=metric.device)
    return torch.linalg.inv(2 * (metric + damping * scale * eye))
