"""Result of the arithmetic-score probe: success rates over many draws of exemplars."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ganlens.probes.arithmetic.classifiers import Classifier
from ganlens.probes.concepts import Concept
from ganlens.probes.result import Number, Result

# How many of some pictures show what they should: "success" and "success_and_plausible", each a
# share and its 95 % interval (Wilson); "plausible", the share that the discriminator scores no
# lower than it does all but the lowest 5 % of random samples; "per_condition", one share each.
Score = dict[str, Any]


@dataclass(frozen=True)
class Formula:
    """The successes of one formula.

    Attributes:
        terms: A, B and C as expressions.
        wanted: the conditions that A - B + C should meet.
        plain: per count of exemplars, the results as they come.
        scaled: per count, the results brought back to the prior's length.
        merely: per count, the results of exemplars drawn at random from all samples that show their
            concept; None where fewer samples do.
        pixels: the same arithmetic on the pixels of three exemplars each.
        random: random samples.
        shortlists: how many samples the exemplars of A, B and C were drawn from.
        shown: how many of these show the concept; the others are merely the nearest.
        showing: how many samples of the pool show A, B and C.
        pictures: (S, H, W, C) uint8, the first results with three exemplars each.
        right: (S,) bool, which of these meet all conditions.
        recipe: what draws the pictures again.
    """

    terms: tuple[str, ...]
    wanted: Concept
    plain: tuple[Score, ...]
    scaled: tuple[Score, ...]
    merely: tuple[Score | None, ...]
    pixels: Score
    random: Score
    shortlists: tuple[int, ...]
    shown: tuple[int, ...]
    showing: tuple[int, ...]
    pictures: np.ndarray
    right: np.ndarray
    recipe: dict[str, Any]

    @property
    def text(self) -> str:
        """The formula as one line."""
        return "({}) - ({}) + ({})".format(*self.terms)

    @property
    def goal(self) -> str:
        """What is expected, as one expression."""
        return " & ".join(one.text for one in self.wanted)


@dataclass(frozen=True)
class ArithmeticScoreResult(Result):
    """Success rates of vector arithmetic over random draws of exemplars.

    Attributes:
        formulas: one per formula.
        counts: (K,) int64 exemplars per concept.
        classifiers: those that choose exemplars, then those that measure results.
    """

    formulas: tuple[Formula, ...]
    counts: np.ndarray
    classifiers: tuple[Classifier, ...]

    def numbers(self) -> list[Number]:
        """Return every rate with its interval, per formula."""
        pixels = [one.pixels for one in self.formulas]
        return Number.each(
            {
                **{f"success_{k}": self._mean("plain", k) for k in (1, 3, 8)},
                "success_3_any_that_show": self._mean("merely", 3),
                "success_pixels": np.mean([one["success"][0] for one in pixels]),
                "plausible_pixels": np.mean([one["plausible"] for one in pixels]),
                "success_random": np.mean([one.random["success"][0] for one in self.formulas]),
                "counts": self.counts,
                "formulas": {one.text: self._numbers(one) for one in self.formulas},
            },
            {
                **{f"success_{k}": f"{k} is not among the counts" for k in (1, 3, 8)},
                "success_3_any_that_show": "3 is not among the counts, or no formula has 3 samples "
                "that show each of its concepts",
            },
        )

    def _mean(self, kind: Literal["plain", "merely"], count: int) -> float | None:
        """Mean success over the formulas that have exemplars at a count; None where none has."""
        places = np.flatnonzero(self.counts == count)
        found = [getattr(one, kind)[i] for one in self.formulas for i in places]
        shares = [score["success"][0] for score in found if score is not None]
        return float(np.mean(shares)) if shares else None

    def _numbers(self, one: Formula) -> dict[str, Any]:
        per_count = zip(map(str, self.counts), one.plain, one.scaled, one.merely, strict=True)
        return {
            "expected": one.goal,
            "means_of": {
                k: {**plain, "rescaled": scaled, "any_that_show": merely}
                for k, plain, scaled, merely in per_count
            },
            "pixel_arithmetic": one.pixels,
            "random_samples": one.random,
            "conditions": [condition.text for condition in one.wanted],
            "shortlists": one.shortlists,
            "shortlists_showing": one.shown,
            "pool_showing": one.showing,
        }
