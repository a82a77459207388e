"""Training: settings, losses, and the loop that turns images into two networks."""

from ganlens.training.config import TRAIN_PRESETS, TrainConfig
from ganlens.training.feed import stream
from ganlens.training.losses import discriminator_loss, generator_loss, r1_penalty
from ganlens.training.ranks import quiet_fabric
from ganlens.training.start import arguments_of_start, check_start
from ganlens.training.step import TrainStep
from ganlens.training.trainer import Trainer, train

__all__ = [
    "TRAIN_PRESETS",
    "TrainConfig",
    "TrainStep",
    "Trainer",
    "arguments_of_start",
    "check_start",
    "discriminator_loss",
    "generator_loss",
    "quiet_fabric",
    "r1_penalty",
    "stream",
    "train",
]
