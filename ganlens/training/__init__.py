"""Training: settings, losses, and the loop that turns images into two networks."""

from ganlens.training.config import TRAIN_PRESETS, TrainConfig
from ganlens.training.feed import stream
from ganlens.training.losses import discriminator_loss, generator_loss, r1_penalty
from ganlens.training.start import check_start
from ganlens.training.trainer import Trainer, TrainStep, train

__all__ = [
    "TRAIN_PRESETS",
    "TrainConfig",
    "TrainStep",
    "Trainer",
    "check_start",
    "discriminator_loss",
    "generator_loss",
    "r1_penalty",
    "stream",
    "train",
]
