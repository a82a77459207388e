"""``wrap``: a module that draws, as a generator or as a translator, whichever it is."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

from torch import nn

from ganlens.errors import GanlensError
from ganlens.models.imported.wrapped.base import CHANNELS
from ganlens.models.imported.wrapped.generator import WrappedGenerator
from ganlens.models.imported.wrapped.translator import WrappedTranslator
from ganlens.models.prior import Prior

Drawing = WrappedGenerator | WrappedTranslator


def wrap(
    network: nn.Module,
    prior: Prior | str = "normal",
    output_range: Sequence[float] = (-1.0, 1.0),
    *,
    latent_dim: int | None = None,
    image_shape: Sequence[int] | None = None,
    classes: int | None = None,
    label: int = 0,
) -> Drawing:
    """Wrap a module that maps latents, or images, to images; running it tells which of the two.

    A Prior or a ``latent_dim`` asks for a generator. Without them both are tried: latents as wide
    as the first layer takes, and blank images of ``image_shape``; images first where the first
    layer looks like one for images.

    Args:
        network: the module, used as it is.
        prior: "normal", "uniform", or a Prior, which knows the latents' width too.
        output_range: what black and white are for the module.
        latent_dim: coordinates of a latent.
        image_shape: (C, H, W) of the images that a translator takes.
        classes: number of labels, or width of the rows, that it takes beside.
        label: the class where none is named.

    Raises:
        GanlensError: it is neither; the message lists what was tried.
    """
    options: dict[str, Any] = {"output_range": output_range, "classes": classes, "label": label}
    if isinstance(prior, Prior):
        return WrappedGenerator(network, prior, **options)
    if latent_dim is not None:
        return WrappedGenerator(network, Prior(prior, latent_dim), **options)  # type: ignore[arg-type]
    width, by_images = first_width(network), _begins_with_images(network, image_shape)
    if image_shape is None and by_images:
        raise GanlensError(
            f"the network's first layer takes {width} channels, as those of an image: give the"
            " (C, H, W) of its images as image_shape, or latent_dim if it takes latents"
        )
    ways: list[Callable[[], Drawing]] = []
    if width is not None:
        latents = Prior(prior, width)  # type: ignore[arg-type]
        ways.append(partial(WrappedGenerator, network, latents, **options))
    if image_shape is not None:
        ways.insert(
            0 if by_images else len(ways),
            partial(WrappedTranslator, network, image_shape, **options),
        )
    return _first(ways, "" if image_shape else ", or image_shape if it maps images to images")


def _first(ways: Sequence[Callable[[], Drawing]], advice: str) -> Drawing:
    """Return what the first way that works makes; advice ends the error of a single one."""
    failed: list[str] = []
    for way in ways:
        try:
            return way()
        except GanlensError as error:
            failed.append(str(error))
    if not failed:
        raise GanlensError(
            "the network has no layer that tells the width of a latent: give latent_dim, or"
            " image_shape if it maps images to images"
        )
    if len(failed) == 1:
        raise GanlensError(failed[0] + advice)
    raise GanlensError(
        f"the network is neither a generator nor a translator, both were tried: {'; '.join(failed)}"
    )


def first_width(network: nn.Module) -> int | None:
    """Return the inputs of the first layer with a matrix or kernel; None where there is none.

    Of a generator without conditions they are the coordinates of a latent.
    """
    if (layer := _first_layer(network)) is not None:
        return int(layer.in_features if hasattr(layer, "in_features") else layer.in_channels)
    for value in network.state_dict().values():  # of a program, whose layers tell nothing
        if value.ndim in (2, 4):  # (out, in), or (in, out, h, w) of a transposed convolution
            return int(value.shape[1 if value.ndim == 2 else 0])
    return None


def _first_layer(network: nn.Module) -> Any:
    for part in network.modules():
        width = getattr(part, "in_features", getattr(part, "in_channels", None))
        if isinstance(width, int) and hasattr(part, "weight"):  # whole networks say theirs, too
            return part
    return None


def _begins_with_images(network: nn.Module, shape: Sequence[int] | None) -> bool:
    """Tell whether the first layer looks like one for images, and not for latents."""
    layer, width = _first_layer(network), first_width(network)
    if isinstance(layer, nn.Conv2d):
        return shape is not None or CHANNELS[0] <= layer.in_channels <= CHANNELS[1]
    return shape is not None and width == prod(shape)
