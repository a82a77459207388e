"""What the networks of a GAN minimise: logits in, one number out.

Each loss of D estimates how far apart the real and the generated distribution are, and none may be
read as the quality of pictures. D as it is can only give a lower bound of a divergence, since the
best D gives the divergence itself; and D has seen the training images alone.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

MINIMAX, NON_SATURATING, LEAST_SQUARES = "minimax", "non-saturating", "least-squares"
HINGE, WASSERSTEIN, RELATIVISTIC = "hinge", "wasserstein", "relativistic"


@dataclass(frozen=True)
class Loss:
    """A pair of losses, and what D's says of the two distributions.

    Attributes:
        discriminator: (n,) logits of real and (n,) of generated images -> D's loss.
        generator: (n,) logits of generated and (n,) of real images -> G's loss.
        measure: name of the number that D's loss gives, and what it is made of that loss.
        boundary: the logit above which D takes an image for real; None where only differences of
            logits have a meaning.
        paired: G's loss compares with real images.
        settings: what a run takes where nothing else is asked for, by the names of flags.
        networks: the same of the discriminator.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    measure: tuple[str, Callable[[Tensor], Tensor]]
    boundary: float | None = 0.0
    paired: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, Any] = field(default_factory=dict)


def discriminator_loss(on_real: Tensor, on_fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy, real towards 1 - smoothing and generated towards 0 (Goodfellow 2014)."""
    target = torch.full_like(on_real, 1 - smoothing)
    return F.binary_cross_entropy_with_logits(on_real, target) + F.softplus(on_fake).mean()


def generator_loss(on_fake: Tensor) -> Tensor:
    """The non-saturating loss: -log of the probability that D gives samples (Goodfellow 2014)."""
    return F.softplus(-on_fake).mean()


def _relativistic(better: Tensor, worse: Tensor) -> Tensor:
    """-log of the probability that one logit is the higher of a pair."""
    return F.softplus(worse - better).mean()


def _hinges(on_real: Tensor, on_fake: Tensor) -> Tensor:
    return F.relu(1 - on_real).mean() + F.relu(1 + on_fake).mean()


# With D* = p / (p + q) the cross-entropy is log 4 - 2 JSD (Goodfellow 2014, theorem 1).
_JENSEN_SHANNON = ("jensen_shannon", lambda loss: math.log(2) - loss / 2)

LOSSES: dict[str, Loss] = {
    # Goodfellow 2014, equation 1: G minimises log(1 - D). Its gradient fades as D wins.
    MINIMAX: Loss(
        discriminator_loss, lambda fake, real: -F.softplus(fake).mean(), _JENSEN_SHANNON
    ),
    NON_SATURATING: Loss(
        discriminator_loss, lambda fake, real: generator_loss(fake), _JENSEN_SHANNON
    ),
    # Mao 2017, equation 9: targets 0 and 1. With D* = p / (p + q) the loss is 1/2 of the integral
    # of pq / (p + q), which is (2 - T) / 8 of the triangular discrimination T.
    LEAST_SQUARES: Loss(
        lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
        lambda fake, real: (fake - 1).square().mean() / 2,
        ("triangular", lambda loss: 2 - 8 * loss),
        boundary=0.5,
    ),
    # Lim and Ye 2017, Miyato 2018. With the best D the loss is 2 - 2 TV, of the total variation.
    HINGE: Loss(
        _hinges,
        lambda fake, real: -fake.mean(),
        ("total_variation", lambda loss: 1 - loss / 2),
        settings={"spectral_norm": True},
        networks={"discriminator_norm": "none"},
    ),
    # Arjovsky 2017, with the gradient penalty and the settings of Gulrajani 2017, algorithm 1.
    WASSERSTEIN: Loss(
        lambda real, fake: fake.mean() - real.mean(),
        lambda fake, real: -fake.mean(),
        ("wasserstein", lambda loss: -loss),
        boundary=None,
        settings={
            "gradient_penalty": 10.0, "critic_steps": 5, "schedule": "both",
            "lr": 1e-4, "lr_discriminator": 0.0, "beta1": 0.0, "beta2": 0.9,
        },
        networks={"discriminator_norm": "none"},
    ),
    # Jolicoeur-Martineau 2019, pair by pair, with R1 and R2 as in R3GAN (Huang 2024).
    RELATIVISTIC: Loss(
        _relativistic,
        _relativistic,
        ("relativistic", lambda loss: math.log(2) - loss),
        boundary=None,
        paired=True,
        settings={"r1": 0.1, "r2": 0.1, "r1_every": 1, "beta1": 0.0},
        networks={"discriminator_norm": "none"},
    ),
}  # fmt: skip


def squared_slope(scores: Tensor, images: Tensor) -> Tensor:
    """Return the (n,) squared norms of each score's gradient in its own image, over all pixels."""
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return gradient.flatten(1).square().sum(1)


def r1_penalty(on_images: Tensor, images: Tensor, gamma: float) -> Tensor:
    """gamma/2 times the mean squared norm of D's gradient (Mescheder 2018).

    At real images it is R1, at generated ones R2.
    """
    return gamma / 2 * squared_slope(on_images, images).mean()


def gradient_penalty(between: Tensor, images: Tensor, weight: float) -> Tensor:
    """Weight times the mean of (|grad D| - 1)^2 (Gulrajani 2017).

    Args:
        between: (n,) logits of images between real and generated ones.
        images: those (n, C, H, W) images.
        weight: lambda.
    """
    # The root has no gradient at 0, which a D without any slope would reach.
    return weight * (squared_slope(between, images).add(1e-12).sqrt() - 1).square().mean()
