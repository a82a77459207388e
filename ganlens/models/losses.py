"""What the networks minimise: logits in, one number out."""

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(on_real: Tensor, on_fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy, real towards 1 - smoothing and generated towards 0 (Goodfellow 2014)."""
    target = torch.full_like(on_real, 1 - smoothing)
    return F.binary_cross_entropy_with_logits(on_real, target) + F.softplus(on_fake).mean()


def generator_loss(on_fake: Tensor) -> Tensor:
    """The non-saturating loss: -log of the probability that D gives samples (Goodfellow 2014)."""
    return F.softplus(-on_fake).mean()


def r1_penalty(on_real: Tensor, real: Tensor, gamma: float) -> Tensor:
    """gamma/2 times the mean squared norm of D's gradient at real images (Mescheder 2018)."""
    (gradient,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
    return gamma / 2 * gradient.square().sum(dim=(1, 2, 3)).mean()
