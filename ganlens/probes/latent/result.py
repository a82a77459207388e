"""Result of the interpolate probe: a walk through the latent space, picture by picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.interpolation import in_words
from ganlens.latents import Patch, Walk
from ganlens.models.prior import Prior
from ganlens.perceptual import EPSILON, PathLength
from ganlens.probes.result import Number, Result


@dataclass(frozen=True)
class Plane:
    """A grid of pictures between four latents.

    Attributes:
        pictures: (side * side, H, W, C) uint8, row by row.
        patch: the latents that they are drawn from.
        middle: length of the latent in the middle, in parts of the corners' mean length.
        middle_by_lerp: the same, had the plane been filled by straight lines.
    """

    pictures: np.ndarray
    patch: Patch
    middle: float
    middle_by_lerp: float


@dataclass(frozen=True)
class InterpolationResult(Result):
    """A walk through the latent space, picture by picture.

    Attributes:
        seeds: (K,) int64, the corners; empty where they were spelled out.
        latents: (M, d) float32, M = legs * per_leg; inner corners stand twice.
        pictures: (M, H, W, C) uint8.
        positions: (M,) in legs: 0 at the first corner, 1 at the second, and so on.
        norms: (M,) length of each latent.
        other_norms: (M,) the same for the mode that was not taken.
        step_rmse: (M - legs,) root-mean-square pixel difference from one picture to the next, in
            parts of the full brightness range (0 to 1).
        step_perceptual: (M - legs,) the same in ``distance``.
        step_positions: (M - legs,) the middle of each step, in legs.
        unrelated_rmse: mean of the same between the pictures of different corners.
        unrelated_perceptual: the same in ``distance``.
        distance: name of the perceptual distance; pixels where there is no discriminator.
        path: the perceptual path length, squared ``distance`` per squared leg; None if left out.
        expected_norm: mean length of a latent of the prior.
        pair: (2 * per_leg, H, W, C) uint8: the first leg by lerp, then by another mode.
        pair_norms: (2, per_leg) lengths of their latents.
        film: (F, H, W, C) uint8, the walk in smaller steps; None if left out.
        plane: a grid between the first four corners; None if left out or if there are fewer.
        prior: of the latents.
        walk: its mode is the one that was taken, "auto" resolved; of a prior of parts it stays.
        other: the same walk by the mode that its norms are compared to.
        recipes: what draws each picture again, by name: walk, pair, film, plane.
    """

    seeds: np.ndarray
    latents: np.ndarray
    pictures: np.ndarray
    positions: np.ndarray
    norms: np.ndarray
    other_norms: np.ndarray
    step_rmse: np.ndarray
    step_perceptual: np.ndarray
    step_positions: np.ndarray
    unrelated_rmse: float
    unrelated_perceptual: float
    distance: str
    path: PathLength | None
    expected_norm: float
    pair: np.ndarray
    pair_norms: np.ndarray
    film: np.ndarray | None
    plane: Plane | None
    prior: Prior
    walk: Walk
    other: Walk
    recipes: dict[str, dict[str, Any]]

    @property
    def curved(self) -> Walk:
        """The walk whose mode the second row of the pair takes: this one, unless that is lerp."""
        return self.other if self.walk.mode == "lerp" else self.walk

    def route(self, walk: Walk) -> str:
        """Return a walk's mode in words, which say how each part of the latents goes."""
        return in_words(walk.mode, self.prior.parts)

    def numbers(self) -> list[Number]:
        """Return the scalars of the walk; those with a label are rows of its table."""
        steps, unrelated, straight = self.step_rmse, self.unrelated_rmse, self.pair_norms[0]
        return [
            Number("mode", self.route(self.walk), "route"),
            Number("seeds", self.seeds.tolist() or None,
                   reason="the corners were given as latents"),
            Number("loop", self.walk.loop),
            Number("per_leg", self.walk.steps),
            Number("n_pictures", len(self.pictures), "pictures"),
            Number("mean_step_rmse", steps.mean(), "mean step", "RMSE"),
            Number("max_step_rmse", steps.max(), "longest step", "RMSE"),
            Number("max_over_mean_step", _longest_over_mean(steps), "longest step over mean step",
                   reason="no picture differs from the next"),
            Number("unrelated_rmse", unrelated, "mean distance of unrelated samples", "RMSE"),
            Number("longest_step_over_unrelated",
                   steps.max() / unrelated if unrelated > 0 else None,
                   "longest step over that distance", reason="all corners are the same picture"),
            *self._perceptual(),
            Number("expected_norm", self.expected_norm, "mean length of the prior's latents"),
            Number("shortest_norm", self.norms.min(), "shortest latent of the walk"),
            Number("shortest_norm_of_lerp_over_corners",
                   float(straight.min()) / float(straight[[0, -1]].mean()),
                   "shortest latent of the straight first leg, in parts of its corners"),
            *self._plane(),
        ]  # fmt: skip

    def _plane(self) -> list[Number]:
        found, none = self.plane, "left out, or fewer than four corners"
        return [
            Number("plane_middle_norm_over_corners", found and found.middle,
                   "latent in the middle of the plane, in parts of its corners", reason=none),
            Number("plane_middle_norm_of_lerp_over_corners", found and found.middle_by_lerp,
                   "  the same latent by straight lines", reason=none),
        ]  # fmt: skip

    def _perceptual(self) -> list[Number]:
        path, none = self.path, "left out: --path-pairs 0"
        return [
            Number("distance", self.distance, "perceptual distance"),
            Number("mean_step_perceptual", self.step_perceptual.mean(),
                   "mean step in that distance"),
            Number("max_over_mean_step_perceptual", _longest_over_mean(self.step_perceptual),
                   "longest step over mean step in that distance",
                   reason="no picture differs from the next"),
            Number("unrelated_perceptual", self.unrelated_perceptual,
                   "mean distance of unrelated samples in that distance"),
            Number("path_length", path and path.mean, "perceptual path length", reason=none),
            Number("path_length_standard_error", path and path.error,
                   "  standard error of the path length", reason=none),
            Number("path_length_pairs", path and path.n,
                   "  pairs of samples behind the path length", reason=none),
            Number("path_length_pairs_kept", path and path.kept,
                   "  of these, pairs without outliers", reason=none),
            Number("path_length_epsilon", EPSILON),
        ]  # fmt: skip


def _longest_over_mean(steps: np.ndarray) -> float | None:
    mean = float(steps.mean())
    return float(steps.max()) / mean if mean > 0 else None
