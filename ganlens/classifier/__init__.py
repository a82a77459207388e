"""Classifiers of the data's labels and attributes: training, saving and opening."""

from ganlens.classifier.files import load_classifier, save_classifier
from ganlens.classifier.targets import targets_of
from ganlens.classifier.train import (
    ClassifierEpoch,
    ClassifierSettings,
    TrainedClassifier,
    train_classifier,
)
from ganlens.models.classifier import FAMILY

__all__ = [
    "FAMILY",
    "ClassifierEpoch",
    "ClassifierSettings",
    "TrainedClassifier",
    "load_classifier",
    "save_classifier",
    "targets_of",
    "train_classifier",
]
