"""Self-supervision by rotation (SS-GAN, Chen 2019, arXiv 1811.11212): how far was it turned?

What tells real from generated images changes as G learns, and D forgets what it no longer needs. A
second task, which never changes and takes no label, holds features of what is in the images: D
names by how many quarter turns a real image was turned, and G is to draw images whose turn D can
tell.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.activations import run_to
from ganlens.initialisation import seeded

TURNS = 4
FOR_GENERATOR = 0.2  # of the weight of D's own task, as in the paper (alpha 0.2 beside beta 1)


class RotationTask(nn.Module):
    """Names the quarter turns of images by one matrix on the maps of D's last feature layer.

    Args:
        discriminator: see ``ganlens.models.base.Discriminator``; no part of this module, and left
            in eval mode.
        seed: of the matrix.
    """

    def __init__(self, discriminator: Any, seed: int) -> None:
        super().__init__()
        self.layer = discriminator.feature_layers[-1]
        blank = [torch.zeros(1, *discriminator.image_shape)]
        if rows := getattr(discriminator, "condition_dim", 0):
            blank.append(torch.zeros(1, rows))
        with torch.no_grad(), seeded(seed):  # in eval mode no statistics take the blank in
            self.head = nn.Linear(run_to(discriminator.eval(), self.layer, *blank).numel(), TURNS)

    def forward(
        self, discriminator: nn.Module, turned: Tensor, *rows: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Classify ``quarter_turns`` of some images.

        Args:
            discriminator: the network, whose weights may have moved on.
            turned: (4 N, C, S, S), as ``quarter_turns`` returns it.
            *rows: (4 N, k) of a conditional discriminator.

        Returns:
            The cross-entropy (nats; log 4 for a guess), and the share that is named right.
        """
        logits = self.head(run_to(discriminator, self.layer, turned, *rows).flatten(1)).float()
        truth = torch.arange(TURNS, device=turned.device).repeat_interleave(len(turned) // TURNS)
        right = (logits.argmax(1) == truth).float().mean()
        return F.cross_entropy(logits, truth), right


def quarter_turns(x: Tensor) -> Tensor:
    """Turn (N, C, S, S) square images by 0, 90, 180 and 270 degrees: (4 N, C, S, S), 0 first."""
    turned = torch.cat([x.rot90(turns, (2, 3)) for turns in range(TURNS)])
    return turned.contiguous(memory_format=torch.channels_last)
