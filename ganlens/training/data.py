"""Training data: images, the condition of each, and a second set of images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.models.conditions import Attributes, Classes, Condition, Text
from ganlens.models.family import Domain

CAPTIONS = ("caption", "text")  # names under which data keep captions


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Training images, memory-mapped or not.

    Attributes:
        images: (N, H, W, C) uint8.
        labels: (N, k) float32 rows of the condition; None without one.
        others: (M, H', W', C') uint8 images of a second domain; None without one.
        condition: what the labels mean; None without.
    """

    images: np.ndarray
    labels: Tensor | None = None
    others: np.ndarray | None = None
    condition: Condition | None = None

    @property
    def arguments(self) -> dict[str, int]:
        """What the images decide of networks: "size", "channels" and "condition_dim"."""
        _, size, _, channels = self.images.shape
        width = {} if self.condition is None else {"condition_dim": self.condition.dim}
        return {"size": size, "channels": channels, **width}

    def of(self, domain: Domain) -> np.ndarray:
        """Return the (N, H, W, C) uint8 images of a set: ``images``, or ``others``."""
        if domain == "data":
            return self.images
        assert self.others is not None, "the trainer refuses data without what a family reads"
        return self.others


def training_data(
    images: ImageSet,
    kinds: Sequence[str] = (),
    columns: Sequence[str] = (),
    others: ImageSet | None = None,
) -> TrainingData:
    """Gather what a family trains on.

    Args:
        images: the training images.
        kinds: kinds of Condition that the family takes, by preference; none: it takes
            nothing.
        columns: attributes that it takes, in this order; by default all.
        others: images of a second domain.

    Raises:
        GanlensError: the data have nothing of these kinds, or no such attribute.
    """
    pixels = None if others is None else others.images
    if not kinds:
        return TrainingData(images.images, others=pixels)
    condition = condition_of(images, kinds, columns)
    return TrainingData(images.images, labels_of(images, condition), pixels, condition)


def condition_of(data: ImageSet, kinds: Sequence[str], columns: Sequence[str] = ()) -> Condition:
    """Return the Condition of the first kind that the data have; see ``training_data``."""
    for kind in ("attributes",) if columns else kinds:  # who names some wants no classes
        if kind == "classes" and data.labels is not None:
            _all_labelled(data)
            return Classes.of(data.labels, data.class_names)
        if kind == "text" and (name := _captions(data)):
            return Text.of(data.attributes[name].tolist())
        if kind == "attributes" and data.attributes:
            chosen = _columns(data, columns)
            return Attributes.of(chosen, {k: v for k, v in data.values.items() if k in chosen})
    needs = " or ".join({"text": f"captions (an attribute named {CAPTIONS[0]})"}.get(k, k)
                        for k in (("attributes",) if columns else kinds))  # fmt: skip
    raise GanlensError(
        f"{data.spec} has no {needs}, which this family learns from: give data that have, or"
        " another --family"
    )


def _all_labelled(data: ImageSet) -> None:
    missing = 0 if data.labels is None else int((data.labels < 0).sum())
    if missing:
        raise GanlensError(
            f"{data.spec} has {missing:,} images without a class, which cannot be learned from or "
            "compared by class: leave them out, or give each its class"
        )


def labels_of(data: ImageSet, condition: Condition) -> Tensor:
    """Return the (N, k) rows of a Condition for every image of a data set.

    Raises:
        GanlensError: the data lacks what the condition is about.
    """
    if isinstance(condition, Classes):
        if data.labels is None:
            raise GanlensError(f"{data.spec} has no classes: give data that have")
        places = {name: i for i, name in enumerate(condition.names)}
        if unknown := sorted(set(data.class_names) - set(places)):
            raise GanlensError(
                f"{data.spec} has the class {unknown[0]!r}: the networks know"
                f" {', '.join(condition.names[:20])}"
            )
        _all_labelled(data)
        order = np.array([places[name] for name in data.class_names])
        return condition.labels(order[data.labels])
    if isinstance(condition, Attributes):
        return condition.encode(data.attributes)
    assert isinstance(condition, Text)
    name = _captions(data)
    if name is None:
        raise GanlensError(f"{data.spec} has no captions: give data with a column {CAPTIONS[0]!r}")
    return condition.encode(data.attributes[name].tolist())


def _captions(data: ImageSet) -> str | None:
    return next((name for name in CAPTIONS if name in data.attributes), None)


def _columns(data: ImageSet, names: Sequence[str]) -> dict[str, np.ndarray]:
    if unknown := [name for name in names if name not in data.attributes]:
        raise GanlensError(
            f"attribute {unknown[0]!r} is not in {data.spec}: choose from"
            f" {', '.join(data.attributes)}"
        )
    return {name: data.attributes[name] for name in names or sorted(data.attributes)}


def as_training_data(images: "np.ndarray | TrainingData") -> TrainingData:
    """Take bare (N, H, W, C) uint8 images for training data without labels."""
    return images if isinstance(images, TrainingData) else TrainingData(images)
