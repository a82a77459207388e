"""Scan images for what activates the units of a layer most; memory does not grow with them."""

import mmap
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from ganlens.activations import TopPositions, Windows, projective_windows, receptive_windows
from ganlens.errors import GanlensError
from ganlens.probes.base import Progress
from ganlens.probes.layer_statistics import outputs_of
from ganlens.subject import CALIBRATION

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

RANKED = 10_000  # images, at most, whose highest activations are all kept, for ranks


class Stack(Protocol):
    """What is scanned: numbered pictures, made when they are asked for."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def inputs(self, numbers: np.ndarray) -> Tensor:
        """Return what goes into the network, for ascending (n,) numbers."""
        ...

    def pictures(self, numbers: np.ndarray) -> Tensor:
        """Return (n, C, H, W) pictures in [-1, 1]."""
        ...


@dataclass(frozen=True)
class RealImages:
    """Some rows of a data set.

    Attributes:
        part: the split they are from.
        rows: (N,) ascending.
    """

    part: "ImageSet"
    rows: np.ndarray

    @classmethod
    def draw(cls, data: "ImageSet", split: str, count: int, seed: int) -> "RealImages":
        """Draw at most ``count`` images of a split, by a seed."""
        part = data.part(split)
        order = np.random.default_rng(seed).permutation(len(part))[:count]
        return cls(part, np.sort(order))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.rows)

    def inputs(self, numbers: np.ndarray) -> Tensor:
        """Return the pictures: they are what a discriminator takes."""
        found = self.part.batch(self.rows[numbers])
        # Pages of a mapped file stay in the process until somebody wants the room; a scan reads
        # each one once and gives it back.
        mapped = getattr(self.part.images, "_mmap", None)
        if mapped is not None and hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_DONTNEED)
        return found

    def pictures(self, numbers: np.ndarray) -> Tensor:
        """Return (n, C, H, W) pictures."""
        return self.inputs(numbers)

    def spread(self) -> Tensor:
        """Return up to 1,024 of them, evenly spread: to calibrate an untrained network on."""
        numbers = np.linspace(0, len(self) - 1, min(len(self), CALIBRATION)).round().astype(int)
        return self.inputs(numbers)


@dataclass(frozen=True)
class Samples:
    """Generated samples, one per seed.

    Attributes:
        subject: draws them.
        first: the first seed.
        count: how many.
        as_latents: a generator is looked at, which takes latents; a discriminator takes pictures.
    """

    subject: "Subject"
    first: int
    count: int
    as_latents: bool

    def __len__(self) -> int:
        """Return how many there are."""
        return self.count

    def inputs(self, numbers: np.ndarray) -> Tensor:
        """Return latents or pictures, as the network takes them."""
        return self._latents(numbers) if self.as_latents else self.pictures(numbers)

    def pictures(self, numbers: np.ndarray) -> Tensor:
        """Return (n, C, H, W) pictures."""
        return self.subject.generate(self._latents(numbers))

    def _latents(self, numbers: np.ndarray) -> Tensor:
        return self.subject.latents(self.first + int(number) for number in numbers)


@dataclass(frozen=True)
class Scan:
    """What a scan found.

    Attributes:
        top: the k strongest of every unit, by their numbers in the stack.
        windows: what the layer's positions see, or draw on.
        ranked: (R,) ascending numbers of the images whose highest activations are all kept.
        highest: (R, U) these activations.
    """

    top: TopPositions
    windows: Windows
    ranked: np.ndarray
    highest: np.ndarray


def windows_of(subject: "Subject", network: str, layer: str) -> Windows:
    """Return the windows of a layer: receptive in a discriminator, projective in a generator.

    Raises:
        GanlensError: unknown layer, or one whose window is not known.
    """
    module = subject.network(network)
    if network == "generator":
        return projective_windows(module, layer, subject.latents([0]).to(subject.device))
    blank = torch.zeros(1, *subject.image_shape, device=subject.device)
    return receptive_windows(module, layer, blank)


def scan(
    subject: "Subject", network: str, layer: str, stack: Stack, k: int, batch_size: int
) -> Generator[Progress, None, Scan]:
    """Run a stack through a network and keep what activates each unit of a layer most.

    Raises:
        GanlensError: see ``windows_of``.
    """
    windows = windows_of(subject, network, layer)
    top = TopPositions(k)
    ranked = np.random.default_rng(0).permutation(len(stack))[:RANKED]
    ranked.sort()
    highest = np.empty((len(ranked), windows.shape[0]), np.float32)
    for start in range(0, len(stack), batch_size):
        yield Progress(start, len(stack), f"pictures through the {network} of {subject.name}")
        numbers = np.arange(start, min(start + batch_size, len(stack)))
        output = outputs_of(subject, network, [layer], stack.inputs(numbers))[layer]
        found = top.update(windows.maps(output)).numpy()
        low, high = np.searchsorted(ranked, (start, start + len(numbers)))
        highest[low:high] = found[ranked[low:high] - start]
    return Scan(top, windows, ranked, highest)


def check_units(units: tuple[int, ...], windows: Windows, layer: str) -> None:
    """Raise for units that a layer does not have.

    Raises:
        GanlensError: says which it has.
    """
    last = windows.shape[0] - 1
    for unit in units:
        if not 0 <= unit <= last:
            raise GanlensError(
                f"unit {unit} is not known: layer {layer!r} has units 0 to {last}, choose from them"
            )


def last_block(subject: "Subject") -> str:
    """Return the discriminator's last convolution block's output.

    Raises:
        GanlensError: no discriminator, or one that names no feature layers.
    """
    layers = getattr(subject.network("discriminator"), "feature_layers", ())
    if not layers:
        raise GanlensError(f"{subject.name} names no feature layers: give a layer")
    return layers[-1]


def untrained(
    subject: "Subject", seed: int, calibration: Tensor | None
) -> tuple["Subject | None", str]:
    """Return the control, or none and the reason in a sentence."""
    try:
        return subject.untrained(seed, calibration), ""
    except GanlensError as error:
        return None, f"Nothing untrained beside it: {error}."
