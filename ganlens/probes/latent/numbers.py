"""What a walk through the latent space showed, in numbers and pictures."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.perceptual import EPSILON, PathLength


@dataclass(frozen=True)
class Plane:
    """A grid of pictures between four latents.

    Attributes:
        pictures: (side * side, H, W, C) uint8, row by row.
        side: pictures a side.
        seeds: of its corners: top left, top right, bottom left, bottom right; empty where they
            were spelled out.
        middle: length of the latent in the middle, in parts of the corners' mean length.
        middle_by_lerp: the same, had the plane been filled by straight lines.
    """

    pictures: np.ndarray
    side: int
    seeds: tuple[int, ...]
    middle: float
    middle_by_lerp: float


@dataclass(frozen=True)
class InterpolationNumbers:
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
        prior: "normal", "uniform" or "parts".
        mode: the mode that was taken, "auto" resolved; of a prior of parts it stays.
        other_mode: the one that its norms are compared to.
        route: the mode in words, which say how each part of the latents goes.
        other_route: the other mode in words.
        per_leg: pictures per leg.
        loop: whether the last leg leads back to the first corner.
        recipes: what draws each picture again, by name: walk, pair, film, plane.
        about: which checkpoint this is.
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
    prior: str
    mode: str
    other_mode: str
    route: str
    other_route: str
    per_leg: int
    loop: bool
    recipes: dict[str, dict[str, Any]]
    about: dict[str, Any]

    @property
    def legs(self) -> int:
        """Ways from corner to corner."""
        return len(self.pictures) // self.per_leg

    @property
    def curved(self) -> str:
        """The mode of the pair's second row: the one taken, unless that is lerp."""
        return self.other_mode if self.mode == "lerp" else self.mode

    @property
    def curved_route(self) -> str:
        """The same in words."""
        return self.other_route if self.mode == "lerp" else self.route

    @property
    def jump(self) -> float | None:
        """Longest pixel step over mean step: 1 is perfectly even; None where nothing moves."""
        return _jump(self.step_rmse)

    @property
    def perceptual_jump(self) -> float | None:
        """The same in the perceptual distance."""
        return _jump(self.step_perceptual)

    @property
    def norm_dip(self) -> float:
        """Shortest latent of the first leg by lerp, in parts of its corners' mean length."""
        straight = self.pair_norms[0]
        return float(straight.min()) / float(straight[[0, -1]].mean())

    def summary(self) -> dict[str, Any]:
        """Return the scalars of the walk."""
        unrelated = self.unrelated_rmse
        return {
            **self.about,
            "mode": self.route,
            "seeds": self.seeds.tolist() or None,
            "seeds_reason": None if len(self.seeds) else "the corners were given as latents",
            "loop": self.loop,
            "per_leg": self.per_leg,
            "n_pictures": len(self.pictures),
            "mean_step_rmse": float(self.step_rmse.mean()),
            "max_step_rmse": float(self.step_rmse.max()),
            "max_over_mean_step": self.jump,
            "max_over_mean_step_reason": None if self.jump else "no picture differs from the next",
            "unrelated_rmse": unrelated,
            "longest_step_over_unrelated": (
                float(self.step_rmse.max()) / unrelated if unrelated > 0 else None
            ),
            **self._perceptual(),
            "expected_norm": self.expected_norm,
            "shortest_norm": float(self.norms.min()),
            "shortest_norm_of_lerp_over_corners": self.norm_dip,
            "plane_middle_norm_over_corners": self.plane and self.plane.middle,
            "plane_middle_norm_of_lerp_over_corners": self.plane and self.plane.middle_by_lerp,
            "plane_reason": None if self.plane else "left out, or fewer than four corners",
        }

    def _perceptual(self) -> dict[str, Any]:
        path = self.path
        return {
            "distance": self.distance,
            "mean_step_perceptual": float(self.step_perceptual.mean()),
            "max_over_mean_step_perceptual": self.perceptual_jump,
            "unrelated_perceptual": self.unrelated_perceptual,
            "path_length": path and path.mean,
            "path_length_standard_error": path and path.error,
            "path_length_pairs": path and path.n,
            "path_length_pairs_kept": path and path.kept,
            "path_length_epsilon": EPSILON,
            "path_length_reason": None if path else "left out",
        }


def _jump(steps: np.ndarray) -> float | None:
    mean = float(steps.mean())
    return float(steps.max()) / mean if mean > 0 else None
