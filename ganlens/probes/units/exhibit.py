"""From a scan to what is shown of it."""

import numpy as np
import torch

from ganlens import images
from ganlens.probes.units.pictures import Exhibit
from ganlens.probes.units.scan import RealImages, Samples, Scan, Stack


def exhibit(found: Scan, stack: Stack, units: np.ndarray) -> Exhibit:
    """Return the strongest positions of (n,) units with their pictures."""
    chosen = torch.from_numpy(units)
    top = found.top
    numbers = top.inputs[chosen].numpy()
    needed, place = np.unique(numbers, return_inverse=True)
    pictures = images.to_uint8(stack.pictures(needed))[place.reshape(numbers.shape)]
    return Exhibit(
        units=units,
        scores=top.scores[chosen].numpy(),
        numbers=_names(stack, numbers),
        boxes=boxes(found, units),
        pictures=pictures,
    )


def boxes(found: Scan, units: np.ndarray) -> np.ndarray:
    """Return (n, k, 4) windows of the strongest positions: top, bottom, left, right."""
    first, stop = np.array(found.windows.first), np.array(found.windows.stop)
    chosen = torch.from_numpy(units)
    rows, columns = found.top.rows[chosen].numpy(), found.top.columns[chosen].numpy()
    return np.stack([first[rows], stop[rows], first[columns], stop[columns]], -1)


def _names(stack: Stack, numbers: np.ndarray) -> np.ndarray:
    if isinstance(stack, RealImages):
        return stack.rows[numbers]
    assert isinstance(stack, Samples)
    return stack.first + numbers
