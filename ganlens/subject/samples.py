"""Samples: what a Subject gives for consecutive seeds, as an image source."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.features import Rows, indices, module_hash
from ganlens.images import to_uint8
from ganlens.models.conditions import Classes
from ganlens.subject.subject import Subject


@dataclass(frozen=True, eq=False)
class Samples:
    """Images of one Subject, one per seed, whatever the model is; see ``features.ImageSource``.

    Attributes:
        subject: draws them, rows that are asked for at once in one pass.
        first: the first seed.
        count: how many; image i has seed ``first + i``.
        cap_reason: why there are fewer than were asked for, "" if there are not.
    """

    subject: Subject
    first: int
    count: int
    cap_reason: str = ""

    @classmethod
    def draw(cls, subject: Subject, count: int, seed: int) -> "Samples":
        """Take at most ``count`` samples from a seed on: a translator has as many as pictures.

        Raises:
            GanlensError: the first seed is beyond the last picture.
        """
        most = subject.samples_at_most
        if most is None or seed + count <= most:
            return cls(subject, seed, count)
        if seed >= most:
            raise GanlensError(
                f"seed {seed} is out of range: {subject.name} has {most:,} source pictures, give a"
                f" seed from 0 to {most - 1}"
            )
        pictures = f"{subject.name} has {most:,} source pictures"
        return cls(subject, seed, most - seed, pictures + (f", from {seed} on" if seed else ""))

    @property
    def name(self) -> str:
        """What these images are, for a caption."""
        return f"generated images of {self.subject.title}"

    @property
    def classes(self) -> np.ndarray | None:
        """The class that each should be of; None without classes."""
        condition = self.subject.condition
        if not isinstance(condition, Classes) or self.subject.generator is None:
            return None
        if self.subject.is_conditioned:
            return np.full(self.count, self.subject.provenance["condition"])
        rows = condition.sample(range(self.first, self.first + self.count))
        return np.array(condition.names)[rows.argmax(1).numpy()]

    def identity(self) -> dict[str, Any]:
        """Return hashes of the file and of the weights as they are now, and the seeds."""
        known = self.subject.provenance
        return {
            "checkpoint": known.get("hash"),
            "weights": module_hash(_drawer(self.subject)),  # they may have been edited since
            "generator": known.get("weights"),
            "seeds": [self.first, self.first + self.count],
            "device": self.subject.device.type,  # kernels of another kind round differently
            **_inputs(self.subject),
        }

    def images(self, rows: Rows) -> np.ndarray:
        """Draw (n, H, W, C) uint8 images, rounded as in a PNG."""
        return to_uint8(self.tensors(rows))

    def tensors(self, rows: Rows) -> Tensor:
        """Draw (n, C, H, W) float32 images in [-1, 1]."""
        seeds = self.numbers(rows).tolist()
        return self.subject.sample(seeds, batch_size=max(len(seeds), 1))

    def numbers(self, rows: Rows) -> np.ndarray:
        """Return (n,) seeds."""
        return self.first + indices(rows, self.count)

    def titles(self, rows: Rows) -> list[str]:
        """Return seeds."""
        return [str(seed) for seed in self.numbers(rows)]


def _inputs(subject: Subject) -> dict[str, Any]:
    """Return what else decides the pixels: the condition, pictures to translate."""
    found: dict[str, Any] = {}
    if subject.condition is not None:
        fixed = subject.provenance.get("condition")
        found["condition"] = fixed or subject.condition.to_json()
    if subject.generator is None:
        found["sources"] = subject.sources.fingerprint
    return found


def _drawer(subject: Subject) -> nn.Module:
    """Return the network that draws: the generator, or else the translator."""
    return subject.network("translator" if subject.generator is None else "generator")
