"""Batch-norm statistics measured anew, so that no analysis depends on the rest of a batch."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@torch.no_grad()
def calibrate(network: nn.Module, batches: Iterable[Tensor | tuple[Tensor, ...]]) -> int:
    """Replace the running statistics of every batch norm by their average over some batches.

    The moving averages of training lag behind the weights, and those of a discriminator mix real
    with generated images. Afterwards the network is in eval mode.

    Args:
        network: any module; nothing happens to one without batch norm.
        batches: inputs of the network, or tuples of them, at least 2 in each; large ones (250 and
            more) are best.

    Returns:
        The number of inputs used.
    """
    norms = [module for module in network.modules() if isinstance(module, NORMS)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for a plain average over the batches
    network.train()
    used = 0
    try:
        for batch in batches if norms else ():
            inputs = batch if isinstance(batch, tuple) else (batch,)
            network(*inputs)
            used += len(inputs[0])
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        network.eval()
    return used
