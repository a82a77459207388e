"""Comparison of two sets of images: features of both in one pass each, then every number."""

import json
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import stats
from ganlens.errors import GanlensError
from ganlens.features import FeatureStore, ImageSource, check_comparable, shared_features_of
from ganlens.images import grid
from ganlens.probes.base import Progress
from ganlens.probes.fidelity.extractor import FID, ChosenExtractor
from ganlens.probes.fidelity.materials import Materials
from ganlens.probes.fidelity.measure import (
    Baseline,
    FeatureSets,
    Ranks,
    baseline,
    by_class,
    inception_score,
)
from ganlens.probes.fidelity.panels import panels
from ganlens.probes.fidelity.result import SCORES, FidelityResult, Gallery, library_versions
from ganlens.recipe import Recipe
from ganlens.subject import Samples

EXTREMES = 16  # pictures of the most and of the least typical samples
POINTS = 1000  # points of each kind in the scatter
IMAGES, EXTRACTOR = "images", "extractor"  # notes beside moments that are kept
PER_DIMENSION = 2  # images for each dimension that an extrapolation asks for
UNKNOWN = (
    "The file does not say which network, resizing and precision its moments come from: the "
    "distance means something only if they were the same."
)
NO_IMAGES = "the reference is a file of moments: there are no real images to compare"


