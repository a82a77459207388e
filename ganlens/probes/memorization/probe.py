"""Neighbors probe: search, test against held-out images, score whole sets, find duplicates."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import DataImages, all_images
from ganlens.images import from_uint8
from ganlens.limits import Count, Limits, Seed
from ganlens.precision import FLOAT32, autocast
from ganlens.probes.base import RADFORD, Needs, Probe, Progress, Steps, images_for
from ganlens.probes.identity import identity
from ganlens.probes.memorization.comparison import GENERATED, HELD_OUT, Space, least
from ganlens.probes.memorization.controls import COLLAPSED, collapsed, copies
from ganlens.probes.memorization.duplicates import find_duplicates
from ganlens.probes.memorization.few import NULLS, find_few
from ganlens.probes.memorization.panels import panels
from ganlens.probes.memorization.result import POOL, NeighborsResult
from ganlens.probes.memorization.search import Neighborhood, feature_neighbors, pixel_neighbors
from ganlens.probes.memorization.sets import set_scores
from ganlens.subject import Samples, Subject

BATCH = 512
MOST = 100_000  # samples, which are held in memory
OTHER = {"train": "test", "test": "train"}
COMPARED = (GENERATED, HELD_OUT, COLLAPSED)  # as whole sets
Sets = dict[str, np.ndarray]


@dataclass(frozen=True)
class Neighbors(Probe):
    """Compare how near samples and held-out images come to the train images.

    Generated images are rounded to bytes first. The null is held-out real images, as many as
    samples: what never was in training lies as near to the train images as chance has it. Copies
    of train images (exact, noisy, shifted) go through the same test and must be caught, and a set
    of few modes must move the statistics of whole sets. A second test is for a few copies among
    many samples, mirrored, darker or compressed ones too: its null is the whole held-out split, up
    to 20 images per sample. The p-value of copying is that of both tests, by Bonferroni with
    weights 0.9 for a few copies and 0.1 for the share that is flagged.

    Attributes:
        n: generated images; as many held-out images, if there are so many.
        space: where distances are measured: pixels, discriminator (its last convolution block),
            both.
        split: the split that the generator was trained on; the other one is held out.
        shifts: in pixels, copies moved by up to so many pixels each way count as the same.
        flips: mirrored images count as the same in every test: the nearer of both is taken. The
            test for a few copies looks for them in any case.
        duplicates: look for duplicates within the data and among the samples by a semantic hash.
        shown: images in the panels, the worst offenders first.
        seed: of the first generated image; sample i has seed + i. Also of the other draws.
    """

    title = "Nearest neighbours"
    group = "Against the data"
    help = "is it copying? nearest training images"
    headline = (
        "nearer to a train image than all but {pixels[expected_share]:.1%} of held-out images: "
        "{too_near_in_pixels:.1%} of samples in pixels",
        "{too_near_in_discriminator:.1%} in features",
        "copying: p {p_copying:.2g}",
        "N {n_generated}",
    )
    reading = (
        "Samples should lie as far from the training images as held-out images do; look at the "
        "worst offenders yourself, side by side."
    )
    papers = (
        RADFORD,
        ("Meehan 2020", "https://arxiv.org/abs/2004.05675"),
        ("Alaa 2022", "https://arxiv.org/abs/2102.08921"),
    )
    drawn = "n"

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

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[NeighborsResult]:
        """Search each space in turn.

        Raises:
            GanlensError: no data, no held-out images, another image shape, a setting out of range.
        """
        train, held_out, samples = self._materials(subject, data)
        yield Progress(0, 5, "samples")
        with autocast(FLOAT32, subject.device):
            generated = all_images(samples)
        images = {
            GENERATED: generated,
            HELD_OUT: all_images(DataImages.draw(held_out, self.n, self.seed)),
            **copies(train.images, self.shifts, self.flips, self.seed),
        }
        sets = images | {COLLAPSED: collapsed(train.images, samples.count, self.seed)}
        spaces, layer = list[Space](), None
        if self.space != "pixels" and subject.discriminator is not None:
            layer = subject.discriminator.feature_layers[-1]
        if self.space != "discriminator":
            yield Progress(1, 5, "search in pixels")
            search = partial(
                pixel_neighbors, base=train.images, shifts=self.shifts, flips=self.flips
            )
            _, height, width, channels = train.images.shape
            inside = (height - 2 * self.shifts) * (width - 2 * self.shifts) * channels
            spaces.append(Space("pixels", inside, _search(search, images)))
        yield Progress(2, 5, "search in features")
        features = partial(_features, subject, layer) if layer else _brightness
        base = features(train.images)
        rows = {kind: features(sets[kind]) for kind in (sets if layer else COMPARED)}
        near = _search(lambda joined: feature_neighbors([joined], base), rows)
        scores = set_scores({kind: rows[kind] for kind in COMPARED}, near, base, self.seed)
        if layer:
            if self.flips:
                mirrored = np.concatenate([features(one[:, :, ::-1]) for one in images.values()])
                near = _search(
                    lambda joined: feature_neighbors([joined, mirrored], base),
                    {kind: rows[kind] for kind in images},
                )
            near = {kind: near[kind] for kind in images}
            spaces.append(Space("discriminator", base.shape[1], near))
        yield Progress(3, 5, "a few copies")
        null = all_images(DataImages.draw(held_out, NULLS * len(generated), self.seed))
        few_copies = find_few(train.images, generated, null, self.shifts, self.seed)
        numbers, pairs = None, None
        if self.duplicates:
            yield Progress(4, 5, "duplicates")
            numbers, pairs = find_duplicates(train, held_out, generated, self.seed)
        return NeighborsResult(
            **_nearest(spaces, samples, images, train, self.shown),
            few=few_copies,
            sets=scores,
            duplicates=numbers,
            duplicates_pairs=pairs,
            layer=layer,
            draw=panels,
            about=self._about(subject, data, train, held_out, samples),
        )

    def _materials(
        self, subject: Subject, data: ImageSet | None
    ) -> tuple[ImageSet, ImageSet, Samples]:
        """Check what can fail before the long work; return train and held-out images, samples."""
        data = images_for(subject, data, "a search for neighbours")
        if self.space == "discriminator" and subject.discriminator is None:
            raise GanlensError(f"{subject.name} has no discriminator: choose --space pixels")
        most = data.image_shape[1] // 8
        if self.shifts > most:
            raise GanlensError(f"shifts {self.shifts}: give 0 to {most} pixels for these images")
        train, held_out = data.part(self.split), data.part(OTHER[self.split])
        if min(len(train), len(held_out)) < 2:
            raise GanlensError(
                f"{len(train)} train and {len(held_out)} held-out images: give 2 of each"
            )
        samples = Samples.draw(subject, self.n, self.seed)
        if samples.count < 2:
            raise GanlensError(f"{samples.cap_reason}: give at least 2, or another seed")
        return train, held_out, samples

    def _about(
        self, subject: Subject, data: ImageSet | None, train: ImageSet,
        held_out: ImageSet, samples: Samples,
    ) -> dict[str, Any]:  # fmt: skip
        return {
            **identity(subject, data, drawn=True, sides=True),
            "n_generated": samples.count,
            **({"n_reason": samples.cap_reason} if samples.cap_reason else {}),
            "n_held_out": min(self.n, len(held_out)),
            "n_train": len(train),
            "split": f"{train.split} ({train.split_source})",
            "shifts": self.shifts,
            "flips": self.flips,
            "shown": min(self.shown, samples.count),
            "quantisation": "uint8",
            "seed": self.seed,
        }


def _features(subject: Subject, layer: str, images: np.ndarray) -> np.ndarray:
    """Return (N, D) float32: a layer of the discriminator, max-pooled to a 2x2 grid."""
    parts = (images[i : i + BATCH] for i in range(0, len(images), BATCH))
    with autocast(FLOAT32, subject.device):
        found = [
            subject.features(from_uint8(np.array(part)), layers=[layer], pool=POOL).numpy()
            for part in parts
        ]
    return np.concatenate(found)


def _brightness(images: np.ndarray) -> np.ndarray:
    """Return (N, D) float32: the pixels, 0 to 1."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def _search(search: Callable[[np.ndarray], Neighborhood], sets: Sets) -> dict[str, Neighborhood]:
    """Return the neighbours of every set, all searched at once: an index is built only once."""
    near = search(np.concatenate(list(sets.values())))
    return near.split({kind: len(rows) for kind, rows in sets.items()})


