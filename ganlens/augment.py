"""Differentiable augmentation of what D sees (DiffAugment, Zhao 2020, arXiv 2006.10738).

Real and generated batches go through the same random transforms and gradients flow back to the
generator, so that a small data set is not memorised by the discriminator while the generator never
learns to draw the transforms themselves.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.errors import one_of


def augment(x: Tensor, policy: str, generator: torch.Generator) -> Tensor:
    """Apply a policy to a batch.

    Args:
        x: (N, C, H, W) images in [-1, 1].
        policy: comma-separated names out of ``POLICIES``; empty for none.
        generator: source of the randomness, on the CPU, so that every device draws the same.

    Returns:
        (N, C, H, W), differentiable with respect to ``x``.
    """
    for name in names(policy):
        x = POLICIES[name](x, generator)
    return x


def names(policy: str) -> list[str]:
    """Split a policy into its transforms; raises GanlensError for one that is not known."""
    chosen = [name.strip() for name in policy.split(",") if name.strip()]
    for name in chosen:
        if name not in POLICIES:
            raise one_of("augmentation", name, POLICIES)
    return chosen


def _uniform(x: Tensor, generator: torch.Generator, columns: int = 1) -> Tensor:
    return torch.rand(len(x), columns, generator=generator).to(x.device)


def color(x: Tensor, generator: torch.Generator) -> Tensor:
    """Random brightness (+-0.5 of the range), saturation (0 to 2) and contrast (0.5 to 1.5)."""
    u = _uniform(x, generator, 3)[:, :, None, None, None]
    x = x + (u[:, 0] - 0.5)
    grey = x.mean(dim=1, keepdim=True)
    x = (x - grey) * (2 * u[:, 1]) + grey
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return (x - mean) * (u[:, 2] + 0.5) + mean


def translation(x: Tensor, generator: torch.Generator) -> Tensor:
    """Shift by up to 1/8 of the side both ways, filling with 0 (mid-grey), as its authors do."""
    height, width = x.shape[-2:]
    reach_y, reach_x = int(height / 8 + 0.5), int(width / 8 + 0.5)
    u = torch.rand(len(x), 2, generator=generator)
    shift_y = (u[:, 0] * (2 * reach_y + 1)).floor().long() - reach_y
    shift_x = (u[:, 1] * (2 * reach_x + 1)).floor().long() - reach_x
    padded = F.pad(x, (reach_x, reach_x, reach_y, reach_y))
    corners = zip((shift_y + reach_y).tolist(), (shift_x + reach_x).tolist(), strict=True)
    # Windows of one padded batch: ten times faster on a CPU than an index for every pixel.
    moved = [padded[i, :, y : y + height, x_ : x_ + width] for i, (y, x_) in enumerate(corners)]
    return torch.stack(moved).contiguous(memory_format=torch.channels_last)


def cutout(x: Tensor, generator: torch.Generator) -> Tensor:
    """Set a square of half the side, at a random place, to 0 (mid-grey)."""
    height, width = x.shape[-2:]
    size_y, size_x = int(height / 2 + 0.5), int(width / 2 + 0.5)
    u = _uniform(x, generator, 2)
    top = (u[:, 0] * (height + 1 - size_y % 2)).floor() - size_y // 2
    left = (u[:, 1] * (width + 1 - size_x % 2)).floor() - size_x // 2
    rows, columns = (torch.arange(n, device=x.device)[None, :] for n in (height, width))
    inside_y = (rows >= top[:, None]) & (rows < top[:, None] + size_y)
    inside_x = (columns >= left[:, None]) & (columns < left[:, None] + size_x)
    return x * ~(inside_y[:, None, :, None] & inside_x[:, None, None, :])


POLICIES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "color": color,
    "translation": translation,
    "cutout": cutout,
}
