"""Training: settings, batches, and the loop that turns images into networks."""

from ganlens.training.config import TrainConfig, configure, trainable
from ganlens.training.data import TrainingData, condition_of, labels_of, training_data
from ganlens.training.ranks import launch, launched, quiet_fabric
from ganlens.training.start import arguments_of_start, check_start
from ganlens.training.step import TrainStep
from ganlens.training.streams import stream
from ganlens.training.trainer import Trainer, train

__all__ = [
    "TrainConfig",
    "TrainStep",
    "Trainer",
    "TrainingData",
    "arguments_of_start",
    "check_start",
    "condition_of",
    "configure",
    "labels_of",
    "launch",
    "launched",
    "quiet_fabric",
    "stream",
    "train",
    "trainable",
    "training_data",
]
