"""Gallery of a scan: the strongest positions of some units, and their pictures."""

import numpy as np
import torch

from ganlens.features import ImageSource
from ganlens.probes.units.pictures import Gallery
from ganlens.probes.units.scan import Scan


def gallery(found: Scan, source: ImageSource, units: np.ndarray) -> Gallery:
    """Return the strongest positions of (n,) units with their pictures."""
    chosen = torch.from_numpy(units)
    top = found.top
    places = top.inputs[chosen].numpy()
    needed, inverse = np.unique(places, return_inverse=True)
    pictures = source.images(needed)[inverse.reshape(places.shape)]
    return Gallery(
        units=units,
        scores=top.scores[chosen].numpy(),
        numbers=source.numbers(places),
        boxes=boxes(found, units),
        pictures=pictures,
    )


def boxes(found: Scan, units: np.ndarray) -> np.ndarray:
    """Return (n, k, 4) windows of the strongest positions: top, bottom, left, right."""
    first, stop = np.array(found.windows.first), np.array(found.windows.stop)
    chosen = torch.from_numpy(units)
    rows, columns = found.top.rows[chosen].numpy(), found.top.columns[chosen].numpy()
    return np.stack([first[rows], stop[rows], first[columns], stop[columns]], -1)
