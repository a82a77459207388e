"""Batch norm, layer by layer: gains, shifts, running statistics, and whether these still hold."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganlens.calibration import NORMS
from ganlens.probes.layer_statistics import LayerStatistics

LEAST_GAIN = 1e-4  # gain below which rounding hides what came in


@dataclass(frozen=True)
class NormRow:
    """One batch norm: gain (gamma), shift (beta), running statistics.

    Attributes:
        network: "generator" or "discriminator".
        layer: its name.
        gains: lowest, median and highest gain; None without gains.
        shift: largest absolute shift; None without.
        running_mean: largest absolute running mean.
        running_var: lowest and highest running variance.
        drift: root mean square, over channels whose gain is above 1e-4, of (mean that came in -
            running mean) / sqrt(running variance + eps); None where no gain is.
    """

    network: str
    layer: str
    gains: tuple[float, float, float] | None
    shift: float | None
    running_mean: float
    running_var: tuple[float, float]
    drift: float | None


def norm_rows(network: str, statistics: LayerStatistics) -> list[NormRow]:
    """Describe every batch norm with running statistics of a network.

    Args:
        network: what to call it.
        statistics: of the layers' outputs in eval mode, over generated images for a generator and
            over real and generated ones for a discriminator.
    """
    return [
        _row(network, name, point.part, statistics.sums[name])
        for name, point in statistics.layers.items()
        if isinstance(point.part, NORMS) and point.part.running_mean is not None
        if name in statistics.sums
    ]


def _row(network: str, name: str, layer: nn.Module, sums: Tensor) -> NormRow:
    mean, variance = layer.running_mean, layer.running_var
    assert isinstance(mean, Tensor)
    assert isinstance(variance, Tensor)
    weight, bias = layer.weight, layer.bias
    gains = None
    if isinstance(weight, Tensor):
        gain = weight.detach().float()
        gains = (float(gain.min()), float(gain.median()), float(gain.max()))
    return NormRow(
        network,
        name,
        gains,
        float(bias.detach().abs().max()) if isinstance(bias, Tensor) else None,
        float(mean.abs().max()),
        (float(variance.min()), float(variance.max())),
        _drift(weight, bias, sums),
    )


def _drift(weight: object, bias: object, sums: Tensor) -> float | None:
    """Read the drift off what comes out, gain * drift + shift: what came in need not be known."""
    came = sums[1] / sums[0]
    gain = weight.detach().double().cpu() if isinstance(weight, Tensor) else torch.ones_like(came)
    shift = bias.detach().double().cpu() if isinstance(bias, Tensor) else torch.zeros_like(came)
    open_ = gain.abs() > LEAST_GAIN
    if not open_.any():
        return None
    return float(((came - shift)[open_] / gain[open_]).square().mean().sqrt())
