"""What ganlens asks of a network, and of a family of them; the base of most families."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from torch import Tensor

from ganlens.errors import GanlensError
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


class PairFamily:
    """The base of a family that has one class for each network and adds its own ``recognise``.

    A header keeps a network's arguments under the network's name, as ``Notes.match`` lays them.

    Attributes:
        generator_class: takes the arguments under "generator".
        discriminator_class: takes those under "discriminator"; None where no file holds one.
    """

    generator_class: ClassVar[Callable[..., Generator]]
    discriminator_class: ClassVar[Callable[..., Discriminator] | None] = None

    def generator(
        self, generator: Mapping[str, Any], discriminator: Mapping[str, Any] | None = None
    ) -> Generator:
        """Build an untrained generator."""
        return self.generator_class(**generator)

    def discriminator(
        self, discriminator: Mapping[str, Any], generator: Mapping[str, Any] | None = None
    ) -> Discriminator:
        """Build an untrained discriminator.

        Raises:
            GanlensError: the family has none.
        """
        if self.discriminator_class is None:
            raise GanlensError(f"{type(self).__name__} has no discriminator: take the generator")
        return self.discriminator_class(**discriminator)
