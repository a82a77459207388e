"""Batch-norm statistics that a foreign file lacks, or never updated: noticed, and measured.

A moving average of the parameters alone leaves the buffers as they were built: its batch norm
subtracts 0 and divides by 1, and the generator draws uniform grey. Forward passes of the same
weights give it the statistics that training would have left.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ganlens.calibration import NORMS, calibrate
from ganlens.errors import GanlensError

# Latents behind the statistics; as many as behind those of ganlens's own checkpoints.
BATCHES, BATCH, SEED = 4, 256, 0


def never_updated(network: nn.Module) -> bool:
    """Tell whether trained weights stand beside batch norm that was never updated.

    Its running means are 0 and its variances 1, each exactly. A fresh network is left alone: its
    batch norm still adds nothing, and what it draws is what it draws.
    """
    norms = [module for module in network.modules() if isinstance(module, NORMS)]
    stale = [norm for norm in norms if _untouched(norm)]
    fresh = all(norm.bias is not None and not norm.bias.any() for norm in norms)
    return bool(stale) and not fresh


def _untouched(norm: Any) -> bool:
    mean, variance = norm.running_mean, norm.running_var
    return mean is not None and not bool(mean.any()) and bool((variance == 1).all())


def measured(
    networks: Mapping[str, nn.Module], lacking: Collection[str], place: Path
) -> tuple[dict[str, int], list[str]]:
    """Measure what is missing: generators on latents, discriminators on what these then draw.

    Args:
        networks: by name, moving averages as "ema.NAME".
        lacking: names of those whose file has no statistics.
        place: where they are from, for errors.

    Returns:
        The numbers of latents and images used, empty where nothing was measured; and what is to be
        said of it, one phrase for each network that was never updated.

    Raises:
        GanlensError: there is no generator to measure with.
    """
    stale = [n for n, network in networks.items() if n not in lacking and never_updated(network)]
    wanted = [name for name in networks if name in stale or name in lacking]
    if not wanted:
        return {}, []
    drawing: Any = networks.get("generator", networks.get("ema.generator"))
    if drawing is None:
        what = f"{wanted[0]} whose batch norm was never updated" if stale else (
            f"{wanted[0]} without running statistics of batch norm"
        )  # fmt: skip
        raise GanlensError(
            f"{place} has a {what}: these are measured on its generator's samples, so give both"
            " together" + ("" if stale else "; or say --norm instance, which keeps none")
        )
    latents = drawing.prior.sample_batch(BATCHES * BATCH, SEED).split(BATCH)
    used = {"latents": 0, "images": 0}
    for name in wanted:
        if name.endswith("generator"):
            used["latents"] = calibrate(networks[name], latents)
    with torch.no_grad():
        for name in wanted:
            if not name.endswith("generator"):
                used["images"] = calibrate(networks[name], (drawing(batch) for batch in latents))
    return used, [
        f"batch-norm statistics of {name}: the file has running means of 0 and variances of 1 that"
        f" training never updated; measured anew on {BATCHES * BATCH:,} "
        + ("latents" if name.endswith("generator") else "of the generator's images")
        for name in stale
    ]
