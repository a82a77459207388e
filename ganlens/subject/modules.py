"""Any torch modules as the networks of a Subject: copied, wrapped and tried."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from ganlens.activations.copying import copied
from ganlens.errors import GanlensError
from ganlens.models.conditions import Classes, Condition
from ganlens.models.imported.wrapped import (
    WrappedDiscriminator,
    WrappedEncoder,
    WrappedGenerator,
    wrap,
)
from ganlens.models.prior import Prior


def wrapped(
    generator: nn.Module | None,
    discriminator: nn.Module | None,
    encoder: nn.Module | None,
    prior: Prior | str,
    output_range: Sequence[float],
    latent_dim: int | None,
    image_shape: Sequence[int] | None,
    classes: int | None,
    label: int,
) -> tuple[dict[str, nn.Module], Condition | None]:
    """Return networks by name, and their condition.

    The arguments are those of ``Subject.from_modules``.

    Raises:
        GanlensError: the modules do not fit this, with what was tried.
    """
    found: dict[str, Any] = {}
    if generator is not None:
        made = wrap(
            copied(generator), prior, output_range, latent_dim=latent_dim,
            image_shape=image_shape, classes=classes, label=label,
        )  # fmt: skip
        found["generator" if isinstance(made, WrappedGenerator) else "translator"] = made
        image_shape = made.image_shape
    others = {"discriminator": (discriminator, WrappedDiscriminator),
              "encoder": (encoder, WrappedEncoder)}  # fmt: skip
    for name, (module, wrapper) in others.items():
        if module is None:
            continue
        if image_shape is None:
            raise GanlensError(f"a {name} alone needs image_shape: give (C, H, W)")
        found[name] = wrapper(copied(module), image_shape, output_range)
    condition = None if classes is None else Classes.numbered(classes, label)
    return found, condition
