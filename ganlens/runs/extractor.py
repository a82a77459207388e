"""The extractor in whose features a run evaluates its samples, fixed for the whole run."""

from collections.abc import Callable
from pathlib import Path

import torch

from ganlens.checkpoints import MODEL_FILE
from ganlens.classifier import load_classifier, save_classifier, targets_of, train_classifier
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import (
    ClassifierExtractor,
    Extractor,
    PixelExtractor,
    find_inception_weights,
)
from ganlens.progress import finish
from ganlens.runs.folder import EXTRACTOR_FOLDER


def run_extractor(
    name: str,
    data: ImageSet,
    folder: Path,
    say: Callable[[str], None],
    device: torch.device | str = "cpu",
) -> Extractor:
    """Choose or make the extractor of a run.

    Args:
        name: "inception", "classifier", "pixels", the folder of a classifier's checkpoint, or
            "auto": Inception where its weights are available, else a classifier where the data has
            labels or attributes, else pixels.
        data: all of the data.
        folder: where a classifier that has to be trained first is saved, as ``judge``.
        say: takes a line on what is being done.
        device: where it runs, and where a classifier is trained.

    Raises:
        GanlensError: weights that are not there, or data without labels for a classifier.
    """
    chosen = _auto(data) if name == "auto" else name
    if chosen == "inception":
        from ganlens.features.inception import InceptionExtractor  # torchvision takes seconds

        return InceptionExtractor(find_inception_weights(None), device)
    if chosen == "pixels":
        return PixelExtractor()
    if chosen == "classifier":
        return _own_classifier(data, folder / EXTRACTOR_FOLDER, say, device)
    return _opened(chosen, device)


def _opened(place: str | Path, device: torch.device | str) -> Extractor:
    classifier, _, digest = load_classifier(place)
    return ClassifierExtractor(classifier.to(device), digest)


def _own_classifier(
    data: ImageSet, folder: Path, say: Callable[[str], None], device: torch.device | str
) -> Extractor:
    """Train the classifier, or take the one that an earlier start of the same run has trained."""
    if not (folder / MODEL_FILE).is_file():
        names = ", ".join(targets_of(data))
        trained = finish(
            train_classifier(data, device=device),
            lambda now: say(
                f"extractor: a classifier of {names}, epoch {now.epoch} of {now.epochs}"
            ),
        )
        found = ", ".join(f"{name} {share:.1%}" for name, share in trained.accuracies.items())
        say(f"extractor: right on held-out images: {found}")
        save_classifier(folder, trained)
    return _opened(folder, device)


def _auto(data: ImageSet) -> str:
    try:
        find_inception_weights(None)
    except GanlensError:
        pass
    else:
        return "inception"
    try:
        targets_of(data)
    except GanlensError:
        return "pixels"
    return "classifier"
