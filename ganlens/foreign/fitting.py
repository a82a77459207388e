"""What running statistics tell of a generator: its prior, its activation, its strides.

Batch norm keeps the mean and the variance of what reaches it. Latents drawn anew and sent through
the same weights reach it with the same ones, if what lies between is what lay there in training;
another activation or stride gives others. Batch norm on the way uses the statistics of the batch,
as in training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.models.imported.layers import Geometry, activation, enlarged
from ganlens.models.prior import Prior

# What is tried, in the order in which it is usual: of two that fit alike, the first is taken.
ACTIVATIONS: tuple[tuple[str, float], ...] = (
    ("relu", 0.0), ("leaky-relu", 0.2), ("leaky-relu", 0.1), ("leaky-relu", 0.01), ("elu", 0.0),
    ("selu", 0.0), ("gelu", 0.0), ("silu", 0.0), ("tanh", 0.0), ("leaky-relu", 0.3),
)  # fmt: skip
FITS = 0.01  # largest mean discrepancy at which statistics count as explained
CLEAR = 2.0  # how many times farther off the next reading must be
SURE = 8.0  # so many times farther the usual strides must be, for others to be taken
NEAR = 1.25  # up to how many times farther off the usual reading is still taken
SAMPLES, FEWEST, WORK = 256, 32, 4e9  # latents; multiplications for one reading of a network
SEARCHING = 4  # so many times fewer latents where strides are tried, which differ by more
SEARCHED = (("relu", 0.0), ("leaky-relu", 0.2), ("tanh", 0.0))  # with these, from ACTIVATIONS
MOST_PADDING = 8  # paddings below are tried
BUDGET = 2**28  # bytes of the largest map that is made while measuring
CAP = 4.0  # of one feature map's discrepancy: a dead one must not decide


@dataclass(frozen=True)
class Stage:
    """A transposed convolution and the batch norm after it.

    Attributes:
        kernel: (in, out, height, width).
        bias: of the convolution, (out,), or None.
        mean: running mean of the norm, (out,).
        variance: running variance, (out,).
        gain: of the norm, (out,).
        shift: of the norm, (out,).
    """

    kernel: Tensor
    bias: Tensor | None
    mean: Tensor
    variance: Tensor
    gain: Tensor
    shift: Tensor


@dataclass(frozen=True)
class Reading:
    """A way to run the stages, and how far its statistics are from the stored ones.

    Attributes:
        activation: name and slope.
        geometry: stride, padding and output padding of every stage but the first.
        discrepancy: mean over stages and feature maps of the squared distance of the means in
            standard deviations plus half the squared logarithm of the ratio of variances.
    """

    activation: tuple[str, float]
    geometry: tuple[Geometry, ...]
    discrepancy: float


def explained(best: float, next_: float) -> bool:
    """Tell whether a discrepancy is small, and the next one far enough from it."""
    return best <= FITS and next_ >= CLEAR * best


def prior_discrepancies(stage: Stage) -> dict[str, float]:
    """Return how far each prior's statistics at the first norm are from the stored ones.

    They follow from the weights: a latent's coordinates are independent, with mean 0.
    """
    power = stage.kernel.square().sum(0).mean((1, 2))  # of a map, over its positions
    mean = torch.zeros_like(stage.mean) if stage.bias is None else stage.bias
    spread = {"normal": 1.0, "uniform": 1 / 3}
    return {kind: _discrepancy(mean, power * var, stage) for kind, var in spread.items()}


@torch.no_grad()
def readings(
    stages: Sequence[Stage],
    prior: str,
    eps: float,
    activations: Sequence[tuple[str, float]],
    usual: Sequence[Geometry],
    search: bool,
) -> list[Reading]:
    """Try activations, and strides where the usual ones explain nothing.

    Args:
        stages: two or more, from the latent on.
        prior: "normal" or "uniform".
        eps: what batch norm adds to the variance.
        activations: names and slopes that are tried.
        usual: geometry of every stage but the first.
        search: try other strides and paddings.

    Returns:
        One reading for each activation, the best first; those that follow its geometry.
    """
    first = _first(stages[0], prior, _samples(stages, usual), eps)
    found = [_followed(stages, first, eps, act, [[one] for one in usual]) for act in activations]
    if search and min(one.discrepancy for one in found) > FITS:
        few = first[: max(FEWEST // SEARCHING, len(first) // SEARCHING)]
        options = [
            candidates(stage.kernel.shape[2:], one)
            for stage, one in zip(stages[1:], usual, strict=True)
        ]
        some = [one for one in SEARCHED if one in activations] or activations
        tried = [_followed(stages, few, eps, act, options) for act in some]
        best = min(tried, key=lambda one: one.discrepancy)
        if best.geometry != tuple(usual):
            others = readings(stages, prior, eps, activations, best.geometry, False)
            if others[0].discrepancy * SURE < min(one.discrepancy for one in found):
                found, usual = others, best.geometry
    best = min(found, key=lambda one: one.discrepancy)
    if search and len(best.geometry) == len(usual):
        better = tuple(_clearly_better(tried, chosen) for tried, chosen in zip(
            geometries(stages, prior, eps, best), best.geometry, strict=True))  # fmt: skip
        if better != best.geometry:
            others = readings(stages, prior, eps, activations, better, False)
            found = min(found, others, key=lambda some: min(one.discrepancy for one in some))
    return _usual_first(sorted(found, key=lambda one: one.discrepancy), activations)


def _clearly_better(tried: list[tuple[Geometry, float]], chosen: Geometry) -> Geometry:
    best, apart = tried[0]
    return best if apart * SURE < dict(tried)[chosen] else chosen


def _usual_first(found: list[Reading], activations: Sequence[tuple[str, float]]) -> list[Reading]:
    """Put a reading that is more usual, and hardly farther off, before the best one."""
    alike = [one for one in found if one.discrepancy <= NEAR * found[0].discrepancy]
    first = min(alike, key=lambda one: activations.index(one.activation))
    return [first, *(one for one in found if one is not first)]


@torch.no_grad()
def geometries(
    stages: Sequence[Stage], prior: str, eps: float, best: Reading
) -> list[list[tuple[Geometry, float]]]:
    """Return, for every stage but the first, each geometry with its discrepancy, best first."""
    most = _samples(stages, best.geometry)
    count = min(most, max(FEWEST, most // SEARCHING))
    y, found = _first(stages[0], prior, count, eps), []
    act = activation(*best.activation)
    for stage, chosen in zip(stages[1:], best.geometry, strict=True):
        tried = []
        for one in candidates(stage.kernel.shape[2:], chosen):
            if (x := _reached(act(y), stage, one)) is not None:
                mean, variance = _moments(x)
                tried.append((one, _discrepancy(mean, variance, stage)))
        found.append(sorted(tried, key=lambda pair: pair[1]))
        y = _normed(_reached(act(y), stage, chosen), stage, eps)
    return found


def candidates(kernel: Sequence[int], usual: Geometry | None = None) -> list[Geometry]:
    """Return strides and paddings that a kernel allows, the usual ones first.

    Args:
        kernel: height and width.
        usual: what is tried first, if anything is.
    """
    side = min(kernel)
    every = [
        (stride, padding, extra)
        for stride in (2, 1, 3, 4)
        for padding in range(min(side, MOST_PADDING) if stride < 3 else 2)
        for extra in (0, 1)
        if stride <= side and extra <= (stride == 2)
    ]
    return list(dict.fromkeys([*([usual] if usual else []), *every]))


def _samples(stages: Sequence[Stage], geometry: Sequence[Geometry]) -> int:
    side, work = max(stages[0].kernel.shape[2:]), 1.0
    for stage, one in zip(stages[1:], geometry, strict=True):
        work += stage.kernel.numel() * side**2
        side = max(1, enlarged(side, max(stage.kernel.shape[2:]), one))
    room = BUDGET // (4 * max(1, stages[0].kernel[0].numel()))
    return int(min(SAMPLES, max(FEWEST, WORK / work), max(1, room)))


def _first(stage: Stage, prior: str, count: int, eps: float) -> Tensor:
    z = Prior(prior, stage.kernel.shape[0]).sample_batch(count, 0)  # type: ignore[arg-type]
    x = F.conv_transpose2d(z[:, :, None, None], stage.kernel, stage.bias)
    return _normed(x, stage, eps)


def _followed(
    stages: Sequence[Stage], y: Tensor, eps: float, chosen: tuple[str, float],
    options: Sequence[Sequence[Geometry]],
) -> Reading:  # fmt: skip
    """Take one activation through all stages, each with the geometry that fits it best."""
    act, total = activation(*chosen), 0.0
    geometry: list[Geometry] = []
    for stage, tried in zip(stages[1:], options, strict=True):
        h, best = act(y), None
        for one in tried:
            if (x := _reached(h, stage, one)) is None:
                continue
            apart = _discrepancy(*_moments(x), stage)
            if best is None or apart * NEAR < best[0]:
                best = (apart, one, x)
        if best is None:
            return Reading(chosen, tuple(geometry), float("inf"))
        total += best[0]
        geometry.append(best[1])
        y = _normed(best[2], stage, eps)
    return Reading(chosen, tuple(geometry), total / len(geometry))


def _reached(h: Tensor, stage: Stage, geometry: Geometry) -> Tensor | None:
    """Return what reaches the norm; None where no map is left, or too large a one."""
    pairs = zip(h.shape[2:], stage.kernel.shape[2:], strict=True)
    height, width = (enlarged(side, kernel, geometry) for side, kernel in pairs)
    maps = len(h) * max(stage.kernel.shape[:2])
    if min(height, width) < 1 or 4 * maps * height * width > BUDGET:
        return None
    stride, padding, extra = geometry
    return F.conv_transpose2d(h, stage.kernel, stage.bias, stride, padding, extra)


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(x, (0, 2, 3))
    return mean, variance


def _normed(x: Tensor | None, stage: Stage, eps: float) -> Tensor:
    assert x is not None
    return F.batch_norm(x, None, None, stage.gain, stage.shift, training=True, eps=eps)


def _discrepancy(mean: Tensor, variance: Tensor, stage: Stage) -> float:
    tiny = 1e-8
    of_means = (mean - stage.mean).square() / stage.variance.clamp_min(tiny)
    ratio = variance.clamp_min(tiny) / stage.variance.clamp_min(tiny)
    return float((of_means + ratio.log().square() / 2).clamp_max(CAP).mean())
