"""How many directions of the latent space change the picture: singular values of dG/dz."""

from collections.abc import Callable

import torch
from torch import Tensor

CHUNK = 64  # directions at a time, each of which costs about four forward passes


def jacobian_spectrum(
    function: Callable[[Tensor], Tensor], z: Tensor, std: float | Tensor = 1.0
) -> Tensor:
    """Return the singular values of the Jacobian at one latent, largest first.

    Args:
        function: (N, d) latents to (N, ...) images, in eval mode.
        z: (d,) latent, on the function's device.
        std: of the prior's coordinates, one for all or (d,): the values are then the change of the
            image, as a norm over all its pixels, per standard deviation of the latent.

    Returns:
        (min(d, pixels),) float64 on the CPU.
    """
    directions = torch.eye(len(z), dtype=z.dtype, device=z.device)
    # A pass per latent coordinate, where backward mode takes one per pixel. Each row of the batch
    # carries a direction of its own.
    rows = [_pushed(function, z, part) for part in directions.split(CHUNK)]
    stds = torch.as_tensor(std, dtype=torch.float64).reshape(-1, 1)
    return torch.linalg.svdvals(torch.cat(rows).double().cpu() * stds)


@torch.enable_grad()
def _pushed(function: Callable[[Tensor], Tensor], z: Tensor, directions: Tensor) -> Tensor:
    """Return the (D, pixels) derivatives of the image along (D, d) directions.

    v^T J is linear in v, and its gradient by v, weighted by a direction, is J times the direction:
    two backward passes do what forward mode does (whose first use in torch warns of itself).
    """
    latents = z.detach().expand(len(directions), -1).clone().requires_grad_()
    x = function(latents).flatten(1)
    v = torch.zeros_like(x, requires_grad=True)
    (pulled,) = torch.autograd.grad(x, latents, v, create_graph=True)
    (pushed,) = torch.autograd.grad(pulled, v, directions)
    return pushed
