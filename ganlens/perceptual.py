"""How far apart pictures look, and how long a walk between them is: arrays in, numbers out.

``unit_channels`` turns the feature maps of any network into vectors whose distance is that of
LPIPS without learned weights (Zhang 2018, arXiv 1801.03924). ``path_lengths`` measures how fast
what a generator draws changes on the way between two latents (Karras 2019, arXiv 1812.04948).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlens.errors import GanlensError

EPSILON = 1e-4  # of a leg; on images rounded to bytes it would measure the rounding
KEPT = (1.0, 99.0)  # percentiles between which lengths are kept, as Karras 2019


def unit_channels(maps: Sequence[Tensor]) -> Tensor:
    """Embed pictures so that distances between the rows are perceptual distances.

    At each position of each layer the channels are scaled to unit length, so that every layer has
    the same say however large its values are. The squared distance of two rows is the LPIPS of
    Zhang 2018 without learned weights: squared differences summed over channels, averaged over
    positions, summed over layers. It lies between 0 and 4 per layer.

    Args:
        maps: one (N, C, h, w) tensor per layer; sizes may differ between layers.

    Returns:
        (N, D) with D the sum of C * h * w over the layers.
    """
    rows = []
    for one in maps:
        length = one.norm(dim=1, keepdim=True).clamp_min(1e-10)
        rows.append((one / length / math.sqrt(one[0, 0].numel())).flatten(1))
    return torch.cat(rows, 1)


def path_lengths(
    a: Tensor,
    b: Tensor,
    t: Tensor,
    *,
    route: Callable[[Tensor, Tensor, Tensor], Tensor],
    embed: Callable[[Tensor], Tensor],
    epsilon: float = EPSILON,
) -> Tensor:
    """Measure the squared speed of what is drawn at one place on each of N ways.

    Args:
        a: (N, d) latents where the ways start.
        b: (N, d) latents where they end.
        t: (N,) places on them, 0 to 1.
        route: goes from (d,) to (d,) at (T,) positions: (T, d), as ``interpolation.slerp``.
        embed: (M, d) latents to (M, D) vectors whose distance is the distance of the pictures;
            of float pictures, not of bytes.
        epsilon: step along the way, in parts of it.

    Returns:
        (N,) float64: squared distance of the pictures at t and t + epsilon, over epsilon squared.

    Raises:
        GanlensError: an epsilon that is not between 0 and 1.
    """
    if not 0 < epsilon < 1:
        raise GanlensError(
            f"epsilon {epsilon:g} is no step: give above 0 and below 1, as {EPSILON:g}"
        )
    places = torch.stack([t, t + epsilon], 1)
    ends = torch.stack([route(*way) for way in zip(a, b, places, strict=True)])
    vectors = embed(ends.flatten(0, 1)).double().view(len(a), 2, -1)
    return (vectors[:, 1] - vectors[:, 0]).square().sum(1) / epsilon**2


@dataclass(frozen=True)
class PathLength:
    """The mean of what ``path_lengths`` measured.

    Attributes:
        mean: of the lengths that were kept.
        error: standard error of that mean.
        n: lengths that were measured.
        kept: lengths that lie between the two percentiles.
    """

    mean: float
    error: float
    n: int
    kept: int


def mean_length(lengths: Tensor, percentiles: tuple[float, float] = KEPT) -> PathLength:
    """Average path lengths between two percentiles, both included, as the code of Karras 2019 does.

    Args:
        lengths: (N,), N at least 2.
        percentiles: lower and upper, 0 to 100; the bounds are themselves measured lengths.

    Raises:
        GanlensError: fewer than 2 lengths, some that are not finite, or percentiles that are not
            two numbers from 0 to 100 in ascending order.
    """
    if len(percentiles) != 2 or not 0 <= percentiles[0] <= percentiles[1] <= 100:
        raise GanlensError(
            f"percentiles {percentiles}: give two from 0 to 100, the lower one first"
        )
    if len(lengths) < 2:
        raise GanlensError(f"a path length of {len(lengths)} pairs has no error: give at least 2")
    values = lengths.double()
    if not bool(torch.isfinite(values).all()):
        raise GanlensError("path lengths hold NaN or infinity: check the network behind them")
    low, high = (
        torch.quantile(values, share / 100, interpolation=side)
        for share, side in zip(percentiles, ("lower", "higher"), strict=True)
    )
    kept = values[(values >= low) & (values <= high)]
    error = float(kept.std()) / math.sqrt(len(kept)) if len(kept) > 1 else 0.0
    return PathLength(float(kept.mean()), error, len(values), len(kept))
