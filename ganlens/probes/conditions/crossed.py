"""The same latents under every condition: shares of variance, and what truncation does to them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.probes.base import Progress, Steps
from ganlens.probes.conditions.accuracy import Accuracy, accuracy
from ganlens.probes.conditions.reading import Reader, Readings, rows_of
from ganlens.probes.conditions.shares import OneWay, Shares, gram, two_way
from ganlens.subject import Subject


@dataclass(frozen=True)
class Crossed:
    """What L latents give under each of K conditions.

    Attributes:
        accuracy: of all L x K pictures.
        pixels: shares of variance of pixels; None where none varies.
        features: the same of the extractor's features.
        conditions: K.
    """

    accuracy: Accuracy
    pixels: Shares | None
    features: Shares | None
    conditions: int


@dataclass(frozen=True)
class Truncated:
    """The same with latents carried to the prior cut off at a threshold.

    Attributes:
        threshold: in the prior's units; None for the whole prior.
        crossed: what the pictures are like.
        diversity: variance of features under one condition, as a share of that of real images of
            one class or combination; None where that is not known.
    """

    threshold: float | None
    crossed: Crossed
    diversity: float | None


@dataclass(frozen=True)
class Cross:
    """Latents, and the conditions that each is drawn under.

    Attributes:
        subject: draws them.
        reader: reads them.
        z: (L, d) latents.
        entries: (K, A) conditions.
    """

    subject: Subject
    reader: Reader
    z: Tensor
    entries: np.ndarray

    def measured(self, z: Tensor, what: str) -> Steps[Crossed]:
        """Draw (L, d) latents under all conditions, and measure the pictures."""
        count, conditions = len(z), len(self.entries)
        rows = rows_of(self.subject, self.entries)
        pixels, readings = list[np.ndarray](), list[Readings]()
        for i in range(count):  # all conditions of one latent at a time
            yield Progress(i, count, what)
            drawn = self.subject.generate(z[i].expand(conditions, -1), rows)
            pixels.append(images.to_uint8(drawn).reshape(conditions, -1))
            readings.append(self.reader.read(drawn))
        read = np.concatenate([one.columns for one in readings])
        features = np.concatenate([one.features for one in readings])
        truth = np.tile(self.reader.readable.truth(self.entries), (count, 1))
        return Crossed(
            accuracy(truth, read, self.reader.readable.targets),
            two_way(gram(np.concatenate(pixels)), count, conditions),
            two_way(gram(features), count, conditions),
            conditions,
        )

    def truncated(
        self, whole: Crossed, thresholds: tuple[float, ...], real: OneWay | None
    ) -> Steps[tuple[Truncated, ...]]:
        """Measure at each threshold that changes the latents, from low to high, then without."""
        found = list[Truncated]()
        for threshold in sorted(set(thresholds)):
            z = self.subject.prior.truncate(self.z, threshold)
            if torch.equal(z, self.z):
                continue
            crossed = yield from self.measured(z, f"truncated at {threshold:g}")
            found.append(Truncated(threshold, crossed, _diversity(crossed, real)))
        return (*found, Truncated(None, whole, _diversity(whole, real)))


def _diversity(crossed: Crossed, real: OneWay | None) -> float | None:
    if real is None or real.within <= 0:
        return None
    return 0.0 if crossed.features is None else crossed.features.within / real.within
