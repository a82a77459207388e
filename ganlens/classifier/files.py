"""Classifiers as checkpoint folders."""

import hashlib
from dataclasses import asdict
from math import isnan
from pathlib import Path

import torch

from ganlens.checkpoints import (
    MODEL_FILE,
    Header,
    find_checkpoint,
    read_model_file,
    save_checkpoint,
)
from ganlens.classifier.train import TrainedClassifier
from ganlens.errors import GanlensError
from ganlens.models.classifier import FAMILY, Classifier, ClassifierConfig, classifier_arguments


def save_classifier(
    folder: str | Path, trained: TrainedClassifier, card: str | None = None
) -> Path:
    """Write a classifier as a ganlens checkpoint folder of the family "classifier".

    Args:
        folder: created where missing.
        trained: what to save.
        card: a text that says what it is and how it was made, for ``card.md``.

    Raises:
        GanlensError: the file cannot be written.
    """
    model = trained.model
    metrics = {
        "accuracies": trained.accuracies,
        "majority": trained.majority,
        "correlations": {k: None if isnan(v) else v for k, v in trained.correlations.items()},
        "n": trained.n_test,
    }
    header = Header(
        family=FAMILY,
        arguments=classifier_arguments(model.config),
        prior={},
        data={**trained.data, "n": trained.n_train},
        training=asdict(trained.settings),
        step=trained.settings.epochs
        * (trained.n_train // min(trained.settings.batch_size, trained.n_train)),
        metrics=metrics,
    )
    extras = {} if card is None else {"card.md": card.encode()}
    return save_checkpoint(Path(folder), header, {FAMILY: model}, extras)


def load_classifier(path: str | Path) -> tuple[Classifier, Header, str]:
    """Open a classifier's checkpoint folder. No code from the file is run.

    Returns:
        The network in eval mode on the CPU, what the file says of itself, and the file's sha256.

    Raises:
        GanlensError: nothing there, a damaged file, or another family.
    """
    file = find_checkpoint(path) / MODEL_FILE
    header, tensors = read_model_file(file)
    if header.family != FAMILY:
        raise GanlensError(f"{file} holds a {header.family!r} model where a classifier is needed")
    weights = {k.removeprefix(f"{FAMILY}."): v for k, v in tensors.items()}
    try:
        with torch.device("meta"):  # no weights are drawn only to be replaced
            model = Classifier(ClassifierConfig(**header.arguments))
        model.load_state_dict(weights, assign=True)
    except (TypeError, RuntimeError, GanlensError) as error:
        raise GanlensError(
            f"{file} describes a classifier that cannot be built: {error}"
        ) from error
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return model.requires_grad_(False).eval(), header, digest
