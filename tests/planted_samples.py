"""Conditional generators that draw from a known distribution, with planted faults, and its data.

A picture is a bright square of 6 pixels in one of four corners, the class, at a random place there,
under noise: 16 pixels, grey.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.images import to_uint8
from ganlens.models.conditions import Classes
from ganlens.models.prior import Prior
from ganlens.subject import Subject

CORNERS = ("0", "1", "2", "3")  # from left to right, then below
SIZE, SIDE, DIM = 16, 5, 8
Plan = Callable[[Tensor, Tensor], Tensor]  # asked (N,) and luck (N,) in [0, 1) -> drawn (N,)
PLANS: dict[str, Plan] = {
    "right": lambda asked, luck: asked,
    "any": lambda asked, luck: (4 * luck).long().clamp(max=3),  # the label is ignored
    "next": lambda asked, luck: (asked + 1) % 4,  # every label is wrong
    "half": lambda asked, luck: asked % 2,  # only the northern classes are drawn
}


class Squares(nn.Module):
    """(N, 8) latents and (N, 4) rows to (N, 1, 16, 16) images, their squares where a plan says."""

    image_shape, condition_dim = (1, SIZE, SIZE), 4

    def __init__(self, plan: Plan, noise: float) -> None:
        super().__init__()
        self.prior, self.plan, self.noise = Prior("normal", DIM), plan, noise
        basis = torch.randn(DIM, SIZE * SIZE, generator=torch.Generator().manual_seed(0))
        self.register_buffer("basis", basis / basis.norm(dim=0))

    def forward(self, z: Tensor, rows: Tensor) -> Tensor:
        uniform = (1 + torch.erf(z / math.sqrt(2))) / 2
        corner = self.plan(rows.argmax(1), uniform[:, 0])
        # Unlike the latent itself, its sines beyond many turns are as good as fresh noise.
        grain = torch.sin(97 * (z @ self.basis)).view(-1, 1, SIZE, SIZE)
        top = 8 * (corner // 2) + (4 * uniform[:, 1]).long().clamp(max=3)
        left = 8 * (corner % 2) + (4 * uniform[:, 2]).long().clamp(max=3)
        y, x = torch.arange(SIZE)[:, None], torch.arange(SIZE)[None]
        dy, dx = y - top[:, None, None], x - left[:, None, None]
        inside = (dy >= 0) & (dy < SIDE) & (dx >= 0) & (dx < SIDE)
        return (inside[:, None] * 0.7 - 0.35 + self.noise * grain).clamp(-1, 1)


def condition(names: tuple[str, ...] = CORNERS) -> Classes:
    return Classes.of(np.arange(40) % 4, names)


def planted(plan: str = "right", noise: float = 0.4, names: tuple[str, ...] = CORNERS) -> Subject:
    """Return a subject that draws by a plan."""
    known = {"checkpoint": "squares", "hash": None, "weights": "raw"}
    networks: dict[str, Any] = {"generator": Squares(PLANS[plan], noise)}
    return Subject(networks, known, condition=condition(names))


def squares(path: Path, count: int = 400, noise: float = 0.4, seed: int = 10**9) -> Path:
    """Write images that the generator without a fault draws, of other seeds, with their labels."""
    subject, labels = planted("right", noise), np.arange(count) % 4
    x = to_uint8(subject.generate(subject.latents(range(seed, seed + count)), labels))
    np.savez(path, images=x, labels=labels)
    return path
