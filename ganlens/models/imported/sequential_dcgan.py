"""The DCGAN of pytorch/examples and of the PyTorch tutorial, and its kin: one ``main`` of layers.

Convolutions are 4x4 without biases; the generator's first one makes a map of its own kernel's size
out of a latent, every other one doubles (stride 2, padding 1), and the discriminator mirrors it.
Other kernels, strides, biases, norms and activations are arguments. The sigmoid at the
discriminator's end is left out: ganlens works with logits.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.models.imported.layers import activation, enlarged, norm, reduced
from ganlens.models.imported.output import Pixels, leaky
from ganlens.models.imported.pair import PairFamily
from ganlens.models.prior import Prior

KERNEL, DOUBLING = (4, 4), (2, 1, 0)  # of every convolution but a generator's first


class SequentialGenerator(nn.Module):
    """(N, d) latents to (N, C, H, W) images in [-1, 1]; layers ``main.0``, ``main.1`` ...

    Args:
        latent_dim: d.
        widths: feature maps of every layer but the last, in order.
        channels: C.
        start: (H, W) of the first map.
        prior: "normal" or "uniform".
        bn_eps: what the norms add to the variance.
        output: arguments of ``Pixels``.
        kernels: (height, width) of every kernel but the first; 4 x 4 by default.
        geometry: stride, padding and output padding of every convolution but the first, which by
            default doubles the map.
        biases: whether each convolution has one; by default none has.
        norms: a name of ``layers.NORM_NAMES`` after each convolution; by default "batch" after all
            but the last.
        activation: a name of ``layers.ACTIVATION_NAMES``.
        slope: of "leaky-relu" below 0.

    Raises:
        GanlensError: these describe images without pixels.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        channels: int,
        start: Sequence[int],
        prior: str,
        bn_eps: float,
        output: Mapping[str, Any],
        kernels: Sequence[Sequence[int]] | None = None,
        geometry: Sequence[Sequence[int]] | None = None,
        biases: Sequence[bool] | None = None,
        norms: Sequence[str] | None = None,
        activation: str = "relu",
        slope: float = 0.2,
    ) -> None:
        super().__init__()
        self.prior = Prior(prior, latent_dim)  # type: ignore[arg-type]
        count = len(widths) + 1
        kernels = [start, *(kernels or [KERNEL] * len(widths))]
        geometry = [(1, 0, 0), *(geometry or [DOUBLING] * len(widths))]
        norms = norms or ["batch"] * len(widths) + ["none"]
        sides = [1, 1]
        layers: list[nn.Module] = []
        for i, (in_, out) in enumerate(pairwise((latent_dim, *widths, channels))):
            layers.append(_up(in_, out, kernels[i], geometry[i], bool(biases and biases[i])))
            sides = [enlarged(s, k, geometry[i]) for s, k in zip(sides, kernels[i], strict=True)]
            layers += norm(norms[i], out, bn_eps)
            layers += [_activation(activation, slope)] if i < count - 1 else []
        if min(sides) < 1:
            raise GanlensError(f"images would have {sides[0]} x {sides[1]} pixels")
        self.image_shape = (channels, *sides)
        self.main = nn.Sequential(*layers, Pixels(**output))

    def forward(self, z: Tensor) -> Tensor:
        """Map (N, d) latents to images."""
        return self.main(z.flatten(1)[:, :, None, None])


def _up(
    in_: int, out: int, kernel: Sequence[int], geometry: Sequence[int], bias: bool
) -> nn.Module:
    stride, padding, extra = geometry
    height, width = kernel
    return nn.ConvTranspose2d(in_, out, (height, width), stride, padding, extra, bias=bias)


_activation = activation  # an argument of the generator has the function's name


class SequentialDiscriminator(nn.Module):
    """(N, C, H, W) images in [-1, 1] to (N,) logits; layers ``main.0``, ``main.1`` ...

    Args:
        widths: feature maps of every layer but the last, in order.
        channels: C.
        start: (H, W) of the last kernel, which one logit is read off.
        bn_eps: what the norms add to the variance.
        slope: of the leaky ReLUs.
        kernels: (height, width) of every kernel but the last; 4 x 4 by default.
        geometry: stride, padding and 0 of every convolution; by default all halve the map, and the
            last one covers what is left of it.
        biases: whether each convolution has one; by default none has.
        norms: a name of ``layers.NORM_NAMES`` after each convolution; by default "batch" after all
            but the first and the last.
        size: (H, W) of the images; by default what the default geometry reduces to ``start``.

    Raises:
        GanlensError: images of that size would not become one logit.
    """

    def __init__(
        self,
        widths: Sequence[int],
        channels: int,
        start: Sequence[int],
        bn_eps: float,
        slope: float,
        kernels: Sequence[Sequence[int]] | None = None,
        geometry: Sequence[Sequence[int]] | None = None,
        biases: Sequence[bool] | None = None,
        norms: Sequence[str] | None = None,
        size: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        height, width = size or (side * 2 ** len(widths) for side in start)
        self.image_shape = (channels, height, width)
        kernels = [*(kernels or [KERNEL] * len(widths)), start]
        geometry = geometry or [*[DOUBLING] * len(widths), (1, 0, 0)]
        norms = norms or ["none", *["batch"] * (len(widths) - 1), "none"]
        layers: list[nn.Module] = []
        active = []
        sides = [height, width]
        for i, (in_, out) in enumerate(pairwise((channels, *widths, 1))):
            stride, padding, _ = geometry[i]
            kernel = (kernels[i][0], kernels[i][1])
            bias = bool(biases and biases[i])
            layers.append(nn.Conv2d(in_, out, kernel, stride, padding, bias=bias))
            sides = [reduced(s, k, geometry[i]) for s, k in zip(sides, kernel, strict=True)]
            layers += norm(norms[i], out, bn_eps)
            if i < len(widths):
                active.append(f"main.{len(layers)}")
                layers.append(leaky(slope))
        if sides != [1, 1]:
            raise GanlensError(
                f"images of {height} x {width} become {sides[0]} x {sides[1]} logits"
            )
        self.main = nn.Sequential(*layers)
        self.feature_layers = tuple(active)

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        return self.main(x).flatten()


class SequentialDCGAN(PairFamily):
    """Either network from its own arguments."""

    generator_class = SequentialGenerator
    discriminator_class = SequentialDiscriminator
