"""Networks whose units are maximised, trained and untrained."""

from typing import Any

import torch
from torch import Tensor, nn

from ganlens.attributes import AttributeClassifier, attribute_classifier, open_classifier
from ganlens.calibration import calibrate
from ganlens.classifier.targets import targets_of
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.initialisation import seeded
from ganlens.models.classifier import Classifier
from ganlens.probes.base import Steps
from ganlens.probes.maximize.units import CLASSIFIER, DISCRIMINATOR
from ganlens.subject import Subject


def find_classifier(
    name: str, data: ImageSet, device: torch.device
) -> Steps[AttributeClassifier | None]:
    """Open the classifier that the user names: "none", or a classifier's checkpoint.

    "auto" takes the one of the data's labels and attributes, or None if they have none.

    Raises:
        GanlensError: no such classifier, or one for images of another shape.
    """
    if name == "none":
        return None
    if name == "auto":
        try:
            targets_of(data)
        except GanlensError:
            return None
        return (yield from attribute_classifier(data, device=device))
    classifier = open_classifier(name, device)
    if tuple(classifier.model.image_shape) != tuple(data.image_shape):
        raise GanlensError(
            f"classifier {name!r} takes images of {classifier.model.image_shape} and the data are "
            f"{data.image_shape}: choose another classifier, or none"
        )
    return classifier


def trained(subject: Subject, classifier: AttributeClassifier | None) -> dict[str, nn.Module]:
    """Return the networks by name, as far as they are there."""
    found: dict[str, nn.Module] = {}
    if subject.discriminator is not None:
        found[DISCRIMINATOR] = subject.unconditional("discriminator")
    if classifier is not None:
        found[CLASSIFIER] = classifier.model
    return found


def untrained(
    subject: Subject,
    classifier: AttributeClassifier | None,
    wanted: set[str],
    seed: int,
    real: Tensor,
) -> dict[str, nn.Module]:
    """Return the wanted networks as they were before training, batch norm calibrated on images.

    Raises:
        GanlensError: the subject does not say how it is built.
    """
    found: dict[str, Any] = {}
    if DISCRIMINATOR in wanted:
        found[DISCRIMINATOR] = subject.untrained(seed, calibrated=False).unconditional(
            "discriminator"
        )
    if CLASSIFIER in wanted and classifier is not None:
        with seeded(seed):
            found[CLASSIFIER] = Classifier(classifier.model.config).to(subject.device)
        found[CLASSIFIER].requires_grad_(False)
    for network in found.values():
        calibrate(network, (x.to(subject.device) for x in real.split(256) if len(x) > 1))
    return found
