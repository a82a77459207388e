"""Decorrelated colours: steps of equal length are equally likely in the data's own colours."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlens.errors import GanlensError

QUANTUM = 2 / 255  # one step of 8 bits in [-1, 1]: a colour that varies less is held to vary so


@dataclass(frozen=True)
class Colours:
    """The mean and the spread of a data set's pixels.

    Lucid carries constants of ImageNet in their place.

    Attributes:
        mean: (C,) float32 in [-1, 1].
        root: (C, C) float32, the symmetric square root of the pixels' covariance: it turns
            uncorrelated numbers of variance 1 into colours with that covariance. For grey images
            it is the pixels' standard deviation.
    """

    mean: Tensor
    root: Tensor

    @classmethod
    def of(cls, batches: Iterable[Tensor]) -> "Colours":
        """Measure the colours of batches of (N, C, H, W) images in [-1, 1].

        Raises:
            GanlensError: no images.
        """
        count, total, products = 0, torch.zeros(1), torch.zeros(1)
        for batch in batches:
            pixels = batch.double().transpose(0, 1).flatten(1)
            count += pixels.shape[1]
            total, products = total + pixels.sum(1), products + pixels @ pixels.T
        if not count:
            raise GanlensError("colours of 0 images are not defined: give at least 1")
        mean = total / count
        values, vectors = torch.linalg.eigh(products / count - torch.outer(mean, mean))
        spread = values.clamp(min=QUANTUM**2).sqrt()
        return cls(mean.float(), (vectors * spread @ vectors.T).float())

    def correlate(self, x: Tensor) -> Tensor:
        """Give (N, C, H, W) uncorrelated channels of variance 1 the covariance of the data."""
        return torch.einsum("ck,nkhw->nchw", self.root.to(x), x)

    def squash(self, x: Tensor) -> Tensor:
        """Bring (N, C, H, W) correlated values into (-1, 1); zeros become the mean colour.

        tanh stands for Lucid's sigmoid, which has the same shape on [0, 1].
        """
        middle = self.mean.to(x).clamp(QUANTUM - 1, 1 - QUANTUM).atanh()
        return torch.tanh(middle[:, None, None] + x)
