"""Reading of images: what a classifier says they show, and the features that go with it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.attributes import AttributeClassifier
from ganlens.features import DataImages, Extractor
from ganlens.probes.base import Progress, Steps
from ganlens.probes.conditions.readable import UNREAD, Readable
from ganlens.probes.conditions.shares import OneWay, one_way
from ganlens.subject import Subject


@dataclass(frozen=True)
class Readings:
    """What was read off N images.

    Attributes:
        columns: (N, T) int64 the likeliest column of each target.
        numbers: (N, M) float64 numeric attributes, in the data's units.
        features: (N, D) float32.
        levels: (N, 2) mean and standard deviation of the pixels, in [-1, 1].
    """

    columns: np.ndarray
    numbers: np.ndarray
    features: np.ndarray
    levels: np.ndarray


@dataclass(frozen=True)
class Reader:
    """A classifier and an extractor that look at images together.

    Attributes:
        classifier: reads them.
        extractor: gives their features.
        readable: what is read, in which order.
        batch_size: images at a time.
    """

    classifier: AttributeClassifier
    extractor: Extractor
    readable: Readable
    batch_size: int

    def read(self, x: Tensor) -> Readings:
        """Read (N, C, H, W) images in [-1, 1], rounded to bytes as real ones are."""
        x = images.from_uint8(images.to_uint8(x))
        found = self.classifier.predict(x)
        columns = [
            np.argsort(one.order)[found.probabilities[one.head].argmax(1)]
            for one in self.readable.targets
        ]
        numbers = [found.numbers[name].astype(np.float64) for name in self.readable.numbers]
        return Readings(
            np.stack(columns, 1),
            np.stack(numbers, 1) if numbers else np.empty((len(x), 0)),
            self.extractor(x).numpy(),
            torch.stack([x.mean((1, 2, 3)), x.flatten(1).std(1)], 1).numpy(),
        )

    def samples(self, subject: Subject, z: Tensor, rows: Tensor, what: str) -> Steps[Readings]:
        """Draw (N, d) latents under (N, k) rows, and read them."""
        parts = list[Readings]()
        for first in range(0, len(z), self.batch_size):
            yield Progress(first, len(z), what)
            piece = slice(first, first + self.batch_size)
            drawn = subject.generate(z[piece], rows[piece], batch_size=self.batch_size)
            parts.append(self.read(drawn))
        return _joined(parts)

    def real(self, source: DataImages) -> Steps["HeldOut"]:
        """Read real images, and take their labels."""
        labels = self.readable.real(source.data)[source.rows]
        parts = list[Readings]()
        for first in range(0, source.count, self.batch_size):
            yield Progress(first, source.count, "real images")
            rows = slice(first, min(first + self.batch_size, source.count))
            parts.append(self.read(source.tensors(rows)))
        return HeldOut(source, labels, _joined(parts))


@dataclass(frozen=True)
class HeldOut:
    """Real images that neither the GAN nor the classifier was trained on.

    Attributes:
        source: N images.
        labels: (N, T) columns of each target; UNREAD where not known.
        readings: what was read.
    """

    source: DataImages
    labels: np.ndarray
    readings: Readings

    @property
    def groups(self) -> np.ndarray:
        """(N,) numbers, equal where all labels are; an image without some is alone."""
        found = np.unique(self.labels, axis=0, return_inverse=True)[1].reshape(-1)
        return np.where((self.labels == UNREAD).any(1), -1 - np.arange(len(found)), found)

    def explained(self) -> tuple[OneWay | None, OneWay | None]:
        """Return how much of the variance of pixels, and of features, the labels explain."""
        pixels = self.source.images(slice(None)).reshape(self.source.count, -1)
        return one_way(pixels, self.groups), one_way(self.readings.features, self.groups)


def _joined(parts: list[Readings]) -> Readings:
    return Readings(
        np.concatenate([one.columns for one in parts]),
        np.concatenate([one.numbers for one in parts]),
        np.concatenate([one.features for one in parts]),
        np.concatenate([one.levels for one in parts]),
    )


def rows_of(subject: Subject, entries: np.ndarray) -> Tensor:
    """Return the (N, k) rows of (N, A) entries."""
    assert subject.condition is not None
    found = subject.condition.rows(map(tuple, entries.tolist()))
    return found if len(found) else torch.empty(0, subject.condition.dim)
