"""What ganlens asks of a network, and of a family of them."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from ganlens.models.prior import Prior

SIZES = (16, 256)  # smallest and largest image that the networks of ganlens take, in pixels


@runtime_checkable
class Generator(Protocol):
    """A torch module that maps (N, d) latents to (N, C, H, W) images in [-1, 1].

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
class Discriminator(Protocol):
    """A torch module that maps (N, C, H, W) images in [-1, 1] to (N,) logits, high for real.

    Attributes:
        image_shape: (C, H, W) of the images that it takes.
        feature_layers: names of the layers, in order, whose outputs the linear probe pools.
    """

    image_shape: tuple[int, int, int]
    feature_layers: tuple[str, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) images to (N,) logits."""
        ...


class Family(Protocol):
    """How a family's networks are built from plain values: one entry of MODELS.

    Attributes:
        roles: network -> the role that it plays.
    """

    @property
    def roles(self) -> Mapping[str, str]:
        """Name the family's networks, in order, and their roles."""
        ...

    def build(self, arguments: Mapping[str, Any], names: Collection[str]) -> dict[str, nn.Module]:
        """Build the untrained networks that are named from the arguments that a header keeps.

        Raises:
            GanlensError: there is no such network.
        """
        ...
