"""One classifier: trained on an arm's images, and tested."""

from dataclasses import dataclass

import numpy as np
import torch

from ganlens.classifier.by_steps import train_for_steps
from ganlens.classifier.train import ClassifierSettings
from ganlens.devices import place_of
from ganlens.images import from_uint8
from ganlens.models.classifier import Classifier
from ganlens.probes.base import Steps
from ganlens.probes.useful.materials import Labelled, Materials

AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Tested:
    """How a classifier did on images.

    Attributes:
        accuracies: (T,) share of right answers for each target.
        by_class: (K,) share of each class's images that are right, the classes of one target after
            those of another; NaN where there are none.
    """

    accuracies: np.ndarray
    by_class: np.ndarray

    @property
    def accuracy(self) -> float:
        """The mean over targets."""
        return float(self.accuracies.mean())


def trained(
    given: Labelled,
    materials: Materials,
    settings: ClassifierSettings,
    steps: int,
    device: torch.device,
) -> Steps[Classifier]:
    """Train on labelled images for a number of steps; see ``train_for_steps``."""
    truth = materials.truth(given.answers)
    return train_for_steps(given.images, truth, settings, steps, device)


@torch.inference_mode()
def tested(model: Classifier, on: Labelled, materials: Materials) -> Tested:
    """Count the right answers of a classifier on labelled images."""
    device, guesses = place_of(model), []
    for start in range(0, len(on), AT_ONCE):
        found = model(from_uint8(on.images[start : start + AT_ONCE], device))
        guesses.append(torch.stack([found[name].argmax(1) for name in materials.targets], 1))
    return scored(torch.cat(guesses).cpu().numpy(), on.answers, materials.targets)


def scored(guesses: np.ndarray, answers: np.ndarray, targets: dict[str, tuple[str, ...]]) -> Tested:
    """Compare (N, T) guesses with (N, T) answers."""
    right, by_class = guesses == answers, []
    for hit, true, classes in zip(right.T, answers.T, targets.values(), strict=True):
        counts = np.bincount(true, minlength=len(classes))
        hits = np.bincount(true, hit, minlength=len(classes))
        by_class.append(np.where(counts > 0, hits / np.maximum(counts, 1), np.nan))
    return Tested(right.mean(0), np.concatenate(by_class))
