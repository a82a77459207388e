"""Result of the fid probe: distances between two sets of images, each beside its baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import stats
from ganlens.probes.result import Number, Result
from ganlens.stats.inception_score import SPLITS

SCORES = ("kid", "precision", "recall", "density", "coverage")
NO_INCEPTION = f"needs published Inception, for its class scores, and at least {SPLITS} images"
NO_MIFID = (
    "needs real images that may have been trained on (--split train), and published Inception, "
    "for which its threshold was set"
)
NO_PAIRS = "needs the images of both sets, and different ones"


@dataclass(frozen=True)
class Baseline:
    """What real images score against other real images: no generator can be expected to beat it.

    Attributes:
        scores: as ``stats.quality`` returns them, or None if there are too few images.
        n: images of either kind.
        kind: which images, or why there is none.
        generated: scores of generated images against the same real ones at the same n.
    """

    scores: dict[str, Any] | None
    n: int
    kind: str
    generated: dict[str, Any] | None


@dataclass(frozen=True)
class Examples:
    """Single images behind the numbers.

    Attributes:
        distances: (N,) from each generated image to the nearest real one, in features.
        titles: (2 S,) seeds or names of the S nearest, then of the S farthest.
        picture: (H, W, 3) uint8 of these, in that order.
        recipe: what draws it again, None where that is not a GAN of ours.
        real_points: (P, 2) real features along the first two principal axes of the real ones.
        fake_points: (P, 2) the same for generated ones.
        shares: (2,) of the real features' variance along these axes.
    """

    distances: np.ndarray
    titles: tuple[str, ...]
    picture: np.ndarray
    recipe: dict[str, Any] | None
    real_points: np.ndarray
    fake_points: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class FidelityResult(Result):
    """Distances between two sets of images, and what they depend on.

    Attributes:
        metric: "FID" or "FD-<extractor>".
        scores: as ``stats.quality`` returns them, generated against real.
        baseline: the same, real against real.
        inception: inception score of the generated images and its deviation over the splits; None
            without class scores.
        classes: value, n_real and n_fake by class, where both sets have labels.
        extractor: its description, with "chosen_because".
        generated: what was evaluated, in words.
        reference: what it was compared with, in words.
        n_requested: N requested.
        cap_reason: why N is less, "" if it is not.
        caveat: what the numbers must not be taken for.
        interval: for the distance; None where there are no features of both sets.
        infinity: the distance extrapolated to infinitely many images; None likewise, or where there
            are too few.
        informed: the FID divided by how near the samples come to the reference, where that is
            nearer than a threshold (MiFID); None for other distances, or where the reference was
            not trained on.
        shown: single images; None where the reference is a file of moments.
    """

    metric: str
    scores: dict[str, Any]
    baseline: Baseline
    inception: tuple[float, float] | None
    classes: dict[str, dict[str, Any]]
    extractor: dict[str, Any]
    generated: str
    reference: str
    n_requested: int
    cap_reason: str
    caveat: str
    interval: stats.FrechetInterval | None = None
    infinity: stats.FrechetInfinity | None = None
    informed: float | None = None
    shown: Examples | None = None

    @property
    def value(self) -> float:
        """The Fréchet distance between generated and real images."""
        return self.scores["fd"]

    def numbers(self) -> Sequence[Number]:
        """Return distance and scores, those of real images, and what they depend on."""
        scores, interval, infinity = self.scores, self.interval, self.infinity
        reasons = scores["reasons"]
        score, spread = self.inception or (None, None)
        few = (
            "needs different images in both sets, two for each of the "
            f"{scores['dimensions']:,} features in either set"
        )
        return (
            Number("metric", self.metric),
            Number("value", self.value),
            Number("interval", interval and (interval.low, interval.high), reason=NO_PAIRS),
            Number("interval_level", interval and interval.level, reason=NO_PAIRS),
            Number("interval_largest_share", interval and interval.largest_share, reason=NO_PAIRS),
            Number("value_at_infinity", infinity and infinity.value, reason=few),
            Number("value_at_infinity_se", infinity and infinity.standard_error, reason=few),
            Number("memorization_informed", self.informed, reason=NO_MIFID),
            *(Number(name, scores[name], reason=reasons.get(name, "")) for name in SCORES),
            *(Number(name, scores[name])
              for name in ("kid_std", "kid_standard_error", "kid_subset_size")),
            *self._baseline_numbers(),
            Number("inception_score", score, reason=NO_INCEPTION),
            Number("inception_score_std", spread, reason=NO_INCEPTION),
            Number("classes", self.classes),
            *(Number(name, scores[name])
              for name in ("k", "k_density", "n_real", "n_fake", "dimensions")),
            Number("n_requested", self.n_requested),
            Number("n_reason", self.cap_reason or None),
            Number("generated", self.generated),
            Number("reference", self.reference),
            Number("extractor", self.extractor),
            Number("caveat", self.caveat),
            Number("median_distance_to_real", self.shown and np.median(self.shown.distances),
                   reason=NO_PAIRS),
        )  # fmt: skip

    def _baseline_numbers(self) -> list[Number]:
        """Return the scores of real images, and those of the samples at the same N."""
        real, fake = self.baseline.scores or {}, self.baseline.generated or {}
        reasons = real.get("reasons", dict.fromkeys(("fd", *SCORES), self.baseline.kind))
        found = [Number("floor_n", self.baseline.n), Number("floor_kind", self.baseline.kind)]
        for name in ("fd", *SCORES):
            floor, value = ("floor", "value") if name == "fd" else (f"floor_{name}", name)
            why = reasons.get(name, "")
            found.append(Number(floor, real.get(name), reason=why))
            found.append(Number(f"{value}_at_floor_n", fake.get(name), reason=why))
        return found
