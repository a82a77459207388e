"""``WrappedEncoder``: any module that maps images to latents."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.models.imported.wrapped.base import Wrapped, reason, tried


class WrappedEncoder(Wrapped):
    """(N, C, H, W) images in [-1, 1] to (N, d) latents by a module that was made elsewhere.

    Args:
        network: takes images in ``output_range``; gives (N, d) or (N, d, 1, 1) latents, or a pair
            of these, the mean and the log variance of a VAE, of which the mean is taken.
        image_shape: (C, H, W).
        output_range: what -1 and 1 are for the module.

    Attributes:
        latent_dim: d.

    Raises:
        GanlensError: it does not take such images, or gives no latents.
    """

    def __init__(
        self,
        network: nn.Module,
        image_shape: Sequence[int],
        output_range: Sequence[float] = (-1.0, 1.0),
    ) -> None:
        super().__init__(network, output_range)
        channels, height, width = image_shape
        self.image_shape = (channels, height, width)
        self.latent_dim = self._find_dim()

    def forward(self, x: Tensor) -> Tensor:
        """Map images to (N, d) latents."""
        return _latents(self.network(self.own_range(x)), len(x))

    def _find_dim(self) -> int:
        try:
            return int(tried(self, torch.zeros(2, *self.image_shape)).shape[1])
        except Exception as error:  # a module of somebody else's can raise anything
            shown = " x ".join(map(str, self.image_shape))
            raise GanlensError(
                f"the encoder does not map {shown} images to latents ({reason(error):.200}): give"
                " the (C, H, W) of its images as image_shape"
            ) from error


def _latents(output: Any, count: int) -> Tensor:
    """Return (N, d): the output itself, or the first of a pair."""
    mean = output[0] if isinstance(output, tuple | list) and len(output) == 2 else output
    if not isinstance(mean, Tensor):
        raise GanlensError(f"it puts out a {type(mean).__name__}: return (N, d) latents or a pair")
    if mean.ndim < 2 or len(mean) != count or mean.shape[2:].numel() != 1:
        raise GanlensError(f"it puts out {tuple(mean.shape)}: return (N, d) latents")
    return mean.flatten(1)
