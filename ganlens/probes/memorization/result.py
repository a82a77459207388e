"""Result of the neighbors probe: nearest train images of samples and of held-out images."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.memorization.controls import MUST
from ganlens.probes.memorization.duplicates import Duplicates
from ganlens.probes.memorization.evidence import GENERATED, HELD_OUT, Comparison, Space
from ganlens.probes.memorization.sets import SetScores
from ganlens.probes.result import Number, Result


@dataclass(frozen=True)
class NeighborsResult(Result):
    """Nearest train images of samples and of held-out images.

    Attributes:
        spaces: the search in each space.
        tests: every set but the held-out one against it, over all spaces at once.
        sets: statistics of whole sets in one feature space; "held-out" is their null.
        duplicates: what the semantic hash found, None where it was left out.
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
        shifts: pixels each way by which copies were tried.
        flips: whether mirrored images count as the same.
        layer: the discriminator's layer whose features are compared; None: pixels.
    """

    spaces: tuple[Space, ...]
    tests: dict[str, Comparison]
    sets: dict[str, SetScores]
    duplicates: Duplicates | None
    seeds: np.ndarray
    order: np.ndarray
    distances: np.ndarray
    percentiles: np.ndarray
    nearest_rows: np.ndarray
    pictures: np.ndarray
    held_out_order: np.ndarray
    held_out_pictures: np.ndarray
    train_names: tuple[tuple[str, ...], ...]
    shifts: int
    flips: bool
    layer: str | None

    @property
    def test(self) -> Comparison:
        """The samples against held-out images over all spaces."""
        return self.tests[GENERATED]

    @property
    def caught(self) -> dict[str, float]:
        """Control -> share of its copies that are flagged."""
        return {k: float(t.flagged.mean()) for k, t in self.tests.items() if k != GENERATED}

    @property
    def missed(self) -> tuple[str, ...]:
        """Controls of which too few are flagged: under 99 %, or 95 % where moved or mirrored."""
        return tuple(kind for kind, share in self.caught.items() if share < MUST[kind])

    @property
    def worst(self) -> np.ndarray:
        """(shown,) rows of the samples in the panels, the worst offender first."""
        return self.order[: self.pictures.shape[1]]

    @property
    def frechet_name(self) -> str:
        """What the Fréchet distance of whole sets is called, after the features it is in."""
        return "FD-pixels" if self.layer is None else f"FD-discriminator-{self.layer}"

    def numbers(self) -> list[Number]:
        """Return the share of samples too near, its p-values, and the controls'."""
        test, names = self.test, [space.name for space in self.spaces]
        return [
            Number("too_near", test.flagged.mean()),
            Number("expected_share", test.level),
            Number("p_flagged", test.p_count),
            Number("p_nearer_than_held_out", test.p_shift),
            Number("controls_flagged", self.caught),
            Number("controls_caught", not self.missed),
            *(Number(f"too_near_in_{s.name}", s.test.flagged.mean()) for s in self.spaces),
            *(Number(s.name, self._space(s)) for s in self.spaces),
            Number("sets", {kind: scores.summary() for kind, scores in self.sets.items()}),
            Number("duplicates", self.duplicates and self.duplicates.summary(),
                   reason="they were not looked for: --duplicates does"),
            Number("worst_seeds", self.seeds[self.worst]),
            Number("worst_nearest", dict(zip(names, self.train_names[0], strict=True))),
            Number("distance", "root mean squared difference per coordinate"),
        ]  # fmt: skip

    def _space(self, space: Space) -> dict[str, Any]:
        ours, null = space.near[GENERATED], space.near[HELD_OUT]
        controls = {k: float(t.flagged.mean()) for k, t in space.tests.items() if k != GENERATED}
        return {
            "n_flagged": int(space.test.flagged.sum()),
            "expected_share": space.test.level,
            "p_flagged": space.test.p_count,
            "p_nearer_than_held_out": space.test.p_shift,
            "exact_copies": int((ours.first == 0).sum()),
            "exact_copies_held_out": int((null.first == 0).sum()),
            "median_distance_generated": float(np.median(ours.first)),
            "median_distance_held_out": float(np.median(null.first)),
            "median_ratio_generated": float(np.median(ours.ratio)),
            "median_ratio_held_out": float(np.median(null.ratio)),
            "median_calibrated_generated": float(np.median(ours.calibrated)),
            "median_calibrated_held_out": float(np.median(null.calibrated)),
            "smallest_distance_generated": float(ours.first.min()),
            "threshold": space.test.threshold,
            "controls_flagged": controls,
            "dimensions": space.dimensions,
        }
