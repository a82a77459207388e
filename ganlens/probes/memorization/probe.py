"""The Neighbors probe: search, test against held-out images, score whole sets, find duplicates."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from ganlens.errors import GanlensError
from ganlens.features import DataImages, all_images
from ganlens.images import from_uint8
from ganlens.limits import Count, Limits, Seed
from ganlens.models.prior import check_seed
from ganlens.precision import FLOAT32, autocast
from ganlens.probes.base import RADFORD, Group, Needs, Probe, Progress, images_for
from ganlens.probes.identity import identity
from ganlens.probes.memorization.controls import COLLAPSED, collapsed, copies
from ganlens.probes.memorization.duplicates import Duplicates, find_duplicates
from ganlens.probes.memorization.evidence import (
    GENERATED,
    HELD_OUT,
    Space,
    by_offence,
    in_any,
    in_space,
)
from ganlens.probes.memorization.panels import panels
from ganlens.probes.memorization.result import NeighborsResult
from ganlens.probes.memorization.search import (
    Neighborhood,
    feature_neighbors,
    pixel_neighbors,
)
from ganlens.probes.memorization.sets import SetScores, set_scores
from ganlens.subject import Samples

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

BATCH = 512
POOL = 2  # side of the grid that the discriminator's last block is max-pooled to
MOST = 100_000  # samples, which are held in memory


@dataclass(frozen=True)
class Neighbors(Probe):
    """Compare how near samples and held-out images come to the train images.

    Generated images are rounded to bytes first. The null is held-out real images, as many as
    samples: what never was in training lies as near to the train images as chance has it. Copies
    of train images (exact, noisy, shifted) go through the same test and must be caught, and a set
    of few modes must move the statistics of whole sets.

    Attributes:
        n: generated images; as many held-out images, if there are so many.
        space: where distances are measured: pixels, discriminator (its last convolution block),
            both.
        split: the split that the generator was trained on; the other one is held out.
        shifts: in pixels, copies moved by up to so many pixels each way count as the same.
        flips: mirrored images count as the same: the nearer of both ways is taken.
        duplicates: look for duplicates within the data and among the samples by a semantic hash.
        shown: images in the panels, the worst offenders first.
        seed: of the first generated image; sample i has seed + i. Also of the other draws.
    """

    title: ClassVar[str] = "Nearest neighbours"
    group: ClassVar[Group] = "Against the data"
    help: ClassVar[str] = "is it copying? nearest training images"
    headline: ClassVar[tuple[str, ...]] = (
        "nearer to a train image than all but {pixels[expected_share]:.1%} of held-out images: "
        "{too_near_in_pixels:.1%} of samples in pixels",
        "{too_near_in_discriminator:.1%} in features",
        "N {n_generated}",
    )
    reading: ClassVar[str] = (
        "Samples should lie as far from the training images as held-out images do; look at the "
        "worst offenders yourself, side by side."
    )
    papers: ClassVar[tuple[tuple[str, str], ...]] = (
        RADFORD,
        ("Meehan 2020", "https://arxiv.org/abs/2004.05675"),
        ("Alaa 2022", "https://arxiv.org/abs/2102.08921"),
    )

    n: Annotated[int, Limits(2, MOST)] = 500
    space: Literal["pixels", "discriminator", "both"] = "both"
    split: Literal["train", "test"] = "train"
    shifts: Annotated[int, Limits(low=0)] = 2
    flips: bool = False
    duplicates: bool = True
    shown: Count = 8
    seed: Seed = 0

    def needs(self) -> Needs:
        """Return what it cannot do without: the discriminator only where it is the one space."""
        if self.space == "discriminator":
            return Needs(frozenset({"sample", "discriminator"}), "required")
        return Needs(frozenset({"sample"}), "required")

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, NeighborsResult]:
        """Search each space in turn.

        Raises:
            GanlensError: no data, no held-out images, another image shape, a setting out of range.
        """
        base, held, samples = self._materials(subject, data)
        yield Progress(0, 4, "samples")
        with autocast(FLOAT32, subject.device):
            generated = all_images(samples)
        queries = {
            GENERATED: generated,
            HELD_OUT: all_images(DataImages.draw(held, self.n, self.seed)),
            **copies(base.images, self.shifts, self.flips, self.seed),
        }
        few = {COLLAPSED: collapsed(base.images, samples.count, self.seed)}
        spaces = []
        if self.space != "discriminator" or subject.discriminator is None:
            yield Progress(1, 4, "search in pixels")
            spaces.append(self._in_pixels(queries, base.images))
        yield Progress(2, 4, "search in features")
        if self.space != "pixels" and subject.discriminator is not None:
            space, sets = self._in_features(subject, queries, few, base.images)
            spaces.append(space)
        else:
            sets = self._sets({**_plain(queries), **few}, base.images)
        found: Duplicates | None = None
        if self.duplicates:
            yield Progress(3, 4, "duplicates")
            found = find_duplicates(base, held, queries[GENERATED], self.seed)
        layer = self._layer(subject)
        return NeighborsResult(
            **_searched(spaces, samples, queries, base, self.shown),
            sets=sets,
            duplicates=found,
            shifts=self.shifts,
            flips=self.flips,
            layer=layer,
            draw=panels,
            about=self._about(subject, data, base, held, samples, layer),
        )

    def _layer(self, subject: "Subject") -> str | None:
        """Return the discriminator's layer that is compared; None: pixels alone."""
        if self.space == "pixels" or subject.discriminator is None:
            return None
        return subject.discriminator.feature_layers[-1]

    def _materials(
        self, subject: "Subject", data: "ImageSet | None"
    ) -> tuple["ImageSet", "ImageSet", Samples]:
        """Check what can fail before the long work; return train and held-out images, samples."""
        data = images_for(subject, data, "a search for neighbours")
        if self.space == "discriminator" and subject.discriminator is None:
            raise GanlensError(f"{subject.name} has no discriminator: choose --space pixels")
        most = data.image_shape[1] // 8
        if self.shifts > most:
            raise GanlensError(f"shifts {self.shifts}: give 0 to {most} pixels for these images")
        check_seed(self.seed, self.n)
        base, held = (
            data.part(self.split),
            data.part({"train": "test", "test": "train"}[self.split]),
        )
        if len(base) < 2 or len(held) < 2:
            raise GanlensError(f"{len(base)} train and {len(held)} held-out images: give 2 of each")
        samples = Samples.draw(subject, self.n, self.seed)
        if samples.count < 2:
            raise GanlensError(f"{samples.cap_reason}: give at least 2, or another seed")
        return base, held, samples

    def _in_pixels(self, queries: dict[str, np.ndarray], base: np.ndarray) -> Space:
        """Search all sets at once: the index over the train images is built once."""
        images = np.concatenate(list(queries.values()))
        near = pixel_neighbors(images, base, self.shifts, self.flips)
        inside = (base.shape[1] - 2 * self.shifts) * (base.shape[2] - 2 * self.shifts)
        return in_space("pixels", near.split(_sizes(queries)), inside * base.shape[3])

    def _in_features(
        self,
        subject: "Subject",
        queries: dict[str, np.ndarray],
        few: dict[str, np.ndarray],
        base: np.ndarray,
    ) -> tuple[Space, dict[str, SetScores]]:
        points = _features(subject, base)
        rows = {kind: _features(subject, images) for kind, images in {**queries, **few}.items()}
        near = _neighbors(rows, points)
        sets = set_scores({kind: rows[kind] for kind in _compared(rows)}, near, points, self.seed)
        if self.flips:
            mirrored = [_features(subject, images[:, :, ::-1]) for images in queries.values()]
            both = [np.concatenate([rows[kind] for kind in queries]), np.concatenate(mirrored)]
            near = feature_neighbors(both, points).split(_sizes(queries))
        space = in_space("discriminator", {k: near[k] for k in queries}, points.shape[1])
        return space, sets

    def _sets(self, images: dict[str, np.ndarray], base: np.ndarray) -> dict[str, SetScores]:
        """Score the sets in pixels as they are, where there are no features."""
        rows = {kind: _brightness(part) for kind, part in images.items()}
        points = _brightness(base)
        return set_scores(rows, _neighbors(rows, points), points, self.seed)

    def _about(
        self, subject: "Subject", data: "ImageSet | None", base: "ImageSet", held: "ImageSet",
        samples: Samples, layer: str | None,
    ) -> dict[str, Any]:  # fmt: skip
        return {
            **identity(subject, data, drawn=True),
            "n_generated": samples.count,
            **({"n_reason": samples.cap_reason} if samples.cap_reason else {}),
            "n_held_out": min(self.n, len(held)),
            "n_train": len(base),
            "split": f"{base.split} ({base.split_source})",
            "shifts": self.shifts,
            "flips": self.flips,
            "shown": min(self.shown, samples.count),
            "quantisation": "uint8",
            "network_precision": FLOAT32,
            "seed": self.seed,
            "set_statistics_in": "discriminator" if layer else "pixels",
            "discriminator_layer": layer and f"{layer}, maximum over a {POOL}x{POOL} grid",
            "set_frechet_name": f"FD-discriminator-{layer}" if layer else "FD-pixels",
        }


