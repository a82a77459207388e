"""Gradient ascent from an almost even image to one that excites a unit, many units at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.visualization.colours import Colours
from ganlens.visualization.fourier import draw_spectrum, to_pixels
from ganlens.visualization.shake import Shake, affine

RATE = 5e-2  # Adam's step size in Lucid


@dataclass(frozen=True)
class Ascent:
    """The images at a step, before they are moved on.

    Attributes:
        step: which one, from 1.
        images: (U, C, H, W) float32 in (-1, 1), detached.
        reached: (U,) activations of the shaken images.
    """

    step: int
    images: Tensor
    reached: Tensor


def ascend(
    objective: Callable[[Tensor], Tensor],
    count: int,
    shape: tuple[int, int, int],
    colours: Colours,
    steps: int = 512,
    shake: Shake | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Iterator[Ascent]:
    """Maximise ``objective(x)[i]`` by ``x[i]``, for every i at once (Adam in Fourier space).

    Adam scales each coefficient by itself, so no image depends on the others of its batch, nor on
    the units of an activation. All images begin alike and are moved alike: what tells them apart
    is what the units like.

    Args:
        objective: (U, C, H, W) images to (U,) activations, differentiable.
        count: U.
        shape: (C, H, W) with H = W.
        colours: of the data.
        steps: at least 1; 512 in Lucid.
        shake: random moves before every step; None leaves the images where they are.
        seed: of the first image and of the moves.
        device: where the objective computes.

    Yields:
        The images at every step.

    Raises:
        GanlensError: steps below 1, or activations that no pixel changes.
    """
    if steps < 1:
        raise GanlensError(f"steps {steps} is too small: give at least 1")
    stream = torch.Generator().manual_seed(seed)
    start = draw_spectrum(shape, stream).expand(count, *_spectrum(shape), 2).clone()
    spectrum = start.to(device).requires_grad_()
    adam = torch.optim.Adam([spectrum], RATE)
    for step in range(1, steps + 1):
        with torch.enable_grad():
            x = to_pixels(spectrum, shape[2], colours)
            moved = x if shake is None else affine(x, shake.draw(shape[2], stream))
            reached = objective(moved)
            if not reached.requires_grad:
                raise GanlensError("no pixel changes these activations: choose another layer")
            (gradient,) = torch.autograd.grad(-reached.sum(), spectrum)
        yield Ascent(step, x.detach(), reached.detach())
        spectrum.grad = gradient
        adam.step()


def _spectrum(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    channels, height, width = shape
    return channels, height, width // 2 + 1
