"""Gradient norms of both losses at the current weights: what the next step would be made of.

The losses are the plain ones (Goodfellow 2014), however the networks were trained: without label
smoothing, noise or penalties, and for one that was trained with another loss too. So they compare.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganlens.models.losses import discriminator_loss, generator_loss


@dataclass(frozen=True)
class Gradients:
    """Norms of the gradients of each network's own loss.

    Attributes:
        layers: "network.layer" -> norm over the layer's weights, root mean square over batches.
        totals: network -> the same over all weights.
        relative: network -> that, over the norm of the weights: steps compare over widths.
        losses: network -> mean loss.
        batches: how many they are over.
    """

    layers: dict[str, float]
    totals: dict[str, float]
    relative: dict[str, float]
    losses: dict[str, float]
    batches: int


def gradient_norms(
    generator: nn.Module, discriminator: nn.Module, real: Sequence[Tensor],
    latents: Sequence[Tensor],
) -> Gradients:  # fmt: skip
    """Compute both losses' gradients, batch by batch, and take no step.

    Copies of the networks run in train mode, as in a training step, batch norm by the statistics
    of the batch; the networks given, buffers included, are left alone. There are as many batches of
    (N, C, H, W) real images as of (N, d) latents, on the networks' device.
    """
    pair = {"generator": generator, "discriminator": discriminator}
    own = {k: copy.deepcopy(net).requires_grad_(True).train() for k, net in pair.items()}
    squares: dict[str, float] = {}
    losses = dict.fromkeys(own, 0.0)
    for x, z in zip(real, latents, strict=True):
        with torch.enable_grad():
            fake = own["generator"](z)
            judged = own["discriminator"](x), own["discriminator"](fake.detach())
            found = {
                "discriminator": discriminator_loss(*judged),
                "generator": generator_loss(own["discriminator"](fake)),
            }
        for network, loss in found.items():
            losses[network] += float(loss.detach()) / len(real)
            for name, square in _squares(own[network], loss).items():
                key = f"{network}.{name}"
                squares[key] = squares.get(key, 0.0) + square / len(real)
    totals = {
        network: sum(v for k, v in squares.items() if k.startswith(f"{network}.")) ** 0.5
        for network in own
    }
    sizes = {network: _norm(net) for network, net in own.items()}
    return Gradients(
        {name: square**0.5 for name, square in squares.items()},
        totals,
        {network: totals[network] / sizes[network] for network in own},
        losses,
        len(real),
    )


def _squares(network: nn.Module, loss: Tensor) -> dict[str, float]:
    """Return layer -> squared norm of the loss's gradient in its own weights."""
    named = dict(network.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    squares: dict[str, float] = {}
    for name, gradient in zip(named, found, strict=True):
        layer = name.rpartition(".")[0]
        square = 0.0 if gradient is None else float(gradient.double().square().sum())
        squares[layer] = squares.get(layer, 0.0) + square
    return squares


def _norm(network: nn.Module) -> float:
    return float(sum(p.detach().double().square().sum() for p in network.parameters())) ** 0.5