def _nearest(
    spaces: list[Space], samples: Samples, images: Sets, train: ImageSet, shown: int
) -> dict[str, Any]:
    """Order both sets by distance and keep the pictures of the nearest: fields of the result."""

    def pictures(kind: str, rows: np.ndarray) -> np.ndarray:
        nearest = [train.images[s.near[kind].index[rows, 0]] for s in spaces]
        return np.stack([images[kind][rows], *map(np.asarray, nearest)])

    order, held_out_order = (
        np.argsort(least(spaces, kind), kind="stable") for kind in (GENERATED, HELD_OUT)
    )
    near = [space.near[GENERATED] for space in spaces]
    return {
        "spaces": tuple(spaces),
        "seeds": samples.numbers(slice(None)),
        "order": order,
        "distances": np.stack([one.first for one in near]),
        "percentiles": np.stack([space.test.percentile for space in spaces]),
        "nearest_rows": np.stack([one.index[:, 0] for one in near]),
        "pictures": pictures(GENERATED, order[:shown]),
        "held_out_order": held_out_order,
        "held_out_pictures": pictures(HELD_OUT, held_out_order[:shown]),
        "train_names": tuple(
            tuple(str(train.names[one.index[i, 0]]) for one in near) for i in order[:shown]
        ),
    }
