"""Result of the fid probe: distances between two sets of images, and what they depend on."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ganlens import stats
from ganlens.checkpoints import versions
from ganlens.probes.fidelity.measure import Baseline, ClassScore
from ganlens.probes.result import Number, Result
from ganlens.stats.inception_score import SPLITS

LIBRARIES = ("scipy", "faiss-cpu", "torch-fidelity")
QUANTISED = "both sides hold 8-bit images: generated ones are rounded to uint8 first, as in a PNG"
SCORES = ("kid", "precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Gallery:
    """What the panels draw beside the numbers: extreme images, and features in the plane.

    Attributes:
        distances: (N,) from each generated image to the nearest real one in feature space.
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
        interval: for the distance; None where there are no features of both sides.
        infinity: the distance extrapolated to infinitely many images; None likewise, or where there
            are too few.
        informed: the FID divided by how near the samples come to the reference, where that is
            nearer than a threshold (MiFID); None for other distances, or where the reference was
            not trained on.
        inception: inception score of the generated images and its deviation over the splits; None
            without class scores.
        baseline: ``scores`` again, real against real.
        classes: the distance class by class, where both sides have labels.
        extractor: description of the extractor.
        extractor_reason: why this one.
        caveat: what its numbers must not be taken for.
        generated: the images that are measured, in words.
        reference: what they are compared with, in words.
        split: split of the reference; split_source: where that comes from.
        n_asked: N asked for; cap_reason: why it is less, "" if it is not.
        seed: of the draws, and the first latent seed.
        precision: in which the network ran.
        gallery: what the panels draw; None where the reference is a file of moments.
        versions: of the libraries.
    """

    metric: str
    scores: dict[str, Any]
    interval: stats.FrechetInterval | None
    infinity: stats.FrechetInfinity | None
    informed: float | None
    inception: tuple[float, float] | None
    baseline: Baseline
    classes: tuple[ClassScore, ...]
    extractor: dict[str, Any]
    extractor_reason: str
    caveat: str
    generated: str
    reference: str
    split: str
    split_source: str
    n_asked: int
    cap_reason: str
    seed: int
    precision: str
    gallery: Gallery | None
    versions: dict[str, str]

    @property
    def value(self) -> float:
        """The Fréchet distance between generated and real images."""
        return self.scores["fd"]

    def numbers(self) -> list[Number]:
        """Return the distance and what stands around it; what is undefined has its reason."""
        scores, baseline = self.scores, self.baseline
        interval, infinity, spread = self.interval, self.infinity, ("kid_std", "kid_standard_error")
        found = {
            "metric": self.metric,
            "value": self.value,
            "interval": interval and [interval.low, interval.high],
            "interval_level": interval and interval.level,
            "value_at_infinity": infinity and infinity.value,
            "value_at_infinity_se": infinity and infinity.standard_error,
            "memorization_informed": self.informed,
            "floor": baseline.get("fd"),
            "floor_n": baseline.n,
            "floor_kind": baseline.kind,
            "value_at_floor_n": baseline.get_generated("fd"),
            **{name: scores[name] for name in SCORES},
            **{f"floor_{name}": baseline.get(name) for name in SCORES},
            **{f"{name}_at_floor_n": baseline.get_generated(name) for name in SCORES},
            **{name: scores[name] for name in (*spread, "kid_subset_size")},
            "inception_score": self.inception and self.inception[0],
            "inception_score_std": self.inception and self.inception[1],
            "classes": {
                c.name: {"value": c.distance, "n_real": c.n_real, "n_fake": c.n_fake}
                for c in self.classes
            },
            **{name: scores[name] for name in ("k", "k_density")},
            "generated": self.generated,
            "reference": self.reference,
            **{name: scores[name] for name in ("n_real", "n_fake")},
            "n_asked": self.n_asked,
            "n_reason": self.cap_reason or None,
            "split": self.split,
            "split_source": self.split_source,
            "seed": self.seed,
            "dimensions": scores["dimensions"],
            "extractor": {**self.extractor, "chosen_because": self.extractor_reason},
            "network_precision": self.precision,
            "quantisation": QUANTISED,
            "caveat": self.caveat,
            "median_distance_to_real": self.gallery and float(np.median(self.gallery.distances)),
            "versions": self.versions,
        }
        return Number.each(found, self._reasons())

    def _reasons(self) -> dict[str, str]:
        """Return why a number is undefined, by key; the numbers that are defined have none."""
        both = "needs the images of both sides, and different ones"
        found = {
            **self.scores["reasons"],
            "inception_score": "needs published Inception, whose class scores it is made of, and "
            f"at least {SPLITS} images",
            "memorization_informed": "needs real images that may have been trained on (--split "
            "train), and published Inception, for which its threshold was set",
            **dict.fromkeys(("interval", "interval_level", "median_distance_to_real"), both),
            "value_at_infinity": "needs different images on both sides, two for each of the "
            f"{self.scores['dimensions']:,} features on either side",
        }
        missing = dict.fromkeys(("fd", *SCORES), self.baseline.kind)
        if self.baseline.scores is not None:
            missing = self.baseline.scores["reasons"]
        for name, reason in missing.items():
            beside, value = ("floor", "value") if name == "fd" else (f"floor_{name}", name)
            found |= dict.fromkeys((beside, f"{value}_at_floor_n"), reason)
        return found


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that the numbers depend on."""
    found = versions()
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # another distribution of the same module
            found[name] = "not installed"
    return found
