"""Targets of a linear probe: the class labels, or categorical attributes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganlens.data import ImageSet
from ganlens.data.kinds import LABELS_OR_A_TABLE
from ganlens.errors import GanlensError


@dataclass(frozen=True)
class Target:
    """One thing to predict.

    Attributes:
        name: "class", or the attribute's.
        classes: names of its values.
        train: (N,) int64 indices into ``classes`` for the train images, -1 where unknown.
        test: (M,) the same for the test images.
    """

    name: str
    classes: tuple[str, ...]
    train: np.ndarray
    test: np.ndarray


def find_targets(train: ImageSet, test: ImageSet, wanted: str) -> list[Target]:
    """Return the targets that ``wanted`` names: "class", an attribute, or "auto".

    That is the labels where there are some, else every categorical attribute at once.

    Raises:
        GanlensError: nothing to predict, an unknown or numeric attribute, or a single value.
    """
    has_labels = train.labels is not None and test.labels is not None
    if has_labels and wanted in ("auto", "class") and not (_known(train) and _known(test)):
        empty = "test" if _known(train) else "train"
        raise GanlensError(
            f"the {empty} images of {train.spec!r} have no classes, so nothing can be predicted of "
            "them: give some that have, as train=SPEC,test=SPEC"
        )
    categorical = [name for name, v in train.attributes.items()
                   if v.dtype.kind in "UO" and not (has_labels and name == "class")]  # fmt: skip
    valid = ["class"] * has_labels + categorical
    if not valid:
        raise GanlensError(
            f"data {train.spec!r} has no labels and no categorical attributes to predict: "
            f"add {LABELS_OR_A_TABLE}"
        )
    if wanted == "auto":
        names: Sequence[str] = ["class"] if has_labels else categorical
    elif wanted in valid:
        names = [wanted]
    else:
        problem = "is numeric" if wanted in train.attributes else "is not known"
        raise GanlensError(f"target {wanted!r} {problem}: choose from auto, {', '.join(valid)}")
    found = [_target(train, test, name) for name in names]
    useful = [target for target in found if len(np.unique(target.train[target.train >= 0])) > 1]
    if not useful:
        raise GanlensError(
            f"target {wanted!r} has one value in the train images: choose from {', '.join(valid)}"
        )
    return useful


def _known(part: ImageSet) -> bool:
    return part.labels is not None and bool((part.labels >= 0).any())


def _target(train: ImageSet, test: ImageSet, name: str) -> Target:
    if name == "class" and train.labels is not None and test.labels is not None:
        return Target(name, tuple(train.class_names), train.labels, test.labels)
    values = [part.attributes[name].astype(str) for part in (train, test)]
    classes = sorted({*values[0].tolist(), *values[1].tolist()} - {""})
    place = {value: index for index, value in enumerate(classes)}
    encoded = [np.array([place.get(v, -1) for v in column], np.int64) for column in values]
    return Target(name, tuple(classes), *encoded)
