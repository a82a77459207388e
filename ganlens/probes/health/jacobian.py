"""How many directions of the latent space change the picture: singular values of dG/dz."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.functional import jvp

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
    # Each row of a batch carries a direction of its own; two backward passes give its derivative,
    # where a Jacobian by backward mode takes one pass per pixel.
    rows = [
        jvp(function, z.expand(len(part), -1).clone(), part)[1].flatten(1)
        for part in directions.split(CHUNK)
    ]
    stds = torch.as_tensor(std, dtype=torch.float64).reshape(-1, 1)
    return torch.linalg.svdvals(torch.cat(rows).double().cpu() * stds)
