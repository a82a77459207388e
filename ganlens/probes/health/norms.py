"""Batch norm, layer by layer: gains, shifts, running statistics, and whether these still hold."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganlens.calibration import NORMS
from ganlens.probes.layer_statistics import LayerStatistics

DEAF = 1e-4  # gain below which rounding hides what came in


@dataclass(frozen=True)
class NormRow:
    """One batch norm.

    Attributes:
        network: "generator" or "discriminator".
        layer: its name.
        gains: lowest, median and highest gain (weight); None without gains.
        shift: largest absolute shift (bias); None without.
        running_mean: largest absolute running mean.
        running_var: lowest and highest running variance.
        drift: root mean square, over channels, of (mean that came in - running mean) / running
            standard deviation; None where every gain is 0, so that nothing comes through.
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
        statistics: of the layers' outputs over some samples.
    """
    return [
        _row(network, name, layer, statistics.sums[name])
        for name, layer in statistics.layers.items()
        if isinstance(layer, NORMS) and layer.running_mean is not None and name in statistics.sums
    ]


def _row(network: str, name: str, layer: nn.Module, sums: Tensor) -> NormRow:
    mean, variance = layer.running_mean, layer.running_var
    assert isinstance(mean, Tensor)
    assert isinstance(variance, Tensor)
    weight, bias = layer.weight, layer.bias
    gains = None
    if isinstance(weight, Tensor):
        ordered = weight.detach().float()
        gains = (float(ordered.min()), float(ordered.median()), float(ordered.max()))
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
    heard = gain.abs() > DEAF
    if not heard.any():
        return None
    return float(((came - shift)[heard] / gain[heard]).square().mean().sqrt())
