"""Classifier of attributes: a small network on pixels that shares nothing with any GAN.

It is trained on real images and says how well it predicts held-out ones, so that a claim about
generated images ("it wears glasses now") is checked by a network that had no part in making them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ganlens.checkpoints import MODEL_FILE, list_checkpoints
from ganlens.classifier import (
    FAMILY,
    ClassifierSettings,
    load_classifier,
    save_classifier,
    train_classifier,
)
from ganlens.devices import place_of
from ganlens.errors import GanlensError
from ganlens.features.networks import evaluating
from ganlens.models.classifier import Classifier
from ganlens.places import cache_folder
from ganlens.progress import Progress, Steps, relayed

if TYPE_CHECKING:
    from ganlens.data import ImageSet

CLASSIFIERS = "classifiers"  # where in the cache folder they are kept
FORMAT = "2"  # raise it when the network or its training changes: older ones are then not found


@dataclass(frozen=True)
class Predictions:
    """Predictions for N images.

    Attributes:
        classes: attribute -> its K values.
        probabilities: attribute -> (N, K) float32.
        numbers: numeric attribute -> (N,) float32, in the data's units.
    """

    classes: Mapping[str, tuple[str, ...]]
    probabilities: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]

    def first(self, count: int) -> "Predictions":
        """Return those for the first ``count`` images."""
        return Predictions(
            self.classes,
            {name: values[:count] for name, values in self.probabilities.items()},
            {name: values[:count] for name, values in self.numbers.items()},
        )

    def probability(self, name: str, value: str) -> np.ndarray:
        """Return the (N,) probabilities that an attribute has a value.

        Raises:
            GanlensError: an attribute or a value that the classifier does not know.
        """
        if name not in self.classes:
            known = ", ".join(self.classes)
            raise GanlensError(f"attribute {name!r} is not known: choose from {known}")
        if value not in self.classes[name]:
            known = ", ".join(self.classes[name])
            raise GanlensError(f"{name} {value!r} is not known: choose from {known}")
        return self.probabilities[name][:, self.classes[name].index(value)]

    def shows(self, name: str, value: str) -> np.ndarray:
        """Return (N,) bool: which images have the value, by the likeliest one."""
        self.probability(name, value)  # says what is wrong with the name or the value
        return self.probabilities[name].argmax(1) == self.classes[name].index(value)

    def number(self, name: str) -> np.ndarray:
        """Return the (N,) values of a numeric attribute; a GanlensError if it is not known."""
        if name not in self.numbers:
            known = ", ".join(self.numbers) or "none is known"
            raise GanlensError(f"number {name!r} is not known: choose from {known}")
        return self.numbers[name]


@dataclass(frozen=True)
class AttributeClassifier:
    """A trained classifier with what it is worth.

    Attributes:
        model: the network, in eval mode.
        hash: sha256 of its file.
        source: where it comes from, in words.
        accuracies: attribute -> share of held-out images that are right; NaN where none is known.
        majority: attribute -> the same for always saying the commonest training value.
        correlations: numeric attribute -> held-out Pearson correlation; NaN below 2 images.
        n_held_out: images behind these.
    """

    model: Classifier
    hash: str
    source: str
    accuracies: dict[str, float]
    majority: dict[str, float]
    correlations: dict[str, float]
    n_held_out: int

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Attribute -> its values."""
        return {name: tuple(values) for name, values in self.model.config.targets.items()}

    @torch.inference_mode()
    def predict(self, x: Tensor, batch_size: int = 256) -> Predictions:
        """Predict the attributes of (N, C, H, W) images in [-1, 1].

        Raises:
            GanlensError: images of another shape than it was trained on.
        """
        if tuple(x.shape[1:]) != self.model.image_shape:
            raise GanlensError(
                f"images of shape {tuple(x.shape)} do not fit the attribute classifier: give "
                f"(N, {', '.join(map(str, self.model.image_shape))})"
            )
        place, config = place_of(self.model), self.model.config
        with evaluating(self.model):
            parts = [self.model(part.to(place)) for part in x.split(batch_size)]
        found = {k: torch.cat([part[k] for part in parts]).float().cpu() for k in parts[0]}
        scales = config.numbers.items()
        return Predictions(
            self.classes,
            {name: found[name].softmax(1).numpy() for name in config.targets},
            {name: (found[name] * std + mean).numpy() for name, (mean, std) in scales},
        )

    def about(self) -> dict[str, Any]:
        """Return what a summary says of it: JSON-able."""
        return {
            "classifier": self.source,
            "classifier_hash": self.hash,
            "classifier_accuracy_held_out": self.accuracies,
            "classifier_correlation_held_out": self.correlations,
            "classifier_n_held_out": self.n_held_out,
        }


def attribute_classifier(
    data: "ImageSet",
    settings: ClassifierSettings | None = None,
    device: torch.device | str = "cpu",
) -> Steps[AttributeClassifier]:
    """Find or make the classifier of a data set's labels and attributes.

    A shipped one that was trained on the same images is taken; else one is trained on the train
    split and kept in the cache folder under the data's fingerprint and the settings.

    Args:
        data: the whole ImageSet.
        settings: how to train, if it comes to that.
        device: where to train, and where it predicts.

    Yields:
        Progress, once per epoch of training.

    Raises:
        GanlensError: the data has neither labels nor categorical attributes.
    """
    settings = settings or ClassifierSettings()
    fingerprint = data.part("train").fingerprint
    for folder, header in list_checkpoints(family=FAMILY):
        if header.data.get("fingerprint") == fingerprint:
            return open_classifier(folder, device)
    folder = cache_folder() / CLASSIFIERS / f"{fingerprint[:32]}-{_key(settings)}"
    if not (folder / MODEL_FILE).is_file():
        steps = train_classifier(data, settings, device)
        what = "epochs of the attribute classifier"
        trained = yield from relayed(steps, lambda one: Progress(one.epoch, one.epochs, what))
        save_classifier(folder, trained)
    return open_classifier(folder, device)


def open_classifier(path: str | Path, device: torch.device | str = "cpu") -> AttributeClassifier:
    """Open a classifier's checkpoint folder as a classifier.

    Args:
        path: the folder.
        device: where it predicts.

    Raises:
        GanlensError: as ``load_classifier``.
    """
    model, header, digest = load_classifier(path)
    metrics = header.metrics
    return AttributeClassifier(
        model.to(device),
        digest,
        f"a network of {sum(p.numel() for p in model.parameters()):,} weights on pixels, trained "
        f"on {header.data.get('n', 0):,} real images",
        _numbers(metrics["accuracies"]),
        _numbers(metrics["majority"]),
        _numbers(metrics["correlations"]),
        metrics["n"],
    )


def _numbers(written: Mapping[str, float | None]) -> dict[str, float]:
    """Return NaN for the None that strict JSON has in its place."""
    return {name: float("nan") if value is None else value for name, value in written.items()}


def _key(settings: ClassifierSettings) -> str:
    text = json.dumps(asdict(settings), sort_keys=True) + FORMAT
    return hashlib.sha256(text.encode()).hexdigest()[:16]
