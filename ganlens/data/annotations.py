"""What a source holds and what is known about it, before and after decoding."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ganlens.data.imageset import Skipped


@dataclass(frozen=True)
class Listing:
    """The images of a source before any is decoded.

    Attributes:
        names: one per image.
        splits: one of SPLITS per image, or None if the source declares none.
        skipped: what was left out without being opened.
        notes: what was concluded about the data, a sentence each.
    """

    names: list[str]
    splits: list[str] | None = None
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Annotations:
    """What is known about the images of a Listing, row by row; see ImageSet for the shapes.

    ``notes`` are what was concluded.
    """

    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    attributes: dict[str, np.ndarray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def class_labels(classes: Sequence[str] | Sequence[int]) -> Annotations:
    """Number class names, or integers, in their sorted order; "" is no class, -1."""
    found, labels = np.unique(np.asarray(classes), return_inverse=True)
    labels = labels.reshape(-1).astype(np.int64)
    if len(found) and str(found[0]) == "" and len(found) > 1:
        found, labels = found[1:], labels - 1
    return Annotations(labels, tuple(map(str, found.tolist())))


def column_labels(values: Sequence[str]) -> Annotations:
    """Number the classes of a column; whole numbers in their own order, others by name."""
    given = {value for value in values if value}
    if not all(value.lstrip("-").isdecimal() for value in given):
        return class_labels(values)
    order = sorted(given, key=int)
    places = {value: index for index, value in enumerate(order)}
    return Annotations(np.array([places.get(v, -1) for v in values], np.int64), tuple(order))


def joined(parts: Sequence[Annotations], counts: Sequence[int]) -> Annotations:
    """Put the annotations of parts one behind the other; classes and attributes by name.

    Labels are kept if any part has them, -1 elsewhere; an attribute that a part lacks is "" there.

    Args:
        parts: of each part.
        counts: images of each part.
    """
    names = tuple(dict.fromkeys(name for part in parts for name in part.class_names))
    whole = all(name.lstrip("-").isdecimal() for name in names)
    names = tuple(sorted(names, key=(lambda n: (int(n), n)) if whole else None))
    labels = [
        np.full(count, -1, np.int64)
        if part.labels is None
        else np.array([names.index(name) for name in part.class_names] + [-1])[part.labels]
        for part, count in zip(parts, counts, strict=True)
    ]
    keys = dict.fromkeys(key for part in parts for key in part.attributes)
    attributes = {
        key: np.concatenate(
            [
                part.attributes.get(key, np.full(count, ""))
                for part, count in zip(parts, counts, strict=True)
            ]
        )
        for key in keys
    }
    notes = [note for part in parts for note in part.notes]
    if all(part.labels is None for part in parts):
        return Annotations(attributes=attributes, notes=notes)
    return Annotations(np.concatenate(labels), names, attributes, notes)
