"""Comparing two sides: features of both in one pass each, then every number."""

import json
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import stats
from ganlens.errors import GanlensError
from ganlens.features import FeatureStore, check_comparable, shared_features_of
from ganlens.probes.base import Progress
from ganlens.probes.fidelity.judge import FID, Judge
from ganlens.probes.fidelity.materials import Materials
from ganlens.probes.fidelity.measure import Clouds, Floor, Ranks, by_class, floor, inception_score
from ganlens.probes.fidelity.result import FidelityResult, Shown, library_versions
from ganlens.probes.fidelity.sides import Side

SHOWN = 16  # pictures of the most and of the least typical samples
POINTS = 1000  # points per side in the scatter
IMAGES, EXTRACTOR = "images", "extractor"  # notes beside moments that are kept
PER_DIMENSION = 2  # images for each dimension that an extrapolation asks for
UNKNOWN = (
    "The file does not say which network, resizing and precision its moments come from: the "
    "distance means something only if they were the same."
)
NO_IMAGES = "the reference is a file of moments: there are no real images to compare"


@dataclass(frozen=True)
class Comparison:
    """How two sides are compared.

    Attributes:
        judge: what turns images into features.
        ranks: neighbours for precision and its kin.
        n_asked: images asked for on either side.
        seed: of every draw.
        batch_size: images at a time.
        precision: in which the network runs, "32-true" or "bf16-mixed".
    """

    judge: Judge
    ranks: Ranks
    n_asked: int
    seed: int
    batch_size: int
    precision: str

    def steps(self, given: Materials) -> Generator[Progress, None, FidelityResult]:
        """Run piecewise: yield Progress in images, return the result.

        Raises:
            GanlensError: features of another network than those behind a file of moments.
        """
        if isinstance(given.real, stats.ReferenceMoments):
            return (yield from self._with_moments(given, given.real))
        sides = {"real images": given.real, "generated images": given.fake}
        if given.others is not None:
            sides["other real images"] = given.others
        found: list[np.ndarray] = []
        total, done = sum(side.count for side in sides.values()), 0
        for what, side in sides.items():
            found.append((yield from self._features(side, done, total, what)))
            done += side.count
        clouds = Clouds(*found)
        kinds = {type(given.real), type(given.fake)}
        same = len(kinds) == 1 and given.real.identity() == given.fake.identity()
        yield Progress(0, 1, "comparison of the features")
        scores = self.ranks.scores(clouds.real, clouds.fake)
        return self._result(
            given,
            caveat=" ".join([self.judge.caveat, *_cautions(clouds, same)]),
            scores=scores,
            interval=None if same else stats.frechet_interval(clouds.real, clouds.fake),
            infinity=None if same else self._infinity(clouds),
            informed=self._informed(given, clouds, scores["fd"]),
            inception=inception_score(self.judge, clouds.fake),
            floor=self._floor(given, clouds, scores),
            classes=by_class(clouds, given.real.classes, given.fake.classes),
            shown=self._shown(clouds, given.fake),
        )

    def moments(self, side: Side) -> Generator[Progress, None, stats.ReferenceMoments]:
        """Run piecewise: yield Progress, return mean and covariance of a side's features."""
        features = yield from self._features(side, 0, side.count, "images")
        notes = {IMAGES: side.name, EXTRACTOR: json.dumps(self._extractor())}
        return stats.ReferenceMoments(*stats.mean_cov(features), len(features), notes)

    def _extractor(self) -> dict[str, Any]:
        return {**self.judge.extractor.describe(), "precision": self.precision}

    def _features(
        self, side: Side, before: int, total: int, what: str
    ) -> Generator[Progress, None, np.ndarray]:
        steps = shared_features_of(
            self.judge.extractor,
            side,
            store=FeatureStore() if self.judge.extractor.hash else None,  # pixels cost nothing
            batch_size=self.batch_size,
            precision=self.precision,
        )
        while True:
            try:
                yield Progress(before + next(steps), total, what)
            except StopIteration as stop:
                return stop.value

    def _floor(self, given: Materials, clouds: Clouds, scores: dict[str, Any]) -> Floor:
        caution = ""
        if self.judge.source is not None and given.others_are != given.reference:
            caution = "; the extractor may know the train images, which could raise this floor"
        words = (given.reference, given.others_are, caution)
        return floor(clouds, scores, self.ranks, self.seed, *words)

    def _infinity(self, clouds: Clouds) -> stats.FrechetInfinity | None:
        fewest, dimensions = min(len(clouds.real), len(clouds.fake)), clouds.real.shape[1]
        # Below that the distance is no straight line in 1/N.
        if fewest < PER_DIMENSION * dimensions:
            return None
        return stats.frechet_infinity(clouds.real, clouds.fake, seed=self.seed)

    def _informed(self, given: Materials, clouds: Clouds, distance: float) -> float | None:
        """MiFID: the FID made worse by copies; the reference must be what can have been copied.

        Its threshold was set for Inception. In features of a discriminator even held-out images
        fall below it (pixelfaces: 1.2 became 13.9), so there it would punish honest samples.
        """
        if self.judge.metric != FID or not given.trained_on:
            return None
        if not (clouds.fake.any() and clouds.real.any()):  # without a direction
            return None
        apart = stats.memorization_distance(clouds.fake, clouds.real)
        return stats.memorization_informed(distance, apart)

    def _with_moments(
        self, given: Materials, moments: stats.ReferenceMoments
    ) -> Generator[Progress, None, FidelityResult]:
        if EXTRACTOR in moments.notes:
            check_comparable(_described(moments.notes[EXTRACTOR]), self._extractor())
        features = yield from self._features(given.fake, 0, given.fake.count, "generated images")
        if features.shape[1] != len(moments.mean):
            raise GanlensError(
                f"moments of {len(moments.mean)} features do not fit {self.judge.extractor.name}'s "
                f"{features.shape[1]}: choose the extractor that they were made with"
            )
        distance = stats.frechet_distance(moments.mean, moments.cov, *stats.mean_cov(features))
        undefined = ("kid", "precision", "recall", "density", "coverage")
        scores = {
            "fd": distance,
            **dict.fromkeys((*undefined, "kid_std", "kid_standard_error", "kid_subset_size")),
            "k": self.ranks.k,
            "k_density": self.ranks.k_density,
            "n_real": moments.n,
            "n_fake": len(features),
            "dimensions": features.shape[1],
            "reasons": dict.fromkeys(undefined, NO_IMAGES),
        }
        unknown = "" if EXTRACTOR in moments.notes else f" {UNKNOWN}"
        return self._result(
            given,
            caveat=self.judge.caveat + unknown,
            scores=scores,
            interval=None,
            infinity=None,
            informed=None,
            inception=inception_score(self.judge, features),
            floor=Floor(None, 0, NO_IMAGES, None),
            classes=(),
            shown=None,
        )

    def _shown(self, clouds: Clouds, fake: Side) -> Shown:
        distances = stats.nearest(clouds.fake, clouds.real, 1)[0][:, 0]
        order = np.argsort(distances, kind="stable")
        count = min(SHOWN, len(order) // 2)
        rows = np.concatenate([order[:count], order[len(order) - count :]])
        picture, recipe = fake.picture(rows, min(count, SHOWN // 2))
        mean, axes, shares = stats.principal_axes(clouds.real)
        drawn = np.random.default_rng(self.seed).permutation(len(clouds.real))[:POINTS]
        return Shown(
            distances=distances,
            titles=tuple(fake.titles(rows)),
            picture=picture,
            recipe=recipe,
            real_points=((clouds.real[drawn] - mean) @ axes.T).astype(np.float32),
            fake_points=((clouds.fake[drawn] - mean) @ axes.T).astype(np.float32),
            shares=shares,
        )

    def _result(self, given: Materials, **found: Any) -> FidelityResult:
        return FidelityResult(
            metric=self.judge.metric,
            extractor=self.judge.describe(),
            extractor_reason=self.judge.reason,
            generated=given.fake.name,
            reference=given.reference,
            split=given.split,
            split_source=given.split_source,
            n_asked=self.n_asked,
            cap_reason=given.cap_reason,
            seed=self.seed,
            precision=self.precision,
            about=given.about,
            versions=library_versions(),
            **found,
        )


def _cautions(clouds: Clouds, same: bool) -> list[str]:
    """Say what makes a distance mean less than it seems to."""
    said = ["Both sides are the very same images."] if same else []
    fewest, dimensions = min(len(clouds.real), len(clouds.fake)), clouds.real.shape[1]
    if fewest <= dimensions:
        said.append(
            f"With no more images ({fewest:,}) than features ({dimensions:,}) most of the distance "
            "is the small number of images: look at the floor beside it."
        )
    return said


def _described(note: str) -> dict[str, Any]:
    """Read the description of an extractor that lies beside moments."""
    with suppress(ValueError, RecursionError):
        if isinstance(found := json.loads(note), dict):
            return found
    raise GanlensError(
        f"the moments' note {EXTRACTOR!r} is not ganlens's ({note[:40]!r}): make the moments anew, "
        "or leave the note out"
    )
