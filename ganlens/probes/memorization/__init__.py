"""Memorization: does the generator copy its training images?"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ganlens.errors import GanlensError, one_of
from ganlens.images import from_uint8, to_uint8
from ganlens.models.prior import check_seed
from ganlens.probes.base import Probe, Progress, images_for
from ganlens.probes.identity import identity
from ganlens.probes.memorization.evidence import Neighborhood, Space, compare, neighborhood
from ganlens.probes.memorization.result import NeighborsResult

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

__all__ = ["Neighbors", "NeighborsResult"]

SPACES = ("pixels", "discriminator", "both")
BATCH = 512
NOISE = 0.02  # standard deviation of the noisy control, in parts of the full brightness range
MOST = 100_000  # samples, which are held in memory
CONTROLS = 100  # at most so many train images are copied as controls


@dataclass(frozen=True)
class Neighbors(Probe):
    """Compare how near samples and held-out images come to the train images.

    Generated images are rounded to bytes first. The null is held-out real images, as many as
    samples: what never was in training lies as near to the train images as chance has it. Exact
    and noisy copies of train images go through the same test and must be caught.

    Attributes:
        n: generated images; as many held-out images, if there are so many.
        space: where distances are measured: pixels, discriminator (its last convolution block),
            both.
        split: the split that the generator was trained on; the other one is held out.
        flips: mirrored images count as the same: the nearer of both ways is taken.
        shown: images in the panels, the worst offenders first.
        seed: of the first generated image; sample i has seed + i. Also of the other draws.
    """

    title: ClassVar[str] = "Nearest neighbours"
    needs: ClassVar[frozenset[str]] = frozenset({"generator", "data"})

    n: int = 500
    space: Literal["pixels", "discriminator", "both"] = "both"
    split: Literal["train", "test"] = "train"
    flips: bool = False
    shown: int = 8
    seed: int = 0

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, NeighborsResult]:
        """Search each space in turn.

        Raises:
            GanlensError: no data, no held-out images, another image shape, a setting out of range.
        """
        base, held = self._materials(subject, data)
        total, spaces = 1 + 2 * len(self._spaces(subject)), []
        yield Progress(0, total, "samples")
        seeds = np.arange(self.seed, self.seed + self.n)
        queries = {
            "generated": to_uint8(subject.generate(subject.latents(seeds.tolist()))),
            "held-out": self._draw(held, self.n),
            **self._controls(base),
        }
        for step, name in enumerate(self._spaces(subject)):
            yield Progress(1 + 2 * step, total, f"{name}: train images")
            points = self._points(subject, base.images, name)
            yield Progress(2 + 2 * step, total, f"{name}: search")
            near = self._search(subject, queries, points, name)
            spaces.append(_space(name, near, points.shape[1]))
            del points
        shown = {kind: queries[kind] for kind in ("generated", "held-out")}
        return _result(spaces, seeds, shown, base, self._about(subject, data, base, held))

    def _spaces(self, subject: "Subject") -> tuple[str, ...]:
        if self.space != "both":
            return (self.space,)
        return SPACES[:2] if subject.discriminator is not None else SPACES[:1]

    def _materials(
        self, subject: "Subject", data: "ImageSet | None"
    ) -> tuple["ImageSet", "ImageSet"]:
        """Check what can fail before the long work; return train and held-out images."""
        data = images_for(subject, data, "a search for neighbours")
        if self.space not in SPACES:
            raise one_of("space", self.space, SPACES)
        if self.space == "discriminator" and subject.discriminator is None:
            raise GanlensError(f"{subject.name} has no discriminator: choose --space pixels")
        if not 2 <= self.n <= MOST or self.shown < 1:
            raise GanlensError(
                f"n {self.n}, shown {self.shown}: give 2 to {MOST:,}, and at least 1"
            )
        check_seed(self.seed, self.n)
        splits = {"train": "test", "test": "train"}
        if self.split not in splits:
            raise one_of("split", self.split, splits)
        base, held = data.part(self.split), data.part(splits[self.split])
        if len(base) < 2 or len(held) < 2:
            raise GanlensError(f"{len(base)} train and {len(held)} held-out images: give 2 of each")
        return base, held

    def _draw(self, part: "ImageSet", count: int) -> np.ndarray:
        rows = np.random.default_rng(self.seed).permutation(len(part))[:count]
        return np.asarray(part.images[np.sort(rows)])

    def _controls(self, base: "ImageSet") -> dict[str, np.ndarray]:
        """Copies of train images that the test must catch."""
        copies = self._draw(base, min(self.n, CONTROLS))
        noise = np.random.default_rng([self.seed, 1]).normal(0, 255 * NOISE, copies.shape)
        noisy = np.clip(np.rint(copies + noise), 0, 255).astype(np.uint8)
        mirrored = {"mirrored copies": copies[:, :, ::-1]} if self.flips else {}
        return {"exact copies": copies, f"copies with {NOISE:.0%} noise": noisy, **mirrored}

    def _points(self, subject: "Subject", images: np.ndarray, space: str) -> np.ndarray:
        """(N, D) float32: brightness in [0, 1], or the last convolution block's output."""
        parts = (images[i : i + BATCH] for i in range(0, len(images), BATCH))
        if space == "pixels":
            return images.reshape(len(images), -1).astype(np.float32) / 255
        out: np.ndarray | None = None
        layer = subject.discriminator.feature_layers[-1]  # type: ignore[union-attr]
        for start, part in zip(range(0, len(images), BATCH), parts, strict=True):
            found = subject.features(from_uint8(np.array(part)), layers=[layer], pool=4).numpy()
            if out is None:
                out = np.empty((len(images), found.shape[1]), np.float32)
            out[start : start + len(found)] = found
        assert out is not None
        return out

    def _search(
        self, subject: "Subject", queries: dict[str, np.ndarray], points: np.ndarray, space: str
    ) -> dict[str, Neighborhood]:
        """Search all kinds of queries at once: the index over the train images is built once."""
        images = np.concatenate(list(queries.values()))
        ways = [images, images[:, :, ::-1]] if self.flips else [images]
        near = neighborhood([self._points(subject, way, space) for way in ways], points)
        ends = np.cumsum([len(part) for part in queries.values()])[:-1]
        parts = zip(np.split(near.distance, ends), np.split(near.index, ends), strict=True)
        return {kind: Neighborhood(*part) for kind, part in zip(queries, parts, strict=True)}

    def _about(
        self, subject: "Subject", data: "ImageSet | None", base: "ImageSet", held: "ImageSet"
    ) -> dict[str, Any]:
        return {
            **identity(subject, data),
            "n_generated": self.n,
            "n_held_out": min(self.n, len(held)),
            "n_train": len(base),
            "split": f"{base.split} ({base.split_source})",
            "flips": self.flips,
            "shown": min(self.shown, self.n),
            "quantisation": "uint8",
            "seed": self.seed,
        }


