"""Batch norm, layer by layer: gains, shifts, running statistics, and whether these still hold."""

from typing import Any

import torch
from torch import Tensor, nn

from ganlens.calibration import NORMS
from ganlens.probes.layer_statistics import LayerStatistics

LEAST_GAIN = 1e-4  # gain below which rounding hides what came in


def norm_rows(network: str, statistics: LayerStatistics) -> list[dict[str, Any]]:
    """Describe every batch norm with running statistics: gain (gamma), shift (beta), and these.

    The statistics are those of a network's layers in eval mode, over generated images for a
    generator and over real and generated ones for a discriminator.

    Returns:
        A row of a table for each, by column; gains and shift are None where there are none. The
        drift is the root mean square, over channels whose gain is above 1e-4, of (mean that came
        in - running mean) / sqrt(running variance + eps); None where no gain is.
    """
    return [
        {"network": network, "layer": name, **_row(point.part, statistics.sums[name])}
        for name, point in statistics.layers.items()
        if isinstance(point.part, NORMS) and point.part.running_mean is not None
        if name in statistics.sums
    ]


def _row(layer: nn.Module, sums: Tensor) -> dict[str, float | None]:
    mean, variance = layer.running_mean, layer.running_var
    assert isinstance(mean, Tensor)
    assert isinstance(variance, Tensor)
    weight, bias = layer.weight, layer.bias
    gain = weight.detach().float() if isinstance(weight, Tensor) else None
    return {
        "lowest gain": None if gain is None else float(gain.min()),
        "median gain": None if gain is None else float(gain.median()),
        "highest gain": None if gain is None else float(gain.max()),
        "largest shift": float(bias.detach().abs().max()) if isinstance(bias, Tensor) else None,
        "largest running mean": float(mean.abs().max()),
        "lowest running variance": float(variance.min()),
        "highest running variance": float(variance.max()),
        "drift": _drift(weight, bias, sums),
    }


def _drift(weight: object, bias: object, sums: Tensor) -> float | None:
    """Read the drift off what comes out, gain * drift + shift: what came in need not be known."""
    came = sums[1] / sums[0]
    gain = weight.detach().double().cpu() if isinstance(weight, Tensor) else torch.ones_like(came)
    shift = bias.detach().double().cpu() if isinstance(bias, Tensor) else torch.zeros_like(came)
    open_ = gain.abs() > LEAST_GAIN
    if not open_.any():
        return None
    return float(((came - shift)[open_] / gain[open_]).square().mean().sqrt())
