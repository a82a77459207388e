"""Any torch modules as the networks of a Subject: copied, wrapped and tried."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from torch import nn

from ganlens.errors import GanlensError
from ganlens.models.conditions import Classes, Condition
from ganlens.models.prior import Prior
from ganlens.models.wrapped import WrappedDiscriminator, WrappedGenerator


def wrapped(
    generator: nn.Module | None,
    discriminator: nn.Module | None,
    prior: Prior | str,
    output_range: Sequence[float],
    latent_dim: int | None,
    image_shape: Sequence[int] | None,
    classes: int | None,
    label: int,
) -> tuple[dict[str, nn.Module], Condition | None]:
    """Return the networks by name, and what they are told; the arguments are those of ``Subject.from_modules``.

    Raises:
        GanlensError: the modules do not fit this, with what was tried.
    """
    found: dict[str, Any] = {}
    if generator is not None:
        if not isinstance(prior, Prior):
            dim = latent_dim if latent_dim is not None else _first_width(generator)
            prior = Prior(prior, dim)  # type: ignore[arg-type]
        made = WrappedGenerator(deepcopy(generator), prior, output_range, classes, label)
        found["generator"], image_shape = made, made.image_shape
    if discriminator is not None:
        if image_shape is None:
            raise GanlensError("a discriminator alone needs image_shape: give (C, H, W)")
        found["discriminator"] = WrappedDiscriminator(
            deepcopy(discriminator), image_shape, output_range
        )
    condition = None if classes is None else Classes.numbered(classes, label)
    return found, condition


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
