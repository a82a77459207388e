"""Statistics of whole sets of images against the train set, in one feature space."""

from typing import Any

import numpy as np

from ganlens.probes.memorization.comparison import GENERATED, HELD_OUT
from ganlens.probes.memorization.search import Neighborhood
from ganlens.stats import density_coverage, frechet_distance_from_features
from ganlens.stats.authenticity import (
    authentic,
    memorization_distance,
    memorization_informed,
    spacing,
)
from ganlens.stats.copying import CopyingScore, assign_cells, copying_score, training_cells

K = 5  # neighbour of coverage's balls, as in the paper's code
PER_CELL = 100  # held-out images per cell of C_T

Scores = dict[str, Any]  # JSON-able: see set_scores


def set_scores(
    features: dict[str, np.ndarray], near: dict[str, Neighborhood], base: np.ndarray, seed: int
) -> dict[str, Scores]:
    """Score every set against the train set, and the held-out images as one of them.

    Held-out images cannot be their own null in C_T: there, one random half of them is tested
    against the other. Fréchet distances and coverage take as many train images as the smaller of
    the generated and the held-out set has, the same ones for every set.

    Args:
        features: set -> (N, D) features; "held-out" is the null.
        near: set -> its neighbours among ``base``.
        base: (M, D) features of the train images.
        seed: of the cells and of the draws.

    Returns:
        Set -> its number of images "n"; "C_T" against held-out images with its deviation if both
        had one law and its cells; "authentic_percent", the images that are farther from their
        nearest train image than any other train image is; "median_calibrated_distance";
        "memorization_distance", the mean least cosine distance to a train image; and, with
        "n_frechet" images on either side, "frechet_distance_to_train",
        "memorization_informed_frechet_distance" and "coverage_of_train", the share of those train
        images whose neighbourhood holds an image of the set. What is undefined, since a set is too
        small, is None and has its reason beside it.
    """
    rng = np.random.default_rng([seed, 3])
    held_out, null = len(features[HELD_OUT]), near[HELD_OUT].first
    common = min(len(features[GENERATED]), held_out, len(base))
    reference = base[np.sort(rng.permutation(len(base))[:common])]
    centres = training_cells(base, max(1, min(20, held_out // PER_CELL)), seed)
    cells = {name: assign_cells(rows, centres) for name, rows in features.items()}
    halves = np.array_split(rng.permutation(held_out), 2)
    found = {}
    for name, rows in features.items():
        ours, theirs = (halves[0], halves[1]) if name == HELD_OUT else (slice(None), slice(None))
        c_t = copying_score(
            near[name].first[ours], null[theirs], cells[name][ours], cells[HELD_OUT][theirs]
        )
        drawn = rows[rng.permutation(len(rows))[:common]]  # held-out ones may be sorted by class
        found[name] = _score(rows, drawn, near[name], base, reference, c_t)
    return found


def _score(
    rows: np.ndarray, drawn: np.ndarray, near: Neighborhood, base: np.ndarray,
    reference: np.ndarray, c_t: CopyingScore,
) -> Scores:  # fmt: skip
    n, common = len(rows), len(reference)
    enough = n >= common >= 2
    memorization = memorization_distance(rows, base)
    frechet = frechet_distance_from_features(drawn, reference) if enough else None
    informed = None if frechet is None else memorization_informed(frechet, memorization)
    coverage = density_coverage(reference, drawn, k=K)[1] if enough and common > K else None
    own = spacing(base, near.index[:, 0]) / base.shape[1] ** 0.5
    found: Scores = {
        "n": n,
        "C_T": c_t.value,
        "C_T_null_deviation": c_t.null_std,
        "C_T_cells": {
            name: [getattr(cell, name) for cell in c_t.cells]
            for name in ("n_generated", "n_held_out", "z", "used")
        },
        "authentic_percent": 100 * authentic(near.first, own).mean(),
        "median_calibrated_distance": np.median(near.calibrated),
        "memorization_distance": memorization,
        "frechet_distance_to_train": frechet,
        "memorization_informed_frechet_distance": informed,
        "coverage_of_train": coverage,
        "n_frechet": common,
    }
    if c_t.value is None:
        found["C_T_reason"] = c_t.reason
    if coverage is None:
        smaller = f"the set has {n} images where {common} are compared"
        found["undefined_reason"] = smaller if n < common else f"{common} images are too few"
    return found
