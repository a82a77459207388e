"""A generator whose codes do what they are told to, and real images like its own."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.models.prior import Prior
from ganlens.subject import Subject

SIZE = 16
PRIOR = Prior.of("normal 40, categorical 3, uniform 2")
LEAN = 20.0  # degrees to either side over the range of the first code


def strokes(kind: Tensor, lean: Tensor, ink: Tensor) -> Tensor:
    """Draw (N, 1, 16, 16) images in [-1, 1]: a stroke and, beneath, a mark of the class.

    Args:
        kind: (N,) index of a class: a mark on the left, none, or one on the right.
        lean: (N,) degrees that the stroke leans to the right.
        ink: (N,) brightness, 0 to 1.
    """
    middle = (SIZE - 1) / 2
    y, x = torch.meshgrid(*[torch.arange(SIZE) - middle] * 2, indexing="ij")
    shift = torch.tan(lean * math.pi / 180)[:, None, None] * -y
    stroke = (1.6 - (x - shift).abs()).clamp(0, 1) * (y.abs() <= 5)
    mark = ((y > 5.5) & (y < 7.8)).float()
    sides = torch.stack([(x < -4) * mark, 0 * mark, (x > 4) * mark])
    return ((stroke + sides[kind]).clamp(0, 1) * ink[:, None, None])[:, None] * 2 - 1


class Planted(nn.Module):
    """Maps (N, 45) latents to such strokes.

    Args:
        obeyed: share of samples whose class is that of the code; the noise decides the others.
        order: class of each value of the code.
        leaning: the first continuous code leans the stroke.
        inking: the second one changes its brightness.
    """

    condition_dim = 0
    image_shape = (1, SIZE, SIZE)
    prior = PRIOR

    def __init__(
        self,
        obeyed: float = 1.0,
        order: tuple[int, ...] = (0, 1, 2),
        *,
        leaning: bool = True,
        inking: bool = False,
    ) -> None:
        super().__init__()
        self.obeyed, self.order, self.leaning, self.inking = obeyed, order, leaning, inking
        self.register_buffer("nothing", torch.zeros(1))

    def forward(self, z: Tensor) -> Tensor:
        noise, code, uniform = PRIOR.split(z)
        chance = torch.special.ndtr(noise[:, 0])
        free = (torch.special.ndtr(noise[:, 1]) * 3).long().clamp(0, 2)
        kind = torch.where(chance < self.obeyed, torch.tensor(self.order)[code.argmax(1)], free)
        lean = LEAN * uniform[:, 0] if self.leaning else 4 * noise[:, 2]
        ink = 0.7 + 0.05 * noise[:, 3].clamp(-2, 2)
        return strokes(kind, lean, ink + 0.2 * uniform[:, 1] if self.inking else ink)


class Reads(nn.Module):
    """An encoder that gives the latents of the planted generator, as far as it can tell them.

    Args:
        certain: logit of the class that it sees.
    """

    condition_dim = 0
    image_shape = (1, SIZE, SIZE)
    feature_layers = ()

    def __init__(self, certain: float = 8.0) -> None:
        super().__init__()
        self.certain = certain

    def forward(self, x: Tensor) -> Tensor:
        light = (x[:, 0] + 1) / 2
        bottom = light[:, 14].cpu()
        kind = torch.where(bottom[:, :3].sum(1) > 0.5, 0, 1)
        kind = torch.where(bottom[:, -3:].sum(1) > 0.5, 2, kind)
        found = torch.zeros(len(x), PRIOR.dim)
        logits = self.certain * nn.functional.one_hot(kind, 3).float()
        found[:, PRIOR.columns("categorical")] = logits.softmax(1)
        return found.to(x)


def planted(encoder: nn.Module | None = None, name: str = "planted", **how: Any) -> Subject:
    """Return the planted generator as a subject."""
    networks = {"generator": Planted(**how), "encoder": encoder}
    return Subject(networks, {"checkpoint": name, "hash": name * 8, "weights": "raw"})


def save_real(path: Path, count: int = 600) -> Path:
    """Write real images of the same kind, with their classes, as an npz."""
    rng = np.random.default_rng(0)
    kind = np.arange(count) % 3
    lean, ink = rng.normal(0, 10, count), rng.uniform(0.5, 0.9, count)
    drawn = strokes(*(torch.from_numpy(a) for a in (kind, lean.astype("f4"), ink.astype("f4"))))
    pixels = ((drawn[:, 0, :, :, None] + 1) * 127.5).round().numpy().astype(np.uint8)
    np.savez(path, images=pixels, labels=kind)
    return path
