"""Protocols of the networks of each role: what they take, return and say of themselves."""

from typing import Annotated, Any, Protocol, runtime_checkable

from torch import Tensor

from ganlens.limits import Limits
from ganlens.models.prior import Prior

SIZES = (16, 256)  # smallest and largest image that the networks of ganlens take, in pixels
Pixels = Annotated[int, Limits(*SIZES)]


@runtime_checkable
class Generator(Protocol):
    """A torch module that maps (N, d) latents to (N, C, H, W) images in [-1, 1].

    One that is conditional has an attribute ``condition_dim`` above 0, and takes (N, k) rows of
    its Condition as its second argument. So do the networks of the other roles.

    Attributes:
        prior: the latent distribution it was trained with.
        image_shape: (C, H, W) of its images.
    """

    prior: Prior
    image_shape: tuple[int, int, int]

    def __call__(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to (N, C, H, W) float images in [-1, 1]."""
        ...


@runtime_checkable
class Translator(Protocol):
    """A torch module that maps (N, C, H, W) images in [-1, 1] to others.

    Attributes:
        image_shape: (C, H, W) of its output.
        source_shape: (C, H, W) of what it takes, where that is another shape.
    """

    image_shape: tuple[int, int, int]

    def __call__(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) images to images in [-1, 1]."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """A torch module that maps (N, C, H, W) images in [-1, 1] to (N, d) latents.

    Attributes:
        image_shape: (C, H, W) of the images that it takes.
        feature_layers: names of layers, in order, whose outputs serve as features.
    """

    image_shape: tuple[int, int, int]
    feature_layers: tuple[str, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Map images to latents; a tuple (mean, log variance) stands for its mean."""
        ...


@runtime_checkable
class Discriminator(Protocol):
    """A torch module that maps (N, C, H, W) images in [-1, 1] to scores, high for real.

    Attributes:
        image_shape: (C, H, W) of the images that it takes.
        feature_layers: names of the layers, in order, whose outputs the linear probe pools.
    """

    image_shape: tuple[int, int, int]
    feature_layers: tuple[str, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) images to (N,) logits, or to a map of them (a PatchGAN)."""
        ...


def source_shape(network: Any) -> tuple[int, int, int]:
    """Return (C, H, W) of the images that a network takes; of a generator, that it draws."""
    channels, height, width = getattr(network, "source_shape", network.image_shape)
    return channels, height, width
