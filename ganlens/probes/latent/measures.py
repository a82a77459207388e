"""Measures of a walk: distances between pictures, lengths of latents."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ganlens.models.prior import Prior
from ganlens.perceptual import unit_channels
from ganlens.subject import Subject

POOL = 4  # cells a side, as in the linear probe of Radford 2015, section 5.1


@dataclass(frozen=True)
class Distance:
    """A distance between pictures.

    Attributes:
        name: what the distance is called.
        embed: (N, C, H, W) images in [-1, 1] to (N, D) vectors; the Euclidean distance of two is
            the distance of the pictures.
    """

    name: str
    embed: Callable[[Tensor], Tensor]


PIXELS = Distance("pixels (RMSE)", lambda x: x.flatten(1) / 2 / math.sqrt(x[0].numel()))


def perceptual_distance(subject: Subject, batch_size: int = 64) -> Distance:
    """Return that of the discriminator's layers, pooled, by ``unit_channels``; or of pixels.

    The distance is the root of LPIPS without learned weights (Zhang 2018), with the discriminator
    in place of a network that was trained on photographs. For a generator without a discriminator
    it is that of pixels.
    """
    if subject.discriminator is None:
        return PIXELS
    layers = list(subject.discriminator.feature_layers)

    def embed(x: Tensor) -> Tensor:
        widths = [subject.features(x[:1], [layer], POOL).shape[1] for layer in layers]
        rows = subject.features(x, layers, POOL, batch_size=batch_size).split(widths, 1)
        return unit_channels([one.view(len(x), -1, POOL, POOL) for one in rows])

    return Distance(f"discriminator features (all layers, {POOL}x{POOL}, unit channels)", embed)


def expected_norm(prior: Prior) -> float:
    """Mean length of a latent: exact for a normal prior, to 1/d^2 for any other.

    With mean m and variance v of the squared length it is sqrt(m) (1 - v / (8 m^2)). A normal part
    of d coordinates adds d and 2 d, a uniform one d / 3 and 4 d / 45, a one-hot one 1 and 0.
    """
    d = prior.dim
    if prior.kind == "normal":
        return math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))
    if prior.kind == "uniform":
        return math.sqrt(d / 3) * (1 - 1 / (10 * d))
    variances = {"normal": 2.0, "uniform": 4 / 45, "categorical": 0.0}
    mean = d * prior.mean_square
    variance = sum(part.dim * variances[part.kind] for part in prior.parts)
    return math.sqrt(mean) * (1 - variance / (8 * mean**2))
