"""Result of the neighbors probe: nearest train images of samples and of held-out images."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ganlens.probes.memorization.comparison import (
    GENERATED,
    HELD_OUT,
    Comparison,
    Space,
    compare_sets,
    least,
    of_controls,
)
from ganlens.probes.memorization.controls import MUST
from ganlens.probes.memorization.few import FewCopies
from ganlens.probes.memorization.sets import Scores
from ganlens.probes.result import Number, Result

FEW_WEIGHT = 0.9  # of the test for a few copies in the p-value of copying
POOL = 2  # side of the grid that the discriminator's last block is max-pooled to


@dataclass(frozen=True)
class NeighborsResult(Result):
    """Nearest train images of samples and of held-out images.

    Attributes:
        spaces: the search in each space.
        few: the test for a few copies among many samples.
        sets: statistics of whole sets in one feature space; "held-out" is their null.
        duplicates: numbers of those that the semantic hash found, None where it was left out.
        duplicates_pairs: (2, P, H, W, C) uint8: the most alike pairs within train, or None.
        seeds: (N,) seed of each sample.
        order: (N,) samples, the worst offender first: nearest to train for the null's median
            distance, in the space where it is nearest.
        distances: (spaces, N) of each sample to its nearest train image.
        percentiles: (spaces, N) share of held-out images at most as far, in %.
        nearest_rows: (spaces, N) row of that train image.
        pictures: (1 + spaces, shown, H, W, C) uint8: the worst samples, then their nearest train
            images in each space.
        held_out_order: (M,) the same for held-out images.
        held_out_pictures: (1 + spaces, shown, H, W, C) uint8.
        train_names: per shown sample, the name of the nearest train image in each space.
        layer: the discriminator's layer whose features are compared; None: pixels.
    """

    spaces: tuple[Space, ...]
    few: FewCopies
    sets: dict[str, Scores]
    duplicates: dict[str, Any] | None
    duplicates_pairs: np.ndarray | None
    seeds: np.ndarray
    order: np.ndarray
    distances: np.ndarray
    percentiles: np.ndarray
    nearest_rows: np.ndarray
    pictures: np.ndarray
    held_out_order: np.ndarray
    held_out_pictures: np.ndarray
    train_names: tuple[tuple[str, ...], ...]
    layer: str | None

    @cached_property
    def tests(self) -> dict[str, Comparison]:
        """Every set but the held-out one against it, over all spaces at once.

        Held-out images go the same way, so the level is that of one test, not of several.
        """
        return compare_sets({kind: least(self.spaces, kind) for kind in self.spaces[0].near})

    @property
    def test(self) -> Comparison:
        """The samples against held-out images over all spaces."""
        return self.tests[GENERATED]

    @property
    def p_copying(self) -> float:
        """P-value of two tests by weighted Bonferroni: many samples too near; a few copies.

        Many copies make the first as small as one likes, so the second has nearly all the weight.
        """
        return min(1.0, self.test.p_count / (1 - FEW_WEIGHT), self.few.p / FEW_WEIGHT)

    @property
    def missed(self) -> tuple[str, ...]:
        """Controls of which too few are flagged: under 99 %, or 95 % where moved or mirrored."""
        return tuple(kind for kind, share in of_controls(self.tests).items() if share < MUST[kind])

    @property
    def worst(self) -> np.ndarray:
        """(shown,) rows of the samples in the panels, the worst offender first."""
        return self.order[: self.pictures.shape[1]]

    def numbers(self) -> list[Number]:
        """Return the share of samples too near, its p-values, and the controls'."""
        names, layer = [space.name for space in self.spaces], self.layer
        return Number.each(
            {
                "too_near": self.test.share,
                **_test(self.test),
                "p_copying": self.p_copying,
                "p_copying_combines": "the least of few_copies.p / 0.9 and p_flagged / 0.1 "
                "(Bonferroni with weights)",
                "few_copies": self._few(),
                "controls_flagged": of_controls(self.tests),
                "controls_caught": not self.missed,
                **{f"too_near_in_{space.name}": space.test.share for space in self.spaces},
                **{space.name: _space(space) for space in self.spaces},
                "sets": self.sets,
                "set_statistics_in": "discriminator" if layer else "pixels",
                "set_frechet_name": f"FD-discriminator-{layer}" if layer else "FD-pixels",
                "discriminator_layer": layer and f"{layer}, maximum over a {POOL}x{POOL} grid",
                "duplicates": self.duplicates,
                "worst_seeds": self.seeds[self.worst],
                "worst_nearest": dict(zip(names, self.train_names[0], strict=True)),
                "distance": "root mean squared difference per coordinate",
            },
            {
                "discriminator_layer": "pixels alone are compared",
                "duplicates": "they were not looked for: --duplicates does",
            },
        )

    def _few(self) -> dict[str, Any]:
        few = self.few
        return {
            "p": few.p,
            "n_held_out": few.null.shape[1],
            "n_nearer_than_all_held_out": len(few.nearer),
            "seeds_nearer_than_all_held_out": self.seeds[few.nearer[: self.pictures.shape[1]]],
            "fewest_for_p_of_0.01": few.fewest,
            "n_planted": few.n_planted,
            "p_with_planted_copies": few.planted,
            "mirrored_copies_looked_for": few.flips,
            "mirror_image_in_train_share": few.mirrored,
            "distance": "nearest over half the mean of the 50 nearest, of normalised images",
        }


def _test(test: Comparison) -> dict[str, float]:
    return {
        "expected_share": test.level,
        "p_flagged": test.p_count,
        "p_nearer_than_held_out": test.p_shift,
    }


def _space(space: Space) -> dict[str, Any]:
    ours, null = space.near[GENERATED], space.near[HELD_OUT]
    found = {
        "n_flagged": space.test.flagged.sum(),
        **_test(space.test),
        "exact_copies": (ours.first == 0).sum(),
        "exact_copies_held_out": (null.first == 0).sum(),
    }
    for kind, near in (("generated", ours), ("held_out", null)):
        found[f"median_distance_{kind}"] = np.median(near.first)
        found[f"median_ratio_{kind}"] = np.median(near.ratio)
        found[f"median_calibrated_{kind}"] = np.median(near.calibrated)
    return found | {
        "smallest_distance_generated": ours.first.min(),
        "threshold": space.test.threshold,
        "controls_flagged": of_controls(space.tests),
        "dimensions": space.dimensions,
    }
