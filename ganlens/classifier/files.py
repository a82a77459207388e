"""Classifiers as checkpoint folders."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

import torch

from ganlens.checkpoints import (
    METRICS_FILE,
    MODEL_FILE,
    Header,
    find_checkpoint,
    read_model_file,
    save_checkpoint,
)
from ganlens.classifier.card import card
from ganlens.classifier.train import TrainedClassifier
from ganlens.errors import GanlensError
from ganlens.models.classifier import FAMILY, Classifier, ClassifierConfig, classifier_arguments


def save_classifier(
    folder: str | Path, trained: TrainedClassifier, made: Mapping[str, Any] | None = None
) -> Path:
    """Write a classifier as a ganlens checkpoint folder of the family "classifier".

    Beside the model lie ``metrics.jsonl``, a line for each epoch, and ``card.md``.

    Args:
        folder: created where missing.
        trained: what to save.
        made: how it came about, for the header and the card: "command", "seconds", "machine". The
            device that trained it is added.

    Raises:
        GanlensError: the file cannot be written.
    """
    folder, model, settings = Path(folder), trained.model, trained.settings
    header = Header(
        family=FAMILY,
        arguments=classifier_arguments(model.config),
        prior={},
        data={**trained.data, "n": trained.n_train},
        training=asdict(settings),
        step=settings.epochs * (trained.n_train // min(settings.batch_size, trained.n_train)),
        metrics=_metrics(trained),
        made={"device": trained.device, **(made or {})},
    )
    weights = sum(parameter.numel() for parameter in model.parameters())
    rows = "".join(f"{json.dumps(asdict(epoch))}\n" for epoch in trained.epochs)
    extras = {
        METRICS_FILE: rows.encode(),
        "card.md": card(folder.resolve().name, header, weights).encode(),
    }
    return save_checkpoint(folder, header, {FAMILY: model}, extras)


def _metrics(trained: TrainedClassifier) -> dict[str, Any]:
    """Return the findings as strict JSON: None where a share or a correlation is not defined."""
    found = {
        name: {k: None if isnan(v) else v for k, v in getattr(trained, name).items()}
        for name in ("accuracies", "majority", "correlations")
    }
    learned = {"train_accuracy": trained.epochs[-1].accuracy}
    return {**found, "confusions": trained.confusions, **learned, "n": trained.n_test}


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
    except (TypeError, ValueError, AttributeError, RuntimeError, GanlensError) as error:
        raise GanlensError(
            f"{file} describes a classifier that cannot be built: {error}"
        ) from error
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return model.requires_grad_(False).eval(), header, digest
