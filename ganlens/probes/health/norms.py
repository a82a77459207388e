"""Batch norm, layer by layer: gains, shifts, running statistics, and whether these still hold."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganlens.calibration import NORMS
from ganlens.probes.layer_statistics import LayerStatistics


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
            standard deviation; None where what came in is not known.
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
    rows, before = [], None
    for name, layer in statistics.layers.items():
        if isinstance(layer, NORMS) and layer.running_mean is not None:
            rows.append(_row(network, name, layer, statistics.sums.get(before or "")))
        before = name
    return rows


def _row(network: str, name: str, layer: nn.Module, sums: Tensor | None) -> NormRow:
    mean, variance = layer.running_mean, layer.running_var
    assert isinstance(mean, Tensor)
    assert isinstance(variance, Tensor)
    weight, bias = layer.weight, layer.bias
    gains, drift = None, None
    if isinstance(weight, Tensor):
        ordered = weight.detach().float()
        gains = (float(ordered.min()), float(ordered.median()), float(ordered.max()))
    if sums is not None and sums.shape[1] == len(mean):
        came = sums[1] / sums[0]
        scale = torch.sqrt(variance.double().cpu() + float(layer.eps))  # type: ignore[arg-type]
        drift = float(((came - mean.double().cpu()) / scale).square().mean().sqrt())
    return NormRow(
        network,
        name,
        gains,
        float(bias.detach().abs().max()) if isinstance(bias, Tensor) else None,
        float(mean.abs().max()),
        (float(variance.min()), float(variance.max())),
        drift,
    )