def _features(subject: "Subject", images: np.ndarray) -> np.ndarray:
    """(N, D) float32: the discriminator's last convolution block, max-pooled to a 2x2 grid."""
    layer = subject.discriminator.feature_layers[-1]  # type: ignore[union-attr]
    parts = (images[i : i + BATCH] for i in range(0, len(images), BATCH))
    with autocast(FLOAT32, subject.device):
        found = [
            subject.features(from_uint8(np.array(part)), layers=[layer], pool=POOL).numpy()
            for part in parts
        ]
    return np.concatenate(found)


def _brightness(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def _neighbors(rows: dict[str, np.ndarray], points: np.ndarray) -> dict[str, Neighborhood]:
    return feature_neighbors([np.concatenate(list(rows.values()))], points).split(_sizes(rows))


def _sizes(sets: dict[str, np.ndarray]) -> dict[str, int]:
    return {kind: len(rows) for kind, rows in sets.items()}


def _plain(queries: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {kind: queries[kind] for kind in (GENERATED, HELD_OUT)}


def _compared(rows: dict[str, np.ndarray]) -> tuple[str, ...]:
    return tuple(k for k in rows if k in (GENERATED, HELD_OUT, COLLAPSED))


def _searched(
    spaces: list[Space], samples: Samples, queries: dict[str, np.ndarray], base: "ImageSet",
    shown: int,
) -> dict[str, Any]:  # fmt: skip
    """Order both sets by offence and keep the pictures of the worst: fields of the result."""

    def rows(kind: str) -> np.ndarray:
        ranks = by_offence(spaces, kind)[:shown]
        nearest = [base.images[s.near[kind].index[ranks, 0]] for s in spaces]
        return np.stack([queries[kind][ranks], *map(np.asarray, nearest)])

    order = by_offence(spaces, GENERATED)
    near = [space.near[GENERATED] for space in spaces]
    return {
        "spaces": tuple(spaces),
        "tests": in_any(spaces),
        "seeds": samples.numbers(slice(None)),
        "order": order,
        "distances": np.stack([found.first for found in near]),
        "percentiles": np.stack([space.test.percentile for space in spaces]),
        "nearest_rows": np.stack([found.index[:, 0] for found in near]),
        "pictures": rows(GENERATED),
        "held_out_order": by_offence(spaces, HELD_OUT),
        "held_out_pictures": rows(HELD_OUT),
        "train_names": tuple(
            tuple(str(base.names[found.index[i, 0]]) for found in near) for i in order[:shown]
        ),
    }