def _space(name: str, near: dict[str, Neighborhood], dimensions: int) -> Space:
    null = near["held-out"].first
    controls = [kind for kind in near if kind not in ("generated", "held-out")]
    return Space(
        name=name,
        dimensions=dimensions,
        generated=near["generated"],
        held_out=near["held-out"],
        test=compare(near["generated"].first, null),
        controls={kind: compare(near[kind].first, null) for kind in controls},
    )


def _result(
    spaces: list[Space],
    seeds: np.ndarray,
    shown: dict[str, np.ndarray],
    base: "ImageSet",
    about: dict[str, Any],
) -> NeighborsResult:
    """Order both kinds by nearness in units of the null's median; keep the pictures."""

    def order(kind: str) -> np.ndarray:
        near = [getattr(s, kind).first / max(np.median(s.held_out.first), 1e-12) for s in spaces]
        return np.argsort(np.min(near, axis=0), kind="stable")

    def rows(kind: str, ranks: np.ndarray) -> np.ndarray:
        own = shown["held-out" if kind == "held_out" else kind][ranks]
        nearest = [base.images[getattr(s, kind).index[ranks, 0]] for s in spaces]
        return np.stack([own, *map(np.asarray, nearest)])

    generated, held = order("generated"), order("held_out")
    count = about["shown"]
    return NeighborsResult(
        spaces=tuple(spaces),
        seeds=seeds,
        order=generated,
        pictures=rows("generated", generated[:count]),
        held_out_order=held,
        held_out_pictures=rows("held_out", held[:count]),
        train_names=tuple(str(base.names[s.generated.index[generated[0], 0]]) for s in spaces),
        about=about,
    )
