"""What ganlens asks of a network: the Generator and Discriminator protocols."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from torch import Tensor

from ganlens.models.prior import Prior
from ganlens.models.recognition import Answers, Match, Weights

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
    """How a family is built from plain values, and recognised: one entry of MODELS."""

    @property
    def generator(self) -> Callable[..., Generator]:
        """Build an untrained generator from the arguments that a header keeps, by name."""
        ...

    @property
    def discriminator(self) -> Callable[..., Discriminator]:
        """Build an untrained discriminator from the same arguments."""
        ...

    def recognise(self, weights: Weights, answers: Answers) -> Match | None:
        """Tell what a foreign file's tensors are, or None where their names are not known here.

        Raises:
            GanlensError: the names are those of this family, and the shapes do not fit them.
        """
        ...
