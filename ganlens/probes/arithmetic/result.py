"""Result of the arithmetic probe: one calculation with concepts, and its controls."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.arithmetic.classifiers import Classifier
from ganlens.probes.result import Number, Result

TERMS = ("A", "B", "C")
PRIOR = "a latent of the prior, on average"


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

    @property
    def formula(self) -> str:
        """The calculation in one line."""
        return "({}) - ({}) + ({})".format(*self.concepts) if self.concepts else "A - B + C"

    @property
    def notes(self) -> list[str]:
        """What weakens this run, in sentences."""
        found = [
            f"Only {count} of {self.pool:,} samples are predicted to show {term}: its other "
            "exemplars are merely the nearest to it."
            for term, count in zip(TERMS, self.supply, strict=False)
            if count < self.seeds.shape[1]
        ]
        if not 0.8 < self.norms["the result"] / self.norms[PRIOR] < 1.25:
            found.append(
                "The result lies off the prior: its picture may be washed out or exaggerated."
            )
        return found

    def numbers(self) -> list[Number]:
        """Return the success, what it compares with, and what was calculated with."""
        none = "no value is expected: seeds were given, or A, B, C all differ"
        per_value = dict(zip(self.expected, self.hits.mean(axis=0), strict=True))
        linear = {one.name: one.accuracy for one in self.classifiers if one.linear}
        return [
            *Number.each(dict(zip(("a", "b", "c"), self.concepts, strict=False))),
            Number("expected", self.expected),
            Number("exemplar_seeds", self.seeds),
            Number("success_rate_of_9",
                   self.hits.all(axis=1).mean() if self.expected else None,
                   "share of the 9 pictures with all expected values", "%", none),
            Number("success_rate_per_value", per_value, "  with {}", "%"),
            Number("base_rate_of_random_samples", self.base_rate,
                   "random samples with all expected values", "%", none),
            Number("pixel_control_succeeds",
                   bool(self.control_hits.all()) if self.expected else None,
                   "the result on pixels has all expected values", reason=none),
            Number("pool", self.pool),
            Number("samples_showing_a_b_c", self.supply),
            Number("probe_accuracy_held_out", linear),
            Number("norms", self.norms, "length of {}", "|z|"),
            Number("notes", self.notes),
        ]  # fmt: skip
