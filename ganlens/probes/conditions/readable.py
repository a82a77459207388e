"""What of a condition a classifier can read: the model's names beside the classifier's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ganlens.classifier.targets import LABEL
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.models.conditions import Attributes, Classes, Condition

UNREAD = -1  # in place of a value that the classifier, or the data, does not know


@dataclass(frozen=True, eq=False)
class Target:
    """One thing that is asked for and read: the class, or a categorical attribute.

    Attributes:
        name: what the model calls it.
        head: what the classifier calls it.
        place: which number of an entry asks for it.
        values: (V) what may be asked, in the condition's order.
        columns: (C) what may be read: that which may be asked too comes first, in its order.
        order: (C,) int64, place of each column among the classifier's classes.
        truth: (V,) int64, the column of each value; UNREAD where the classifier has none.
    """

    name: str
    head: str
    place: int
    values: tuple[str, ...]
    columns: tuple[str, ...]
    order: np.ndarray
    truth: np.ndarray

    def real(self, data: ImageSet) -> np.ndarray:
        """Return the (N,) column of each image by its label; UNREAD where none can be asked for.

        Raises:
            GanlensError: the data has no such labels.
        """
        if self.head == LABEL and data.labels is not None:
            words = data.classes
        elif self.head in data.attributes:
            words = data.attributes[self.head].astype(str)
        else:
            raise GanlensError(
                f"data {data.spec!r} has no labels of {self.head!r}, which the model is asked for:"
                " give the data that it was trained on, or data with the same names"
            )
        places = {self.columns[i]: i for i in self.truth.tolist() if i != UNREAD}
        return np.array([places.get(word, UNREAD) for word in words.tolist()], np.int64)


@dataclass(frozen=True)
class Readable:
    """What of a condition a classifier reads.

    Attributes:
        targets: classes or categorical attributes, in the condition's order; at least one.
        numbers: numeric attribute -> the number of an entry that asks for it.
        unread: what the model is asked for and the classifier does not read.
        notes: what is assumed, a sentence each.
    """

    targets: tuple[Target, ...]
    numbers: Mapping[str, int]
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def truth(self, entries: np.ndarray) -> np.ndarray:
        """Return the (N, T) columns that (N, A) entries ask for."""
        found = [one.truth[entries[:, one.place].astype(np.int64)] for one in self.targets]
        return np.stack(found, 1)

    def asked_numbers(self, entries: np.ndarray) -> np.ndarray:
        """Return the (N, M) numbers that (N, A) entries ask for, in the data's units."""
        return entries[:, list(self.numbers.values())].reshape(len(entries), -1)

    def real(self, data: ImageSet) -> np.ndarray:
        """Return the (N, T) columns of images by their labels."""
        return np.stack([one.real(data) for one in self.targets], 1)


def readable(
    condition: Condition,
    known: Mapping[str, tuple[str, ...]],
    gauges: Collection[str],
    data: ImageSet,
) -> Readable:
    """Match the words of a condition with those of a classifier.

    Args:
        condition: of the model: classes or attributes.
        known: what the classifier reads: target -> its classes.
        gauges: numeric attributes that it reads.
        data: whose labels the readings are compared with.

    Raises:
        GanlensError: the classifier reads nothing that the model can be asked for, or the data has
            no labels of it.
    """
    if isinstance(condition, Classes):
        found = _of_classes(condition, known)
    elif isinstance(condition, Attributes):
        found = _of_attributes(condition, known, gauges)
    else:
        raise GanlensError(f"a condition of {condition.kind} cannot be read by a classifier")
    if not found.targets:
        raise GanlensError(
            f"the classifier reads {', '.join(known)}, and the model is asked for"
            f" {', '.join(condition.names[:20])}: give the data that it was trained on, or a"
            " classifier of these, as --classifier FOLDER"
        )
    for one in found.targets:  # before the long work
        if (one.real(data) == UNREAD).all():
            raise GanlensError(
                f"data {data.spec!r} calls no {one.head} as the model does"
                f" ({', '.join(one.columns[:20])}): give the data that it was trained on"
            )
    return found


def _of_classes(condition: Classes, known: Mapping[str, tuple[str, ...]]) -> Readable:
    names, notes, numbers = condition.classes, tuple[str, ...](), {}
    heads = [name for name in (LABEL, condition.attribute, *known) if name in known]
    shared = {head: len(set(names) & set(known[head])) for head in heads}
    head = max(shared, key=lambda one: shared[one], default="")
    if names == tuple(map(str, range(len(names)))) and set(names) != set(known.get(head, ())):
        # "1" of a model that counts from 0 need not be "1" of data that count from 1.
        head = next((one for one in heads if len(known[one]) == len(names)), head)
        if len(known.get(head, ())) == len(names):
            notes = (
                f"The model knows its classes by number only: class 0 is taken as the data's first,"
                f" {known[head][0]!r}, and so on in order.",
            )
            numbers = dict(zip(names, known[head], strict=True))
    if not head or not (numbers or shared[head]):
        return Readable((), {})
    target = _target(condition.attribute, head, 0, names, known[head], numbers)
    missing = tuple(names[i] for i in np.flatnonzero(target.truth == UNREAD))
    return Readable((target,), {}, missing, notes)


def _of_attributes(
    condition: Attributes, known: Mapping[str, tuple[str, ...]], gauges: Collection[str]
) -> Readable:
    targets, numbers, unread = list[Target](), dict[str, int](), list[str]()
    for place, one in enumerate(condition.attributes):
        if not one.values and one.name in gauges:
            numbers[one.name] = place
        elif one.values and set(one.values) & set(known.get(one.name, ())):
            targets.append(_target(one.name, one.name, place, one.values, known[one.name], {}))
            lost = np.flatnonzero(targets[-1].truth == UNREAD)
            unread += [f"{one.name}={one.values[i]}" for i in lost]
        else:
            unread.append(one.name)
    return Readable(tuple(targets), numbers, tuple(unread))


def _target(
    name: str,
    head: str,
    place: int,
    values: Sequence[str],
    known: Sequence[str],
    said: Mapping[str, str],
) -> Target:
    words = [said.get(value, value) for value in values]
    columns = [w for w in words if w in known] + [w for w in known if w not in words]
    order = np.array([known.index(word) for word in columns], np.int64)
    truth = [columns.index(word) if word in columns else UNREAD for word in words]
    shown = tuple(f"{v} ({said[v]})" if v in said else v for v in values)
    return Target(name, head, place, shown, tuple(columns), order, np.array(truth, np.int64))
