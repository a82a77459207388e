"""The numbers of a comparison of two sets of images, and what they depend on."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ganlens import stats
from ganlens.checkpoints import versions
from ganlens.probes.fidelity.measure import Baseline, ClassScore
from ganlens.stats.inception_score import SPLITS

LIBRARIES = ("scipy", "faiss-cpu", "torch-fidelity")
QUANTISED = "both sides hold 8-bit images: generated ones are rounded to uint8 first, as in a PNG"
SCORES = ("kid", "precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Shown:
    """What the panels show beside the numbers.

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
class FidelityNumbers:
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
        generated: what was judged, in words.
        reference: what it was compared with, in words.
        split: split of the reference; split_source: where that comes from.
        n_asked: N asked for; cap_reason: why it is less, "" if it is not.
        seed: of the draws, and the first latent seed.
        precision: in which the network ran.
        shown: what the panels show beside; None where the reference is a file of moments.
        about: which checkpoint and data.
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
    shown: Shown | None
    about: dict[str, Any]
    versions: dict[str, str]

    @property
    def value(self) -> float:
        """The Fréchet distance between generated and real images."""
        return self.scores["fd"]

    def summary(self) -> dict[str, Any]:
        """Return JSON-able scalars; what is undefined is None, with a reason."""
        n = self.scores["n_fake"]
        return {
            "metric": self.metric,
            "value": self.value,
            **self._around_the_value(),
            "memorization_informed": self.informed,
            "floor": self.baseline.get("fd"),
            "floor_n": self.baseline.n,
            "floor_kind": self.baseline.kind,
            "value_at_floor_n": self.baseline.get_generated("fd"),
            **{name: self.scores[name] for name in SCORES},
            **{f"floor_{name}": self.baseline.get(name) for name in SCORES},
            **{f"{name}_at_floor_n": self.baseline.get_generated(name) for name in SCORES},
            **{
                name: self.scores[name]
                for name in ("kid_std", "kid_standard_error", "kid_subset_size")
            },
            "inception_score": self.inception and self.inception[0],
            "inception_score_std": self.inception and self.inception[1],
            "classes": {
                c.name: {"value": c.distance, "n_real": c.n_real, "n_fake": c.n_fake}
                for c in self.classes
            },
            "k": self.scores["k"],
            "k_density": self.scores["k_density"],
            "reasons": {**self.scores["reasons"], **self._reasons()},
            "generated": self.generated,
            "reference": self.reference,
            "n_real": self.scores["n_real"],
            "n_fake": n,
            "n_asked": self.n_asked,
            "n_reason": self.cap_reason or None,
            "split": self.split,
            "split_source": self.split_source,
            "seed": self.seed,
            "dimensions": self.scores["dimensions"],
            "extractor": {**self.extractor, "chosen_because": self.extractor_reason},
            "network_precision": self.precision,
            "quantisation": QUANTISED,
            "caveat": self.caveat,
            "median_distance_to_real": self.shown and float(np.median(self.shown.distances)),
            **self.about,
            "versions": self.versions,
        }

    def _around_the_value(self) -> dict[str, Any]:
        interval, infinity = self.interval, self.infinity
        return {
            "interval": interval and [interval.low, interval.high],
            "interval_level": interval and interval.level,
            "value_at_infinity": infinity and infinity.value,
            "value_at_infinity_se": infinity and infinity.standard_error,
        }

    def _reasons(self) -> dict[str, str]:
        found = {}
        if self.inception is None:
            found["inception_score"] = (
                "needs published Inception, whose class scores it is made of, and at least "
                f"{SPLITS} images"
            )
        if any(one.distance is None for one in self.classes):
            found["classes"] = "a class needs at least 2 images on either side"
        if self.informed is None:
            found["memorization_informed"] = (
                "needs real images that may have been trained on (--split train), and published "
                "Inception, for which its threshold was set"
            )
        if self.interval is None:
            names = ("interval", "interval_level", "median_distance_to_real")
            found |= dict.fromkeys(names, "needs the images of both sides, and different ones")
        if self.infinity is None:
            found["value_at_infinity"] = (
                "needs different images on both sides, two for each of the "
                f"{self.scores['dimensions']:,} features on either side"
            )
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