@dataclass(frozen=True)
class Comparison:
    """How two sets of images are compared.

    Attributes:
        extractor: what turns images into features.
        ranks: neighbours for precision and its kin.
        n_asked: images wanted on either side.
        seed: of every draw.
        batch_size: images at a time.
        precision: in which the network runs, "32-true" or "bf16-mixed".
    """

    extractor: ChosenExtractor
    ranks: Ranks
    n_asked: int
    seed: int
    batch_size: int
    precision: str

    def steps(self, materials: Materials) -> Generator[Progress, None, FidelityResult]:
        """Run piecewise: yield Progress in images, return the result.

        Raises:
            GanlensError: features of another network than those behind a file of moments.
        """
        if isinstance(materials.real, stats.ReferenceMoments):
            return (yield from self._with_moments(materials, materials.real))
        sources = {"real images": materials.real, "generated images": materials.fake}
        if materials.others is not None:
            sources["other real images"] = materials.others
        found: list[np.ndarray] = []
        total, done = sum(source.count for source in sources.values()), 0
        for what, source in sources.items():
            found.append((yield from self._features(source, done, total, what)))
            done += source.count
        features = FeatureSets(*found)
        same = materials.real.identity() == materials.fake.identity()
        yield Progress(0, 1, "comparison of the features")
        scores = self.ranks.scores(features.real, features.fake)
        return self._result(
            materials,
            caveat=" ".join([self.extractor.caveat, *_cautions(features, same)]),
            scores=scores,
            interval=None if same else stats.frechet_interval(features.real, features.fake),
            infinity=None if same else self._infinity(features),
            informed=self._informed(materials, features, scores["fd"]),
            inception=inception_score(self.extractor, features.fake),
            baseline=self._baseline(materials, features, scores),
            classes=by_class(features, materials.real.classes, materials.fake.classes),
            gallery=self._gallery(features, materials.fake),
        )

    def moments(self, source: ImageSource) -> Generator[Progress, None, stats.ReferenceMoments]:
        """Run piecewise: yield Progress, return mean and covariance of the features of a source."""
        features = yield from self._features(source, 0, source.count, "images")
        notes = {IMAGES: source.name, EXTRACTOR: json.dumps(self._extractor())}
        return stats.ReferenceMoments(*stats.mean_cov(features), len(features), notes)

    def _extractor(self) -> dict[str, Any]:
        return {**self.extractor.network.describe(), "precision": self.precision}

    def _features(
        self, source: ImageSource, before: int, total: int, what: str
    ) -> Generator[Progress, None, np.ndarray]:
        steps = shared_features_of(
            self.extractor.network,
            source,
            store=FeatureStore() if self.extractor.network.hash else None,  # pixels cost nothing
            batch_size=self.batch_size,
            precision=self.precision,
        )
        while True:
            try:
                yield Progress(before + next(steps), total, what)
            except StopIteration as stop:
                return stop.value

    def _baseline(
        self, materials: Materials, features: FeatureSets, scores: dict[str, Any]
    ) -> Baseline:
        caution = ""
        if self.extractor.source is not None and materials.others_are != materials.reference:
            caution = "; the extractor may know the train images, which could raise this baseline"
        words = (materials.reference, materials.others_are, caution)
        return baseline(features, scores, self.ranks, self.seed, *words)

    def _infinity(self, features: FeatureSets) -> stats.FrechetInfinity | None:
        fewest, dimensions = min(len(features.real), len(features.fake)), features.real.shape[1]
        # Below that the distance is no straight line in 1/N.
        if fewest < PER_DIMENSION * dimensions:
            return None
        return stats.frechet_infinity(features.real, features.fake, seed=self.seed)

    def _informed(
        self, materials: Materials, features: FeatureSets, distance: float
    ) -> float | None:
        """MiFID: the FID made worse by copies; the reference must be what can have been copied.

        Its threshold was set for Inception. In features of a discriminator even held-out images
        fall below it (pixelfaces: 1.2 became 13.9), so there it would punish honest samples.
        """
        if self.extractor.metric != FID or not materials.trained_on:
            return None
        if not (features.fake.any() and features.real.any()):  # without a direction
            return None
        apart = stats.memorization_distance(features.fake, features.real)
        return stats.memorization_informed(distance, apart)

    def _with_moments(
        self, materials: Materials, moments: stats.ReferenceMoments
    ) -> Generator[Progress, None, FidelityResult]:
        if EXTRACTOR in moments.notes:
            check_comparable(_described(moments.notes[EXTRACTOR]), self._extractor())
        features = yield from self._features(
            materials.fake, 0, materials.fake.count, "generated images"
        )
        if features.shape[1] != len(moments.mean):
            raise GanlensError(
                f"moments of {len(moments.mean)} features do not fit the {features.shape[1]} of "
                f"{self.extractor.network.name}: choose the extractor that they were made with"
            )
        distance = stats.frechet_distance(moments.mean, moments.cov, *stats.mean_cov(features))
        scores = {
            "fd": distance,
            **dict.fromkeys((*SCORES, "kid_std", "kid_standard_error", "kid_subset_size")),
            "k": self.ranks.k,
            "k_density": self.ranks.k_density,
            "n_real": moments.n,
            "n_fake": len(features),
            "dimensions": features.shape[1],
            "reasons": dict.fromkeys(SCORES, NO_IMAGES),
        }
        unknown = "" if EXTRACTOR in moments.notes else f" {UNKNOWN}"
        return self._result(
            materials,
            caveat=self.extractor.caveat + unknown,
            scores=scores,
            interval=None,
            infinity=None,
            informed=None,
            inception=inception_score(self.extractor, features),
            baseline=Baseline(None, 0, NO_IMAGES, None),
            classes=(),
            gallery=None,
        )

    def _gallery(self, features: FeatureSets, fake: ImageSource) -> Gallery:
        distances = stats.nearest(features.fake, features.real, 1)[0][:, 0]
        order = np.argsort(distances, kind="stable")
        count = min(EXTREMES, len(order) // 2)
        rows = np.concatenate([order[:count], order[len(order) - count :]])
        columns = min(count, EXTREMES // 2)
        mean, axes, shares = stats.principal_axes(features.real)
        drawn = np.random.default_rng(self.seed).permutation(len(features.real))[:POINTS]
        return Gallery(
            distances=distances,
            titles=tuple(fake.titles(rows)),
            picture=grid(fake.images(rows), columns),
            recipe=_recipe(fake, rows, columns),
            real_points=((features.real[drawn] - mean) @ axes.T).astype(np.float32),
            fake_points=((features.fake[drawn] - mean) @ axes.T).astype(np.float32),
            shares=shares,
        )

    def _result(self, materials: Materials, **found: Any) -> FidelityResult:
        return FidelityResult(
            metric=self.extractor.metric,
            extractor=self.extractor.describe(),
            extractor_reason=self.extractor.reason,
            generated=materials.fake.name,
            reference=materials.reference,
            split=materials.split,
            split_source=materials.split_source,
            n_asked=self.n_asked,
            cap_reason=materials.cap_reason,
            seed=self.seed,
            precision=self.precision,
            about=materials.about,
            draw=panels,
            versions=library_versions(),
            **found,
        )


def _cautions(features: FeatureSets, same: bool) -> list[str]:
    """Say what makes a distance mean less than it seems to."""
    said = ["Both sides are the very same images."] if same else []
    fewest, dimensions = min(len(features.real), len(features.fake)), features.real.shape[1]
    if fewest <= dimensions:
        said.append(
            f"With no more images ({fewest:,}) than features ({dimensions:,}) most of the distance "
            "is the small number of images: look at the baseline of real images beside it."
        )
    return said


def _recipe(source: ImageSource, rows: np.ndarray, columns: int) -> dict[str, Any] | None:
    """Return what draws a sheet of some samples again; None where they are no model's."""
    if not isinstance(source, Samples):
        return None
    seeds = source.numbers(rows).tolist()
    return Recipe.of_samples(source.subject, seeds, columns=columns).to_json()


def _described(note: str) -> dict[str, Any]:
    """Read the description of an extractor that lies beside moments."""
    with suppress(ValueError, RecursionError):
        if isinstance(found := json.loads(note), dict):
            return found
    raise GanlensError(
        f"the moments' note {EXTRACTOR!r} is not ganlens's ({note[:40]!r}): make the moments anew, "
        "or leave the note out"
    )
