"""Evaluation in the middle of training, against images that are not trained on."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ganlens.calibration import calibrate
from ganlens.checkpoints import empty_network
from ganlens.data import ImageSet, prepared
from ganlens.devices import in_words
from ganlens.errors import GanlensError
from ganlens.features import Extractor, array_source, features_of
from ganlens.images import from_uint8, to_uint8
from ganlens.models import MODELS
from ganlens.models.family import Domain, domain_of
from ganlens.models.spectral import worked_in
from ganlens.precision import FLOAT32
from ganlens.progress import finish
from ganlens.stats import quality
from ganlens.subject import Subject, is_conditional
from ganlens.subject.running import pieces
from ganlens.training import Trainer, stream

CALIBRATION_LATENTS, CALIBRATION_IMAGES, CALIBRATION_BATCH = 10_000, 10_000, 250
FIRST_SEED = 1_000_000  # of the evaluated samples: far from the seeds of sheets and galleries
METRICS = ("fd", "precision", "recall", "density", "coverage")
SCORES = (*METRICS, "k", "k_density")


class Evaluator:
    """Scores samples against one random subset of the held-out images, in one set of features.

    Args:
        held_out: images that are not trained on, of the kind that they shall draw.
        extractor: the features.
        n: generated and held-out images, at most.

    Raises:
        GanlensError: fewer than 2 held-out images.
    """

    def __init__(self, held_out: ImageSet, extractor: Extractor, n: int) -> None:
        if len(held_out) < 2:
            raise GanlensError(
                f"{held_out.spec} has {len(held_out)} held-out images and evaluation needs at least"
                " 2: give more images, or others with --held-out"
            )
        self.held_out, self.extractor = held_out, extractor
        self.n = min(n, len(held_out))
        self._real: np.ndarray | None = None

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Score the samples of a Subject: SCORES beside what makes them comparable."""
        n = min(self.n, subject.samples_at_most or self.n)
        if self._real is None:
            # Drawn, not the first ones: a folder is in the order of its classes.
            rows = np.random.default_rng(0).permutation(len(self.held_out))[:n]
            self._real = self._features(self.held_out.images[np.sort(rows)])
        first = FIRST_SEED if subject.samples_at_most is None else 0
        fake = self._features(to_uint8(subject.sample(range(first, first + n))))
        scores = quality(self._real, fake, metrics=METRICS)
        of = f"{self.held_out.spec} ({self.held_out.split}, {len(self.held_out):,} images)"
        return {
            **{name: scores[name] for name in SCORES},
            "n": n,
            "first_seed": first,
            "extractor": self.extractor.name,
            "extractor_hash": self.extractor.hash,
            "network_precision": FLOAT32,
            "device": in_words(subject.device),
            "held_out": of,
            **prepared(self.held_out),
        }

    def _features(self, images: np.ndarray) -> np.ndarray:
        source = array_source(images)
        return finish(features_of(self.extractor, source, precision=FLOAT32))


def calibrated(trainer: Trainer) -> dict[str, nn.Module]:
    """Return copies of a trainer's networks with batch-norm statistics measured for analysis.

    Generators see latents of their prior (and conditions as often as the data have them), all
    others training images of the set that they read. Spectral norm is worked into the weights.
    """
    copies = {name: _plain(trainer, name, net) for name, net in trainer.networks.items()}
    family = MODELS[trainer.family]
    for key, network in copies.items():
        name = key.removeprefix("ema.")
        calibrate(network, _latents(trainer, network) if family.roles[name] == "generator" else
                  _images(trainer, network, domain_of(family, name)))  # fmt: skip
    return copies


def calibration_images(trainer: Trainer) -> int:
    """Return how many training images the statistics come from."""
    return min(len(trainer.data.images), CALIBRATION_IMAGES)


def _plain(trainer: Trainer, name: str, network: nn.Module) -> nn.Module:
    """Return a copy, its spectral norms worked into its weights."""
    copied = copy.deepcopy(network)
    if not any(is_parametrized(part) for part in copied.modules()):
        return copied
    return worked_in(copied, empty_network(trainer.family, trainer.arguments, name))


def _latents(trainer: Trainer, network: Any) -> Iterator[tuple[Tensor, ...]]:
    seed, device = trainer.config.seed, trainer.fabric.device
    z, rows = network.prior.sample_batch(CALIBRATION_LATENTS, seed), None
    if is_conditional(network):
        assert trainer.data.labels is not None
        first = stream(seed, "calibration", 0)
        drawn = np.random.default_rng(first).integers(len(trainer.data.labels), size=len(z))
        rows = trainer.data.labels[torch.from_numpy(drawn)]
    return pieces(z, rows, CALIBRATION_BATCH, device)


def _images(trainer: Trainer, network: Any, domain: Domain) -> Iterator[tuple[Tensor, ...]]:
    data, device = trainer.data, trainer.fabric.device
    images, labels = data.of(domain), data.labels if domain == "data" else None
    count = min(len(images), CALIBRATION_IMAGES)
    rows = np.random.default_rng(trainer.config.seed).permutation(len(images))[:count]
    for part in np.array_split(rows, max(1, count // CALIBRATION_BATCH)):
        chosen = np.sort(part)
        given = (labels[torch.from_numpy(chosen)].to(device),) if is_conditional(network) else ()  # type: ignore[index]
        yield from_uint8(images[chosen], device), *given
