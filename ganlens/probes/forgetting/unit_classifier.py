"""Classifiers of channel vectors: where a layer knows a concept, and which of its maps do."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganlens.edits import EVERYWHERE, cells_in
from ganlens.stats.auc import auc

TRAIN = 0.7  # share of the samples that is fitted to
NEARLY = 0.9  # of the best cell's lead over guessing: what belongs to the concept's place
RIDGE = 0.1


@dataclass(frozen=True)
class UnitClassifier:
    """A logistic regression from a channel vector to "the concept is in this cell".

    Attributes:
        weights: (C,) for standardised channels.
        auc: area under the ROC curve over cells of samples that it was not fitted to; None where
            those lack one kind of cell.
        held_out: how many cells it was tested on.
    """

    weights: np.ndarray
    auc: float | None
    held_out: int


def split(n: int) -> int:
    """Return how many of n samples are fitted to; the rest are for the test."""
    return round(TRAIN * n)


def cell_aucs(maps: Tensor, shows: np.ndarray) -> np.ndarray:
    """Tell at which cells a layer knows whether a sample shows a concept.

    The (N, C, h, w) maps are of samples in mixed order: the first ones are fitted to.

    Returns:
        (h, w) held-out areas under the ROC curve of a ridge regression on each cell's channels.
    """
    first, truth = split(len(maps)), torch.tensor(shows).float() * 2 - 1
    cells = maps.flatten(2).permute(2, 0, 1)  # (h w, N, C)
    mean, std = cells[:, :first].mean(1, keepdim=True), cells[:, :first].std(1, keepdim=True)
    z = (cells - mean) / (std + 1e-6)
    gram = z[:, :first].mT @ z[:, :first] + RIDGE * first * torch.eye(z.shape[2])
    target = (truth[:first] - truth[:first].mean()).expand(len(z), -1)[..., None]
    weights = torch.linalg.solve(gram, z[:, :first].mT @ target)
    scores = (z[:, first:] @ weights)[..., 0].numpy()
    found = [auc(one, shows[first:]) for one in scores]
    return np.array(found).reshape(maps.shape[2:])


def place_of_concept(aucs: np.ndarray) -> tuple[float, ...]:
    """Return left, top, right, bottom, in shares, of the cells that know nearly as the best one."""
    from scipy.ndimage import label

    groups, _ = label(aucs >= 0.5 + NEARLY * (aucs.max() - 0.5))
    return hull(groups == groups[np.unravel_index(aucs.argmax(), aucs.shape)])


def hull(cells: np.ndarray) -> tuple[float, ...]:
    """Return left, top, right, bottom, in shares of the side, of (h, w) bool; without any: all."""
    if not cells.any():
        return EVERYWHERE
    rows, columns = np.nonzero(cells)
    height, width = cells.shape
    edges = (columns.min() / width, rows.min() / height,
             (columns.max() + 1) / width, (rows.max() + 1) / height)  # fmt: skip
    return tuple(map(float, edges))


def unit_classifier(maps: Tensor, marked: np.ndarray, seed: int) -> UnitClassifier:
    """Fit the paper's classifier (Radford 2015, section 6.3.1), and test it on other samples.

    Cells of (N, C, h, w) maps that are marked are positive; as many random unmarked ones, of all
    samples, are negative. The samples are in mixed order: the first ones are fitted to.
    """
    from sklearn.linear_model import LogisticRegression

    first = split(len(maps))
    fit, kinds = _cells(maps[:first], marked[:first], seed)
    test, truth = _cells(maps[first:], marked[first:], seed + 1)
    mean, std = fit.mean(0), fit.std(0) + 1e-6
    model = LogisticRegression(C=1.0, max_iter=1000).fit((fit - mean) / std, kinds)
    both = bool(truth.any()) and not truth.all()
    area = auc(model.decision_function((test - mean) / std), truth) if both else None
    return UnitClassifier(model.coef_[0].astype(np.float32), area, len(test))


def _cells(maps: Tensor, marked: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (M, C) channel vectors, half of them of marked cells where there are enough others."""
    vectors = maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1]).numpy()
    kinds = marked.reshape(-1)
    rng = np.random.default_rng(seed)
    some, others = np.flatnonzero(kinds), np.flatnonzero(~kinds)
    rows = np.concatenate([some, rng.permutation(others)[: max(len(some), 1)]])
    return vectors[rows], kinds[rows]


def mean_levels(maps: Tensor, box: tuple[float, ...]) -> np.ndarray:
    """Return the (C,) mean activations of (N, C, h, w) maps inside a box."""
    inside = cells_in(box, *maps.shape[2:])
    return maps[:, :, inside].mean((0, 2)).numpy()
