"""Image sources of a comparison: generated images, their reference, and others for the baseline."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ganlens.data import ImageSet, shared_about
from ganlens.errors import GanlensError
from ganlens.features import DataImages, ImageSource
from ganlens.probes.identity import identity, identity_of_images
from ganlens.stats import ReferenceMoments, shared_images, thumbnails
from ganlens.subject import Samples, Subject

Split = Literal["auto", "all", "train", "test"]


@dataclass(frozen=True)
class Sources:
    """What is compared, and how it was chosen.

    Attributes:
        fake: the images that are evaluated.
        real: the reference: as many images, or moments read from a file.
        others: further images of the reference's kind, for the baseline; or None.
        reference: the reference in words, "test images".
        other_name: the others in words.
        trained_on: the reference may hold what the generator was trained on.
        cap_reason: why there are fewer than requested, "" if there are not.
        about: which checkpoint, data and split, JSON-able.
    """

    fake: ImageSource
    real: ImageSource | ReferenceMoments
    others: ImageSource | None
    reference: str
    other_name: str
    trained_on: bool
    cap_reason: str
    about: dict[str, Any]


def choose_sources(
    generated: Subject | ImageSet,
    reference: Subject | ImageSet | ReferenceMoments,
    split: Split,
    count: int,
    seed: int,
) -> Sources:
    """Choose the images that are evaluated and their reference, at most ``count`` of each.

    Args:
        generated: what is evaluated.
        reference: what it is compared with.
        split: of a reference of images; "auto" as in ``choose_reference``, "all" of the same ones.
        count: images requested of each; both sets have equally many.
        seed: of the draws, and the first seed of a model.

    Raises:
        GanlensError: images of different shapes, an empty split, or fewer than 2 images.
    """
    if not isinstance(reference, ReferenceMoments):
        ours, theirs = tuple(generated.image_shape), tuple(reference.image_shape)
        if ours != theirs:
            raise GanlensError(
                f"images of shape {ours} and {theirs} cannot be compared: open the data with "
                f"size={ours[1]}, channels={ours[0]}"
            )
    n, cap = _available(generated, count, seed)
    if isinstance(reference, ImageSet):
        return _with_images(generated, reference, split, n, cap, seed)
    real: ImageSource | ReferenceMoments = reference  # type: ignore[assignment]
    others: ImageSource | None = None
    if isinstance(reference, ReferenceMoments):
        words = reference.notes.get("images", "images whose moments were saved in a file")
    else:
        fewer, reason = _available(reference, n, seed)
        n, cap = (fewer, reason) if fewer < n else (n, cap)
        real, most = Samples(reference, seed, n), reference.samples_at_most
        if most is None or seed + n < most:
            others = _enough(Samples.draw(reference, n, seed + n), n)
        words = real.name
    about = _identity(generated, seed, n) | {"split": "all", "split_source": ""}
    fake = image_source(generated, "auto", n, seed)
    return Sources(fake, real, others, words, f"other {words}", False, cap, about)


def _with_images(
    generated: Subject | ImageSet, data: ImageSet, split: Split, n: int, cap: str, seed: int
) -> Sources:
    trained_on = None
    if not isinstance(generated, ImageSet):
        trained_on = (generated.provenance.get("data") or {}).get("fingerprint")
    elif split == "auto" and generated.fingerprint == data.fingerprint:
        split = "all"  # the same images: at distance 0
    images, others = choose_reference(data, split, n, seed, trained_on)
    part, used = images.data, images.count
    about = {**identity_of_images(part), "split": part.split}
    if used < n:
        cap = f"split {part.split!r} has {used:,} images"
    by_name = part.split == "train"
    falls = ": the distance falls as N grows" if used < n else ""
    return Sources(
        fake=image_source(generated, "auto", used, seed),
        real=images,
        others=_enough(others, used),
        reference=f"{part.split} images",
        other_name=f"{others.data.split} images",
        # By the fingerprint of the training images, or else by the name of the split.
        trained_on=trained_on in part.fingerprints.values() if trained_on else by_name,
        cap_reason=cap and f"{cap}, and both sets need equally many{falls}",
        about={**_identity(generated, seed, used), **about, "split_source": data.split_source},
    )


def choose_reference(
    data: ImageSet, split: Split, n: int, seed: int, trained_on: str | None = None
) -> tuple[DataImages, DataImages]:
    """Draw two disjoint sets of data images, without replacement, by a seeded generator.

    Args:
        data: the images.
        split: "auto" is the test split where the data declares one, or where the GAN was trained
            on the train split of these very images; else all images.
        n: images wanted.
        seed: of the draw.
        trained_on: fingerprint of the GAN's training images, where it is known.

    Returns:
        The reference: at most n images of one split, in its order. Others: at most as many of this
        or the other split; there may be none.

    Raises:
        GanlensError: an empty split, or fewer than 2 images in it.
    """
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
    return DataImages(part, np.sort(order[:used])), DataImages(other, np.sort(others[:used]))


def _resolve(data: ImageSet, split: Split, trained_on: str | None) -> str:
    if split != "auto":
        return split
    if data.split != "all" or not _has(data, "test"):
        return data.split
    # Images of any other source were not trained on, so that all of them may be compared with.
    held_out = data.split_source == "declared" or (
        _has(data, "train") and data.part("train").fingerprint == trained_on
    )
    return "test" if held_out else "all"


def _has(data: ImageSet, split: str) -> bool:
    first, last = data.bounds.get(split, (0, 0))
    return data.split == "all" and last > first


def _available(images: Subject | ImageSet, count: int, seed: int) -> tuple[int, str]:
    """Return how many images there are, at most ``count``, and why fewer."""
    if isinstance(images, ImageSet):
        n = min(count, len(images))
        return n, "" if n == count else f"{images.spec!r} has {n:,} images"
    found = Samples.draw(images, count, seed)
    return found.count, found.cap_reason


def _enough(others: ImageSource, n: int) -> ImageSource | None:
    """Return others if they are at least half of n: fewer tell less than the reference's halves."""
    return others if others.count >= max(n // 2, 2) else None


def image_source(images: Subject | ImageSet, split: Split, n: int, seed: int) -> ImageSource:
    """Return at most ``n`` samples of a model, or images of a split; "auto" is all there are."""
    if isinstance(images, ImageSet):
        part: Any = images.split if split == "auto" else split
        return choose_reference(images, part, n, seed)[0]
    return Samples.draw(images, n, seed)


def shared_by(a: ImageSource, b: ImageSource, ours: str) -> dict[str, int | str]:
    """Return which images of ``a`` the reference ``b`` holds; {} where either was generated."""
    if not (isinstance(a, DataImages) and isinstance(b, DataImages)):
        return {}
    found = shared_images(thumbnails(a.images, a.count), thumbnails(b.images, b.count))
    return shared_about(found, ours, "reference images")


def _identity(generated: Subject | ImageSet, seed: int, n: int) -> dict[str, Any]:
    if isinstance(generated, ImageSet):
        known = {**identity_of_images(generated), "split": generated.split}
        return {f"generated_{key.removeprefix('data_')}": value for key, value in known.items()}
    return {**identity(generated, drawn=True), "seeds": f"{seed} to {seed + n - 1}"}
