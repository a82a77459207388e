"""The Fidelity probe: stream images through an extractor, then compare the two sets of features."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ganlens import stats
from ganlens.errors import GanlensError
from ganlens.features import extract_steps, quantised
from ganlens.latents import Seeds
from ganlens.models.prior import check_seed
from ganlens.probes.base import Probe, Progress, images_for
from ganlens.probes.fidelity.judge import Judge, choose
from ganlens.probes.fidelity.result import FidelityResult, Floor, library_versions
from ganlens.probes.fidelity.samples import RealImages, choose_real
from ganlens.probes.identity import identity
from ganlens.recipe import Recipe, render

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

SHOWN = 16  # pictures of the most and of the least typical samples
POINTS = 1000  # points per side in the scatter


@dataclass(frozen=True)
class Fidelity(Probe):
    """Compare generated with real images as two clouds of features.

    The Fréchet distance is called FID only in the features of the published Inception weights, else
    FD-<extractor>. Beside it stand precision, recall, density and coverage, and the floor: what
    real images score against other real images.

    Attributes:
        extractor: what turns images into features: "auto", "inception", "discriminator", "pixels",
            or the folder of a checkpoint (a classifier, or a GAN for its discriminator).
        n: images on either side; at most as many as the split has.
        seed: first latent seed (image i has seed + i), and of the draw of real images.
        split: real images to compare with; "auto" is the test split where the data declares one
            or the checkpoint was trained on the others, else all.
        batch_size: images at a time.
        inception_weights: path of torch-fidelity's Inception weights.
        k: neighbour that sets the radius for precision and recall.
        k_density: neighbour that sets the radius for density and coverage.
    """

    title: ClassVar[str] = "Fidelity"
    needs: ClassVar[frozenset[str]] = frozenset({"generator", "data"})

    extractor: str = "auto"
    n: int = 10_000
    seed: int = 0
    split: Literal["auto", "all", "train", "test"] = "auto"
    batch_size: int = 128
    inception_weights: str | None = None
    k: int = 3
    k_density: int = 5

    def __post_init__(self) -> None:
        for name, least in (("n", 2), ("batch_size", 1), ("k", 1), ("k_density", 1)):
            if getattr(self, name) < least:
                raise GanlensError(
                    f"{name} {getattr(self, name)} is too small: give at least {least}"
                )
        check_seed(self.seed, self.n)

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, FidelityResult]:
        """Run piecewise: yield Progress in images, return the FidelityResult.

        Raises:
            GanlensError: no data, images of another shape than the subject's, an extractor that is
                not there or does not take such images, or fewer than 2 real images.
        """
        data = images_for(subject, data, "a comparison with real images")
        trained_on = (subject.provenance.get("data") or {}).get("fingerprint")
        real = choose_real(data, self.split, self.n, self.seed, trained_on)
        judge = yield from choose(self.extractor, subject, self.inception_weights)
        judge(torch.zeros(1, *subject.image_shape))  # fails here if it does not take such images
        features = yield from self._features(judge, subject, real)
        yield Progress(0, 1, "comparison of the features")
        return self._compare(subject, data, real, judge, *features)

    def _features(
        self, judge: Judge, subject: "Subject", real: RealImages
    ) -> Generator[Progress, None, tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
        """Features of the reference, of as many generated images, and of the other real images."""
        n, m = len(real.rows), len(real.other_rows)
        # Fewer others than half of the reference tell less than the reference's own halves do.
        m = m if m >= max(n // 2, 2) else 0
        sources = (
            (n, "real images", _real_batches(real.part, real.rows, self.batch_size)),
            (n, "generated images", self._generated(subject, n)),
            (m, "other real images", _real_batches(real.other, real.other_rows, self.batch_size)),
        )
        found: list[np.ndarray | None] = []
        before = 0
        for count, what, batches in sources:
            if not count:
                found.append(None)
                continue
            steps = extract_steps(judge, batches, count)  # type: ignore[arg-type]
            rows = yield from _as_progress(steps, before, 2 * n + m, what)
            before += count
            found.append(rows)
        return found[0], found[1], found[2]  # type: ignore[return-value]

    def _generated(self, subject: "Subject", n: int) -> Iterator[Tensor]:
        for start in range(self.seed, self.seed + n, self.batch_size):
            seeds = range(start, min(start + self.batch_size, self.seed + n))
            # Rounded to 8 bits, so that both sides hold what a PNG holds.
            yield quantised(subject.generate(subject.latents(seeds), self.batch_size))

    def _compare(
        self, subject: "Subject", data: "ImageSet", real: RealImages, judge: Judge,
        ours: np.ndarray, fake: np.ndarray, others: np.ndarray | None,
    ) -> FidelityResult:  # fmt: skip
        scores = stats.quality(ours, fake, k=self.k, k_density=self.k_density)
        floor = self._floor(real, ours, fake, others, scores, judge.source is not None)
        distances = stats.nearest(fake, ours, 1)[0][:, 0]
        order = np.argsort(distances, kind="stable")
        shown = min(SHOWN, len(order) // 2)
        seeds = self.seed + np.concatenate([order[:shown], order[len(order) - shown :]])
        recipe = Recipe.of(subject, Seeds(tuple(map(int, seeds))), columns=min(shown, SHOWN // 2))
        mean, axes, shares = stats.principal_axes(ours)
        shuffled = np.random.default_rng(self.seed).permutation(len(ours))[:POINTS]
        return FidelityResult(
            metric=judge.metric,
            scores=scores,
            floor=floor,
            extractor=judge.describe(),
            extractor_reason=judge.reason,
            caveat=judge.caveat,
            split=real.part.split,
            split_source=data.split_source,
            n_asked=self.n,
            cap_reason=real.cap_reason,
            seed=self.seed,
            distances=distances,
            shown_seeds=seeds,
            picture=render(subject, recipe),
            recipe=recipe.to_json(),
            real_points=((ours[shuffled] - mean) @ axes.T).astype(np.float32),
            fake_points=((fake[:POINTS] - mean) @ axes.T).astype(np.float32),
            shares=shares,
            about=identity(subject, real.part),
            versions=library_versions(),
        )

    def _floor(
        self, real: RealImages, ours: np.ndarray, fake: np.ndarray, others: np.ndarray | None,
        scores: dict[str, Any],
        own: bool,
    ) -> Floor:  # fmt: skip
        """Score real images against real ones as the generated ones were scored."""
        n, part = len(ours), real.part.split
        settings: dict[str, Any] = {"k": self.k, "k_density": self.k_density}
        order = np.random.default_rng(self.seed).permutation(n)
        if others is not None:
            m = len(others)
            reference = ours if m == n else ours[order[:m]]
            kind = f"{m:,} {real.other.split} images against {m:,} {part} images, none in both"
            if own and real.other.split != part:
                kind += "; the extractor may know the train images, which could raise this floor"
            at = scores if m == n else stats.quality(reference, fake[:m], **settings)
            return Floor(stats.quality(reference, others, **settings), m, kind, at)
        half = n // 2
        if half < 2:
            return Floor(None, half, "two halves of fewer than 4 real images are too small", None)
        left, right = ours[order[:half]], ours[order[half : 2 * half]]
        kind = f"two disjoint halves of the {n:,} {part} images, {half:,} each"
        at = stats.quality(left, fake[:half], **settings)
        return Floor(stats.quality(left, right, **settings), half, kind, at)


def _real_batches(part: "ImageSet", rows: np.ndarray, size: int) -> Iterator[Tensor]:
    for start in range(0, len(rows), size):
        yield part.batch(rows[start : start + size])


def _as_progress(
    steps: Generator[int, None, np.ndarray], before: int, total: int, what: str
) -> Generator[Progress, None, np.ndarray]:
    while True:
        try:
            yield Progress(before + next(steps), total, what)
        except StopIteration as stop:
            return stop.value
