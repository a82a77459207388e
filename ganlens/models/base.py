"""What ganlens asks of a network in each role."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.models.prior import Prior

SIZES = (16, 256)  # smallest and largest image that the networks of ganlens take, in pixels


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


class PairFamily:
    """The base of a family that has one class for each network and adds its own ``recognise``.

    A header keeps a network's arguments under the network's name, as ``Notes.match`` lays them.

    Attributes:
        generator_class: takes the arguments under "generator".
        discriminator_class: takes those under "discriminator"; None where no file holds one.
    """

    generator_class: ClassVar[Callable[..., Generator]]
    discriminator_class: ClassVar[Callable[..., Discriminator] | None] = None

    @property
    def roles(self) -> Mapping[str, str]:
        """Both networks; a discriminator only where the family has one."""
        names = ["generator"] + ["discriminator"] * (self.discriminator_class is not None)
        return {name: name for name in names}

    def build(
        self, arguments: Mapping[str, Any], names: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Build untrained networks, each from the arguments under its name.

        Raises:
            GanlensError: the family has no discriminator.
        """
        makers = {"generator": self.generator_class, "discriminator": self.discriminator_class}
        built = {}
        for name in arguments if names is None else names:
            if (make := makers[name]) is None:
                kind = type(self).__name__
                raise GanlensError(f"{kind} has no discriminator: take the generator")
            built[name] = make(**arguments[name])
        return built
