"""Judging a generator in the middle of its training, against images that it never sees."""

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from ganlens.calibration import calibrate
from ganlens.checkpoints import empty_network
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import Extractor, array_source, features_of
from ganlens.images import from_uint8, to_uint8
from ganlens.models.spectral import worked_in
from ganlens.progress import finish
from ganlens.stats import quality
from ganlens.training import Trainer

CALIBRATION_LATENTS, CALIBRATION_IMAGES, CALIBRATION_BATCH = 10_000, 10_000, 250
FIRST_SEED = 1_000_000  # of the judged samples: far from the seeds that anybody looks at
METRICS = ("fd", "precision", "recall", "density", "coverage")
SCORES = (*METRICS, "k", "k_density")


class Evaluator:
    """Scores generators against one random subset of the held-out images, in one set of features.

    Args:
        held_out: images that the networks never see.
        extractor: the features.
        n: generated and held-out images, at most.

    Raises:
        GanlensError: fewer than 2 held-out images.
    """

    def __init__(self, held_out: ImageSet, extractor: Extractor, n: int) -> None:
        if len(held_out) < 2:
            raise GanlensError(
                f"{held_out.spec} has {len(held_out)} held-out images and judging needs at least 2:"
                " give more images, or others with --held-out"
            )
        self.held_out, self.extractor = held_out, extractor
        self.n = min(n, len(held_out))
        # Drawn, not the first ones: a folder is in the order of its classes.
        self.rows = np.sort(np.random.default_rng(0).permutation(len(held_out))[: self.n])
        self._real: np.ndarray | None = None

    def __call__(self, generator: Any) -> dict[str, Any]:
        """Score a generator in eval mode: SCORES beside what makes them comparable."""
        if self._real is None:
            self._real = self._features(self.held_out.images[self.rows])
        z = generator.prior.sample(range(FIRST_SEED, FIRST_SEED + self.n))
        fake = self._features(draw(generator, z))
        scores = quality(self._real, fake, metrics=METRICS)
        of = f"{self.held_out.spec} ({self.held_out.split}, {len(self.held_out):,} images)"
        return {
            **{name: scores[name] for name in SCORES},
            "n": self.n,
            "first_seed": FIRST_SEED,
            "extractor": self.extractor.name,
            "extractor_hash": self.extractor.hash,
            "held_out": of,
        }

    def _features(self, images: np.ndarray) -> np.ndarray:
        source = array_source(images)
        return finish(features_of(self.extractor, source))


def calibrated(trainer: Trainer) -> dict[str, nn.Module]:
    """Return copies of a trainer's networks with batch-norm statistics measured for analysis.

    The generators see latents of their prior, the discriminator training images. Spectral norm is
    worked into the weights.
    """
    copies = {name: copy.deepcopy(network) for name, network in trainer.networks.items()}
    seed, device = trainer.config.seed, trainer.fabric.device
    if trainer.config.spectral_norm:
        plain = empty_network(trainer.family, trainer.arguments, "discriminator")
        copies["discriminator"] = worked_in(copies["discriminator"], plain)
    latents = trainer.prior.sample_batch(CALIBRATION_LATENTS, seed).to(device)
    for name in ("generator", "ema"):
        calibrate(copies[name], latents.split(CALIBRATION_BATCH))
    count = calibration_images(trainer)
    rows = np.random.default_rng(seed).permutation(len(trainer.images))[:count]
    batches = (
        trainer.images[np.sort(p)] for p in np.array_split(rows, max(1, count // CALIBRATION_BATCH))
    )
    calibrate(copies["discriminator"], (from_uint8(batch, device) for batch in batches))
    return copies


def calibration_images(trainer: Trainer) -> int:
    """Return how many training images the discriminator's statistics come from."""
    return min(len(trainer.images), CALIBRATION_IMAGES)


@torch.inference_mode()
def draw(generator: nn.Module, z: torch.Tensor) -> np.ndarray:
    """Draw (N, H, W, C) uint8 images of latents with a generator in eval mode."""
    device = next(generator.parameters()).device
    parts = z.split(CALIBRATION_BATCH)
    return np.concatenate([to_uint8(generator(part.to(device))) for part in parts])
