"""What the classifiers learn from and are tested on: real images, with their conditions.

Samples are drawn for the conditions of real images, so that either have the same classes equally
often, and nothing but the pictures differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganlens.classifier.targets import LABEL, UNKNOWN, Truth
from ganlens.data import ImageSet
from ganlens.errors import GanlensError, one_of
from ganlens.models.conditions import Attributes, Classes, Condition
from ganlens.training.data import labels_of


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images with what they are of.

    Attributes:
        images: (N, H, W, C) uint8.
        answers: (N, T) int64, the class of each target.
        rows: (N, k) float32, the condition that each stands for.
    """

    images: np.ndarray
    answers: np.ndarray
    rows: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def pick(self, places: np.ndarray | slice) -> "Labelled":
        """Return some of them, in the order of the places."""
        chosen = torch.from_numpy(places) if isinstance(places, np.ndarray) else places
        return Labelled(self.images[places], self.answers[places], self.rows[chosen])

    def with_(self, other: "Labelled") -> "Labelled":
        """Return these and others."""
        return Labelled(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.answers, other.answers]),
            torch.cat([self.rows, other.rows]),
        )


@dataclass(frozen=True, eq=False)
class Materials:
    """Real images whose condition is known.

    Attributes:
        targets: T names, each with its classes.
        train: real train images.
        test: real held-out images, on which every classifier is tested.
        available: train and held-out images of the data, whether or not they are taken.
        unlabelled: train and held-out images that were left out for they lack a label.
        notes: what is assumed, a sentence each.
    """

    targets: dict[str, tuple[str, ...]]
    train: Labelled
    test: Labelled
    available: tuple[int, int]
    unlabelled: tuple[int, int]
    notes: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """(K) classes of all targets, one target's after another's; of several "target=class"."""
        several = len(self.targets) > 1
        return tuple(
            f"{name}={one}" if several else one
            for name, classes in self.targets.items()
            for one in classes
        )

    def truth(self, answers: np.ndarray) -> Truth:
        """Return (N, T) answers as a classifier learns them."""
        numbers = torch.zeros(len(answers), 0)
        return Truth(self.targets, {}, torch.from_numpy(answers), numbers)

    def majority(self) -> float:
        """Return the share of test images of the commonest train class, the mean over targets."""
        shares = [
            (asked == np.bincount(learned).argmax()).mean()
            for learned, asked in zip(self.train.answers.T, self.test.answers.T, strict=True)
        ]
        return float(np.mean(shares))


def materials(
    condition: Condition,
    data: ImageSet,
    wanted: Sequence[str],
    n_train: int | None,
    n_test: int | None,
    seed: int,
) -> Materials:
    """Choose what is classified, and the real images.

    Args:
        condition: of the generator: classes or attributes.
        data: with a train and a test part.
        wanted: attributes to classify; none takes all categorical ones of the condition.
        n_train: train images, drawn at random; None takes all.
        n_test: held-out images, drawn at random; None takes all.
        seed: of the draws.

    Raises:
        GanlensError: data whose labels are not the model's, nothing to classify, or too few images.
    """
    columns = _columns(condition, data, wanted)
    targets = {name: _values(condition, name, data) for name in columns}
    numbered = isinstance(condition, Classes) and _numbered(condition, data)
    notes = (
        (f"The model knows its classes by number only: class 0 is taken as the data's first, "
         f"{data.class_names[0]!r}, and so on in order.",) if numbered else ()
    )  # fmt: skip
    parts, available, unlabelled = [], [], []
    for name, most in (("train", n_train), ("test", n_test)):
        part = data.part(name)
        known = np.flatnonzero(_known(condition, part))
        rows = np.sort(np.random.default_rng(seed).permutation(known)[:most])
        if len(rows) < 2:
            raise GanlensError(
                f"{len(rows)} {name} images of {data.spec!r} have all labels that the model is"
                " given: give data with at least 2"
            )
        parts.append(_labelled(condition, part.pick(rows), targets, numbered))
        available.append(len(part))
        unlabelled.append(len(part) - len(known))
    for (name, classes), column in zip(targets.items(), parts[0].answers.T, strict=True):
        if len(np.unique(column)) < 2:
            raise GanlensError(
                f"all train images have {name} {classes[column[0]]!r}, so there is nothing to"
                " classify: give data with at least 2 values"
            )
    train, test = parts
    return Materials(
        targets,
        train,
        test,
        (available[0], available[1]),
        (unlabelled[0], unlabelled[1]),
        notes,
    )


def _columns(condition: Condition, data: ImageSet, wanted: Sequence[str]) -> list[str]:
    """Return the names of what is classified."""
    if isinstance(condition, Classes):
        valid = [LABEL]
    else:
        assert isinstance(condition, Attributes)
        valid = [one.name for one in condition.attributes if len(one.values) > 1]
        if missing := [one.name for one in condition.attributes if one.name not in data.attributes]:
            raise GanlensError(
                f"data {data.spec!r} lacks the attribute {missing[0]!r}, which the model is given:"
                " give the data that it was trained on"
            )
    for name in wanted:
        if name not in valid:
            raise one_of("target", name, valid or ["(no categorical attribute)"])
    if not valid:
        raise GanlensError("the model is given numbers only: there are no classes to tell apart")
    return list(dict.fromkeys(wanted)) or valid


def _values(condition: Condition, name: str, data: ImageSet) -> tuple[str, ...]:
    if isinstance(condition, Classes):
        if data.labels is None:
            raise GanlensError(
                f"data {data.spec!r} has no classes, which the model is given: give the data that"
                " it was trained on"
            )
        return tuple(data.class_names)
    assert isinstance(condition, Attributes)
    return next(one.values for one in condition.attributes if one.name == name)


def _numbered(condition: Classes, data: ImageSet) -> bool:
    """Whether the model counts its classes, and the data names as many in words of their own."""
    names = condition.classes
    counted = names == tuple(map(str, range(len(names))))
    return counted and len(data.class_names) == len(names) and set(data.class_names) != set(names)


def _known(condition: Condition, part: ImageSet) -> np.ndarray:
    """Return (N,) bool: which images have every label that the condition is made of."""
    if isinstance(condition, Classes):
        assert part.labels is not None
        return part.labels >= 0
    found = np.ones(len(part), bool)
    assert isinstance(condition, Attributes)
    for one in condition.attributes:
        column = part.attributes[one.name]
        if not one.values and column.dtype.kind not in "fiu":
            raise GanlensError(
                f"attribute {one.name!r} of {part.spec!r} is no number, as the model's is: give the"
                " data that it was trained on"
            )
        found &= np.isin(column.astype(str), one.values) if one.values else np.isfinite(column)
    return found


def _labelled(
    condition: Condition, part: ImageSet, targets: dict[str, tuple[str, ...]], numbered: bool
) -> Labelled:
    if isinstance(condition, Classes):
        assert part.labels is not None
        rows = condition.labels(part.labels) if numbered else labels_of(part, condition)
        return Labelled(part.images, part.labels.astype(np.int64)[:, None], rows)
    columns = []
    for name, values in targets.items():
        places = {value: i for i, value in enumerate(values)}
        words = part.attributes[name].astype(str).tolist()
        columns.append([places.get(word, UNKNOWN) for word in words])
    return Labelled(part.images, np.array(columns, np.int64).T, labels_of(part, condition))
