"""What a classifier learns of a data set: its labels, its categories and its numbers."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ganlens.data import ImageSet
from ganlens.errors import GanlensError

LABEL = "class"  # the target that stands for the labels of class folders
UNKNOWN = -1  # index of a label or value that is not given
MOST_CLASSES = 1000  # an attribute with more values than this names images rather than kinds


def targets_of(data: ImageSet) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Find what can be classified: the labels (as "class") and every categorical attribute.

    Args:
        data: the whole ImageSet.

    Returns:
        Target -> (its classes, (N,) int64 indices into them), for targets of 2 to 1,000 classes.
        Where nothing is given (a label of -1, an empty attribute) the index is -1.

    Raises:
        GanlensError: there is no such target.
    """
    found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    if data.labels is not None and len(data.class_names) > 1:
        found[LABEL] = (tuple(data.class_names), np.asarray(data.labels, dtype=np.int64))
    for name, values in data.attributes.items():
        if np.asarray(values).dtype.kind in "fiu":
            continue
        classes, indices = np.unique(np.asarray(values).astype(str), return_inverse=True)
        blank = int(classes[0] == "")  # sorted: what is not given comes first
        if 2 <= len(classes) - blank <= MOST_CLASSES:
            places = indices.reshape(-1).astype(np.int64) - blank
            found[name] = (tuple(map(str, classes[blank:])), places)
    if not found:
        alone = "".join(f" (every image is of class {name!r})" for name in data.class_names)
        raise GanlensError(
            f"data {data.spec!r} has nothing to classify{alone}: give class folders, labels, or a "
            "categorical attribute with at least 2 values"
        )
    return found


@dataclass(frozen=True)
class Truth:
    """What is true of N images.

    Attributes:
        targets: target -> its classes.
        scales: number -> (mean, standard deviation) over the training images.
        answers: (N, T) int64 indices into the classes of each target, -1 where not given.
        numbers: (N, K) float32 standardised numbers, NaN where not given.
    """

    targets: dict[str, tuple[str, ...]]
    scales: dict[str, tuple[float, float]]
    answers: Tensor
    numbers: Tensor

    def rows(self, chosen: slice | Tensor) -> "Truth":
        """Return what is true of some of the images."""
        return replace(self, answers=self.answers[chosen], numbers=self.numbers[chosen])

    def to(self, device: torch.device) -> "Truth":
        """Return the same with its tensors on a device."""
        return replace(self, answers=self.answers.to(device), numbers=self.numbers.to(device))


def truth_of(data: ImageSet) -> Truth:
    """Return what is to be learned of the whole ImageSet: ``targets_of``, and what varies.

    A numeric attribute counts if it varies among the training images.

    Raises:
        GanlensError: as ``targets_of``.
    """
    targets = targets_of(data)
    scales, numbers = _numbers(data)
    return Truth(
        {name: classes for name, (classes, _) in targets.items()},
        scales,
        torch.from_numpy(np.stack([indices for _, indices in targets.values()], 1)),
        torch.from_numpy(numbers),
    )


def _numbers(data: ImageSet) -> tuple[dict[str, tuple[float, float]], np.ndarray]:
    """Return name -> (mean, deviation) and (N, K) float32 standardised values, NaN for none."""
    first, last = data.bounds["train"]
    scales: dict[str, tuple[float, float]] = {}
    columns = []
    for name, column in data.attributes.items():
        if column.dtype.kind != "f":
            continue
        known = column[first:last][np.isfinite(column[first:last])]
        if len(known) > 1 and known.std() > 0:
            scales[name] = (float(known.mean()), float(known.std()))
            columns.append((column - known.mean()) / known.std())
    values = np.stack(columns, 1) if columns else np.zeros((len(data), 0))
    return scales, np.where(np.isfinite(values), values, np.nan).astype(np.float32)
