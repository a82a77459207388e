"""A Subject of any torch modules: ``Subject.from_modules``."""

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ganlens.errors import GanlensError
from ganlens.models.imported.wrapped import WrappedDiscriminator, WrappedGenerator
from ganlens.models.prior import Prior

if TYPE_CHECKING:
    from ganlens.subject.subject import Subject


def from_modules(
    cls: type["Subject"],
    generator: nn.Module | None,
    discriminator: nn.Module | None = None,
    prior: Prior | str = "normal",
    output_range: Sequence[float] = (-1.0, 1.0),
    *,
    latent_dim: int | None = None,
    image_shape: Sequence[int] | None = None,
    classes: int | None = None,
    label: int = 0,
    name: str = "modules",
    device: torch.device | str = "cpu",
) -> "Subject":
    """Probe any torch modules, as they are; they are copied, so that training may go on.

    Args:
        cls: Subject, whose class method this is.
        generator: maps (N, d) or (N, d, 1, 1) latents, and (N,) labels (or one-hot rows) if
            there are classes, to (N, C, H, W) images of 1 to 4 channels. Or None.
        discriminator: maps such images, in ``output_range``, to one or several logits each.
        prior: "normal", "uniform", or a Prior, which knows the latents' width too.
        output_range: what black and white are for these modules: (-1, 1), or (0, 1).
        latent_dim: coordinates of a latent; by default what the first layer takes.
        image_shape: (C, H, W), needed only by a discriminator without a generator.
        classes: number of labels of a class-conditional generator.
        label: the class that is drawn where none is named.
        name: what to call them.
        device: where to compute.

    Raises:
        GanlensError: the modules do not fit this, with what was tried.
    """
    wrapped: Any = None
    if generator is not None:
        if not isinstance(prior, Prior):
            dim = latent_dim if latent_dim is not None else _first_width(generator)
            prior = Prior(prior, dim)  # type: ignore[arg-type]
        wrapped = WrappedGenerator(deepcopy(generator), prior, output_range, classes, label)
        image_shape = wrapped.image_shape
    judge: Any = None
    if discriminator is not None:
        if image_shape is None:
            raise GanlensError("a discriminator alone needs image_shape: give (C, H, W)")
        judge = WrappedDiscriminator(deepcopy(discriminator), image_shape, output_range)
    return cls(wrapped, judge, {"checkpoint": name, "hash": None}, device)


def _first_width(network: nn.Module) -> int:
    """Return the inputs of the first layer with a matrix or kernel: the width of a latent.

    Raises:
        GanlensError: there is no such layer.
    """
    for part in network.modules():
        for name in ("in_features", "in_channels"):
            if isinstance(width := getattr(part, name, None), int):
                return width
    raise GanlensError(
        "the generator has no layer that tells the width of a latent: give latent_dim"
    )
