"""Classifiers of the data's labels and attributes: training, saving and opening."""

from ganlens.classifier.files import FAMILY, load_classifier, save_classifier
from ganlens.classifier.targets import LABEL, numbers_of, targets_of
from ganlens.classifier.train import (
    ClassifierEpoch,
    ClassifierSettings,
    TrainedClassifier,
    train_classifier,
)

__all__ = [
    "FAMILY",
    "LABEL",
    "ClassifierEpoch",
    "ClassifierSettings",
    "TrainedClassifier",
    "load_classifier",
    "numbers_of",
    "save_classifier",
    "targets_of",
    "train_classifier",
]
