"""Maps of a layer, which samples show the concept, and where the layer knows it."""

import numpy as np
import torch
from torch import Tensor

from ganlens.activations import find_layer
from ganlens.edits import cells_in
from ganlens.errors import GanlensError
from ganlens.probes.base import Progress, Steps
from ganlens.probes.forgetting.boxes import Marks
from ganlens.probes.forgetting.unit_classifier import (
    UnitClassifier,
    cell_aucs,
    hull,
    place_of_concept,
    unit_classifier,
)
from ganlens.probes.layer_statistics import is_rectifier, leaves, outputs_of
from ganlens.subject import Subject

AUTO = "auto"
LEAST = 5  # samples of either kind: some to be fitted to, some to test on
OFTEN = 0.25  # share of the marked samples in which a cell is marked that belongs to the place


def generator_layer(subject: Subject, layer: str) -> str:
    """Return the name of a layer; "auto" is what the second-highest convolution leads to.

    That is the last rectifier: the highest convolution draws the picture itself.

    Raises:
        GanlensError: no such layer; the valid ones are listed.
    """
    if layer != AUTO:
        find_layer(subject.generator, layer)
        return layer
    known = leaves(subject.generator)
    found = [name for name, point in known.items() if is_rectifier(point)]
    if not found:
        raise GanlensError(f"{subject.name} has no rectified layer: name one of {', '.join(known)}")
    return found[-1]


def maps_of(subject: Subject, layer: str, z: Tensor, batch_size: int) -> Steps[Tensor]:
    """Return the (N, C, h, w) float32 activations of a generator layer on the CPU.

    Raises:
        GanlensError: a layer that puts out no maps.
    """
    found = []
    for start in range(0, len(z), batch_size):
        yield Progress(start, len(z), f"samples through {layer}")
        part = z[start : start + batch_size]
        found.append(outputs_of(subject, "generator", [layer], part)[layer])
    maps = torch.cat(found)
    if maps.ndim != 4:
        raise GanlensError(
            f"layer {layer!r} puts out {tuple(maps.shape[1:])}, no maps: choose a later layer"
        )
    return maps


def locate(
    maps: Tensor, shows: np.ndarray, marks: Marks | None, seed: int
) -> tuple[np.ndarray, tuple[float, ...], UnitClassifier]:
    """Find the concept's place and fit the unit classifier.

    Args:
        maps: (N, C, h, w) activations of the layer.
        shows: (N,) bool: which samples show the concept.
        marks: where it is, or None: it is where the layer tells best whether it is there.
        seed: of the split and of the choice of cells.

    Returns:
        (h, w) how well each cell's channels tell which show it; left, top, right, bottom of its
        place, in shares of the side; and the paper's classifier of channel vectors.

    Raises:
        GanlensError: fewer than 5 samples that show the concept, or that do not.
    """
    if min(shows.sum(), (~shows).sum()) < LEAST:
        raise GanlensError(
            f"{int(shows.sum())} of {len(shows)} samples show the concept: {LEAST} with and "
            f"{LEAST} without it are needed; give more samples, or choose another concept"
        )
    side = (maps.shape[2], maps.shape[3])
    order = _mixed(shows, seed)
    aucs = cell_aucs(maps[order], shows[order])
    if marks is None:
        box: tuple[float, ...] = place_of_concept(aucs)
        marked = shows[:, None, None] & cells_in(box, *side).numpy()
    else:
        marked = marks.cells(*side)
        box = hull(marked[shows].mean(0) >= OFTEN)
    return aucs, box, unit_classifier(maps[order], marked[order], seed)


def _mixed(shows: np.ndarray, seed: int) -> np.ndarray:
    """Return an order in which any stretch has its share of both kinds: both parts of a split."""
    rng = np.random.default_rng(seed)
    places = np.empty(len(shows))
    for kind in (True, False):
        rows = rng.permutation(np.flatnonzero(shows == kind))
        places[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    return np.argsort(places, kind="stable")
