"""Guided and plain gradients of units at their strongest images, and what tells them from noise."""

import numpy as np
import torch
from torch import nn

from ganlens import images
from ganlens.activations import position_gradients
from ganlens.features import ImageSource
from ganlens.probes.base import Progress, Steps
from ganlens.probes.layer_statistics import neighbour_correlation
from ganlens.probes.units.pictures import cut
from ganlens.probes.units.scan import Scan
from ganlens.subject import Subject


def gradient_patches(
    subject: Subject, network: nn.Module, layer: str, found: Scan, source: ImageSource,
    units: np.ndarray,
) -> Steps[np.ndarray]:  # fmt: skip
    """Backpropagate from the strongest positions of (n,) units, and cut out their windows.

    ``network`` is the subject's discriminator or its guided copy, ``found`` a scan of the source.

    Returns:
        (n, k, C, s, s) float32, NaN where the window reaches over the edge of the picture.
    """
    windows = found.boxes(units)
    side = int((windows[..., 1] - windows[..., 0]).max())
    rows = []
    for index, unit in enumerate(units):
        yield Progress(index, len(units), f"gradients of units of {subject.name}")
        place = torch.tensor(unit)
        x = source.tensors(found.top.inputs[place].numpy()).to(subject.device)
        gradients = position_gradients(
            network, layer, x, place.expand(len(x)), found.top.rows[place],
            found.top.columns[place], found.windows.shape,
        ).permute(0, 2, 3, 1).float().cpu().numpy()  # fmt: skip
        parts = zip(gradients, windows[index], strict=True)
        rows.append([cut(one, box, side, np.nan).transpose(2, 0, 1) for one, box in parts])
    return np.array(rows)


def concentration(patch: np.ndarray) -> float | None:
    """Return how much of a (C, s, s) gradient lies in few pixels: Hoyer's sparseness.

    (sqrt(n) - |m|_1 / |m|_2) / (sqrt(n) - 1) over the n pixels' lengths m (Hoyer 2004, JMLR 5): 0
    where all pixels weigh the same, 1 where one has everything, whatever the scale. Pixels outside
    the picture (NaN) do not count.

    Returns:
        None where the gradient is 0 everywhere, or there is a single pixel.
    """
    inside = ~np.isnan(patch[0])
    lengths = np.sqrt((patch[:, inside].astype(np.float64) ** 2).sum(0))
    norm, root = float(np.sqrt((lengths**2).sum())), len(lengths) ** 0.5
    if norm == 0 or root <= 1:
        return None
    return float((root - lengths.sum() / norm) / (root - 1))


def per_unit(patches: np.ndarray) -> np.ndarray:
    """Return (n, 2) concentration and smoothness of each unit: means over its k patches.

    Smoothness is the correlation of neighbouring pixels. Patches where one of both is not defined
    do not count for it; NaN where none is.
    """
    found = [
        [[concentration(one), neighbour_correlation(torch.tensor(one))] for one in unit]
        for unit in patches
    ]
    return np.ma.masked_invalid(np.array(found, dtype=float)).mean(1).filled(np.nan)


def as_pictures(patches: np.ndarray) -> np.ndarray:
    """Return (n, k, s, s, C) uint8: each patch by its largest absolute value; 0 is grey."""
    filled = np.nan_to_num(patches)
    largest = np.abs(filled).max(axis=(2, 3, 4), keepdims=True)
    scaled = torch.from_numpy(filled / np.where(largest > 0, largest, 1))
    flat = images.to_uint8(scaled.flatten(0, 1))
    return flat.reshape(*patches.shape[:2], *flat.shape[1:])
