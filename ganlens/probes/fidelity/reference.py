"""Reference of the fid probe: real images, and others for the baseline."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ganlens.errors import GanlensError, one_of
from ganlens.features import DataImages

if TYPE_CHECKING:
    from ganlens.data import ImageSet

Split = Literal["auto", "all", "train", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class Reference:
    """Two disjoint sets of data images, and how they were chosen.

    Attributes:
        images: N of one split, in its order: the reference.
        others: M of this or the other split, none of them in the reference; may be none.
        cap_reason: why N is less than was asked for, "" if it is not.
    """

    images: DataImages
    others: DataImages
    cap_reason: str


def choose_reference(
    data: "ImageSet", split: str, n: int, seed: int, trained_on: str | None = None
) -> Reference:
    """Draw the data images, without replacement, by a seeded generator.

    Args:
        data: the images.
        split: "auto" is the test split where the data declares one, or where the GAN was trained
            on the train split of these very images; else all images.
        n: images wanted.
        seed: of the draw.
        trained_on: fingerprint of the GAN's training images, where it is known.

    Raises:
        GanlensError: an unknown or empty split, or fewer than 2 images in it.
    """
    if split not in SPLITS:
        raise one_of("split", split, SPLITS)
    part = data.part(_resolve(data, split, trained_on))
    if len(part) < 2:
        raise GanlensError(
            f"split {part.split!r} of {data.spec!r} has {len(part)} image: a Fréchet distance "
            "needs at least 2"
        )
    used = min(n, len(part))
    order = np.random.default_rng(seed).permutation(len(part))
    other, others = part, order[used:]
    counterpart = {"train": "test", "test": "train"}.get(part.split)
    # Others of the same split serve better: an extractor may have been trained on the train images.
    if len(others) < used and counterpart and _has(data, counterpart):
        other = data.part(counterpart)
        others = np.random.default_rng(seed).permutation(len(other))
    reason = ""
    if used < n:
        reason = (
            f"split {part.split!r} has {used:,} images, and both sides need equally many: the "
            "distance falls as N grows"
        )
    images = DataImages(part, np.sort(order[:used]))
    return Reference(images, DataImages(other, np.sort(others[:used])), reason)


def _resolve(data: "ImageSet", split: str, trained_on: str | None) -> str:
    if split != "auto":
        return split
    if data.split != "all" or not _has(data, "test"):
        return data.split
    # Images of any other source were not trained on, so that all of them may be compared with.
    held_out = data.split_source == "declared" or (
        _has(data, "train") and data.part("train").fingerprint == trained_on
    )
    return "test" if held_out else "all"


def _has(data: "ImageSet", split: str) -> bool:
    first, last = data.bounds.get(split, (0, 0))
    return data.split == "all" and last > first
