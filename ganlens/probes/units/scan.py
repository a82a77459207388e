"""Scan images for what activates the units of a layer most; memory does not grow with them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganlens.activations import TopPositions, Windows, projective_windows, receptive_windows
from ganlens.errors import GanlensError
from ganlens.features import DataImages, ImageSource
from ganlens.probes.base import Progress, Steps
from ganlens.probes.layer_statistics import outputs_over
from ganlens.probes.units.pictures import Gallery
from ganlens.subject import CALIBRATION, Subject

RANKED = 10_000  # images, at most, whose highest activations are all kept, for ranks


@dataclass(frozen=True)
class Scan:
    """What a scan found.

    Attributes:
        top: the k strongest of every unit, by their places in the source.
        windows: what the layer's positions see, or draw on.
        ranked: (R,) ascending places of the images whose highest activations are all kept.
        highest: (R, U) these activations.
    """

    top: TopPositions
    windows: Windows
    ranked: np.ndarray
    highest: np.ndarray

    def boxes(self, units: np.ndarray) -> np.ndarray:
        """Return (n, k, 4) windows of units' strongest positions: top, bottom, left, right."""
        first, stop = np.array(self.windows.first), np.array(self.windows.stop)
        rows, columns = self.top.rows[units].numpy(), self.top.columns[units].numpy()
        return np.stack([first[rows], stop[rows], first[columns], stop[columns]], -1)

    def gallery(self, source: ImageSource, units: np.ndarray) -> Gallery:
        """Return the strongest positions of (n,) units with their pictures."""
        places = self.top.inputs[units].numpy()
        needed, inverse = np.unique(places, return_inverse=True)
        pictures = source.images(needed)[inverse.reshape(places.shape)]
        scores = self.top.scores[units].numpy()
        return Gallery(units, scores, source.numbers(places), self.boxes(units), pictures)


def windows_of(subject: Subject, network: str, layer: str) -> Windows:
    """Return the windows of a layer: receptive in a discriminator, projective in a generator.

    Raises:
        GanlensError: unknown layer, or one whose window is not known.
    """
    module = subject.unconditional(network)
    if network == "generator":
        return projective_windows(module, layer, subject.latents([0]).to(subject.device))
    blank = torch.zeros(1, *subject.image_shape, device=subject.device)
    return receptive_windows(module, layer, blank)


def scan(
    subject: Subject, network: str, layer: str, source: ImageSource, k: int, batch_size: int
) -> Steps[Scan]:
    """Find what activates each unit of a layer most: D looks at the images, or G draws them.

    Raises:
        GanlensError: see ``windows_of`` and ``outputs_over``.
    """
    windows = windows_of(subject, network, layer)
    top = TopPositions(k)
    ranked = np.random.default_rng(0).permutation(source.count)[:RANKED]
    ranked.sort()
    highest = np.empty((len(ranked), windows.shape[0]), np.float32)
    for start in range(0, source.count, batch_size):
        yield Progress(start, source.count, f"pictures through the {network} of {subject.name}")
        rows = np.arange(start, min(start + batch_size, source.count))
        output = outputs_over(subject, network, [layer], source, rows)[layer]
        found = top.update(windows.maps(output)).numpy()
        low, high = np.searchsorted(ranked, (start, start + len(rows)))
        highest[low:high] = found[ranked[low:high] - start]
    return Scan(top, windows, ranked, highest)


def check_units(units: tuple[int, ...], windows: Windows, layer: str) -> None:
    """Raise a GanlensError for a unit that a layer does not have; it says which it has."""
    last = windows.shape[0] - 1
    for unit in units:
        if not 0 <= unit <= last:
            raise GanlensError(
                f"unit {unit} is not known: layer {layer!r} has units 0 to {last}, choose from them"
            )


def last_block(subject: Subject) -> str:
    """Return the discriminator's last convolution block's output.

    Raises:
        GanlensError: no discriminator, or one that names no feature layers.
    """
    layers = getattr(subject.network("discriminator"), "feature_layers", ())
    if not layers:
        raise GanlensError(f"{subject.name} names no feature layers: give a layer")
    return layers[-1]


def spread(images: DataImages) -> Tensor:
    """Return up to 1,024 images, evenly spread: to calibrate an untrained network on."""
    places = np.linspace(0, images.count - 1, min(images.count, CALIBRATION)).round().astype(int)
    return images.tensors(places)
