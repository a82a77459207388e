"""Result of the arithmetic probe: one calculation with concepts, and its controls."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.arithmetic.classifiers import Classifier
from ganlens.probes.result import Number, Result

SIDES = ("A", "B", "C")


@dataclass(frozen=True)
class ArithmeticResult(Result):
    """One calculation with concepts, its exemplars, its result and its controls.

    Attributes:
        concepts: what A, B and C should show; empty where seeds were given.
        expected: what A - B + C should show, one expression per attribute.
        seeds: (3, k) int64 exemplars of A, B and C.
        exemplars: (3 * (k + 1), H, W, C) uint8: k exemplars and the picture of their mean, per row.
        grid: (9, H, W, C) uint8: the result in the centre (index 4), noisy neighbours around it.
        control: (4, H, W, C) uint8, sums of pixels: means of A, B and C, then A - B + C.
        latents: (9, d) of the grid.
        norms: lengths: mean of A, of B, of C, the result; and the prior's mean.
        hits: (9, E) bool: which of the grid's pictures have each expected value.
        control_hits: (E,) bool for the pixel-space result.
        base_rate: share of random samples that have all expected values, or None.
        supply: for A, B and C, how many of the pool's samples show the concept.
        classifiers: those by which exemplars are chosen, then those that measure the result.
        pool: how many samples were scored.
        recipes: what draws "exemplars", "grid" and "control" again.
        notes: what the user should know about this run.
    """

    concepts: tuple[str, ...]
    expected: tuple[str, ...]
    seeds: np.ndarray
    exemplars: np.ndarray
    grid: np.ndarray
    control: np.ndarray
    latents: np.ndarray
    norms: dict[str, float]
    hits: np.ndarray
    control_hits: np.ndarray
    base_rate: float | None
    supply: tuple[int, ...]
    classifiers: tuple[Classifier, ...]
    pool: int
    recipes: dict[str, dict[str, Any]]
    notes: tuple[str, ...]

    @property
    def linear(self) -> tuple[Classifier, ...]:
        """The linear classifiers, by which exemplars were chosen."""
        return tuple(one for one in self.classifiers if one.linear)

    @property
    def success(self) -> float | None:
        """Share of the nine pictures that have every expected value; None if none is expected."""
        return float(self.hits.all(axis=1).mean()) if self.expected else None

    def numbers(self) -> list[Number]:
        """Return the success, what it compares with, and what was calculated with."""
        wanted, none = (
            self.expected,
            "no value is expected: seeds were given, or A, B, C all differ",
        )
        per_value = dict(zip(wanted, self.hits.mean(axis=0), strict=True))
        return [
            *Number.each(dict(zip(("a", "b", "c"), self.concepts, strict=False))),
            Number("expected", wanted),
            Number("exemplar_seeds", self.seeds),
            Number("success_rate_of_9", self.success,
                   "share of the 9 pictures with all expected values", "%", none),
            Number("success_rate_per_value", per_value, "  with {}", "%"),
            Number("base_rate_of_random_samples", self.base_rate,
                   "random samples with all expected values", "%", none),
            Number("pixel_control_succeeds", bool(self.control_hits.all()) if wanted else None,
                   "the result on pixels has all expected values", reason=none),
            Number("pool", self.pool),
            Number("samples_showing_a_b_c", self.supply),
            Number("probe_accuracy_held_out", {c.name: c.accuracy for c in self.linear}),
            Number("norms", self.norms, "length of {}"),
            Number("notes", self.notes),
        ]  # fmt: skip
