"""Statistics of whole sets of images against the train set, in one feature space."""

from dataclasses import dataclass
from typing import Any

import numpy as np

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


@dataclass(frozen=True)
class SetScores:
    """What one set of images scores against the train set.

    Attributes:
        n: images in the set.
        copying: C_T against held-out images.
        authentic: share of images farther from their nearest train image than any other train
            image is.
        calibrated: median calibrated distance.
        memorization: mean least cosine distance to a train image.
        frechet: Fréchet distance to ``n_frechet`` train images; None where the set is smaller.
        mifd: memorization-informed Fréchet distance, None with ``frechet``.
        coverage: share of those train images whose neighbourhood holds an image of the set, None
            where there are too few.
        n_frechet: images on either side of the last three.
    """

    n: int
    copying: CopyingScore
    authentic: float
    calibrated: float
    memorization: float
    frechet: float | None
    mifd: float | None
    coverage: float | None
    n_frechet: int

    def summary(self) -> dict[str, Any]:
        """Return JSON-able scalars, each undefined one as None beside its reason."""
        found: dict[str, Any] = {
            "n": self.n,
            "C_T": self.copying.value,
            "C_T_null_deviation": self.copying.null_std,
            "C_T_cells": {
                name: [getattr(cell, name) for cell in self.copying.cells]
                for name in ("n_generated", "n_held_out", "z", "used")
            },
            "authentic_percent": 100 * self.authentic,
            "median_calibrated_distance": self.calibrated,
            "memorization_distance": self.memorization,
            "frechet_distance_to_train": self.frechet,
            "memorization_informed_frechet_distance": self.mifd,
            "coverage_of_train": self.coverage,
            "n_frechet": self.n_frechet,
        }
        if self.copying.value is None:
            found["C_T_reason"] = self.copying.reason
        if self.frechet is None or self.coverage is None:
            found["undefined_reason"] = (
                f"the set has {self.n} images where {self.n_frechet} are compared"
                if self.n < self.n_frechet
                else f"{self.n_frechet} images are too few"
            )
        return found


def set_scores(
    features: dict[str, np.ndarray],
    near: dict[str, Neighborhood],
    base: np.ndarray,
    seed: int,
    null: str = "held-out",
) -> dict[str, SetScores]:
    """Score every set against the train set, and the held-out images as one of them.

    Held-out images cannot be their own null in C_T: there, one random half of them is tested
    against the other. Fréchet distances and coverage take as many train images as the smaller of
    the generated and the held-out set has, the same ones for every set.

    Args:
        features: set -> (N, D) features; ``null`` names the held-out ones.
        near: set -> its neighbours among ``base``.
        base: (M, D) features of the train images.
        seed: of the cells and of the draws.
        null: name of the held-out set.
    """
    rng = np.random.default_rng([seed, 3])
    common = min(len(features["generated"]), len(features[null]), len(base))
    reference = base[np.sort(rng.permutation(len(base))[:common])]
    centres = training_cells(base, max(1, min(20, len(features[null]) // PER_CELL)), seed)
    cells = {name: assign_cells(rows, centres) for name, rows in features.items()}
    halves = np.array_split(rng.permutation(len(features[null])), 2)
    found = {}
    for name, rows in features.items():
        ours, theirs = (halves[0], halves[1]) if name == null else (slice(None), slice(None))
        found[name] = _score(
            rows,
            near[name],
            base,
            reference,
            copying_score(
                near[name].first[ours], near[null].first[theirs],
                cells[name][ours], cells[null][theirs],
            ),
        )  # fmt: skip
    return found


def _score(
    rows: np.ndarray, near: Neighborhood, base: np.ndarray, reference: np.ndarray, c_t: CopyingScore
) -> SetScores:
    common = len(reference)
    enough = len(rows) >= common >= 2
    memorization = memorization_distance(rows, base)
    frechet = frechet_distance_from_features(rows[:common], reference) if enough else None
    own = spacing(base, near.index[:, 0]) / base.shape[1] ** 0.5
    return SetScores(
        n=len(rows),
        copying=c_t,
        authentic=float(authentic(near.first, own).mean()),
        calibrated=float(np.median(near.calibrated)),
        memorization=memorization,
        frechet=frechet,
        mifd=None if frechet is None else memorization_informed(frechet, memorization),
        coverage=density_coverage(reference, rows[:common], k=K)[1]
        if enough and common > K
        else None,
        n_frechet=common,
    )
