"""Images that are compared: generated ones, the reference, and others for the baseline."""

from dataclasses import dataclass
from typing import Any

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import ImageSource
from ganlens.probes.fidelity.reference import choose_reference
from ganlens.probes.identity import identity
from ganlens.stats import ReferenceMoments
from ganlens.subject import Samples, Subject


@dataclass(frozen=True)
class Materials:
    """What is compared, and how it was chosen.

    Attributes:
        fake: the generated images.
        real: the reference: as many images, or moments read from a file.
        others: further images of the reference's kind, for the baseline; or None.
        reference: the reference in words, "test images".
        others_are: the others in words.
        split: split of the reference.
        split_source: where that comes from.
        trained_on: the reference may hold what the generator was trained on.
        cap_reason: why there are fewer than were asked for, "" if there are not.
        about: which checkpoint and data, JSON-able.
    """

    fake: ImageSource
    real: ImageSource | ReferenceMoments
    others: ImageSource | None
    reference: str
    others_are: str
    split: str
    split_source: str
    trained_on: bool
    cap_reason: str
    about: dict[str, Any]


def materials(
    generated: Subject | ImageSet,
    reference: Subject | ImageSet | ReferenceMoments,
    split: str,
    wanted: int,
    seed: int,
) -> Materials:
    """Choose the generated images and their reference, equally many images of each.

    Args:
        generated: a model, or images that one drew.
        reference: what it is compared with.
        split: of the reference, where it is an ImageSet; "auto" as in ``choose_reference``, and
            "all" where both are the same images.
        wanted: images wanted of each.
        seed: of the draws, and the first seed of a model.

    Raises:
        GanlensError: images of different shapes, an unknown or empty split, or fewer than 2 images.
    """
    if not isinstance(reference, ReferenceMoments):
        _same_shape(generated, reference)
    n, cap = _most(generated, wanted, seed)
    if isinstance(reference, ImageSet):
        return _with_images(generated, reference, split, n, cap, seed)
    real: ImageSource | ReferenceMoments
    others: ImageSource | None = None
    if isinstance(reference, ReferenceMoments):
        real = reference
        words = reference.notes.get("images", "images whose moments were kept in a file")
    else:
        fewer, reason = _most(reference, n, seed)
        n, cap = (fewer, reason) if fewer < n else (n, cap)
        real, others = Samples(reference, seed, n), _other_samples(reference, seed + n, n)
        words = real.name
    about = {**_identity(generated, seed, n), "reference": words}
    fake = image_source(generated, "auto", n, seed)
    return Materials(fake, real, others, words, f"other {words}", "all", "", False, cap, about)


def _with_images(
    generated: Subject | ImageSet, data: ImageSet, split: str, n: int, cap: str, seed: int
) -> Materials:
    trained_on = None
    if not isinstance(generated, ImageSet):
        trained_on = (generated.provenance.get("data") or {}).get("fingerprint")
    elif split == "auto" and generated.fingerprint == data.fingerprint:
        split = "all"  # the same images: at distance 0
    chosen = choose_reference(data, split, n, seed, trained_on)
    part, used = chosen.images.data, chosen.images.count
    about = _identity(generated, seed, used)
    about |= {"data": part.spec, "data_fingerprint": part.fingerprint}
    return Materials(
        fake=image_source(generated, "auto", used, seed),
        real=chosen.images,
        others=_enough(chosen.others, used),
        reference=f"{part.split} images",
        others_are=f"{chosen.others.data.split} images",
        split=part.split,
        split_source=data.split_source,
        trained_on=_was_trained_on(part, trained_on),
        cap_reason=chosen.cap_reason or (cap and f"{cap}, and both sides need equally many"),
        about=about,
    )


def _most(images: Subject | ImageSet, wanted: int, seed: int) -> tuple[int, str]:
    """Return how many images there are, at most as many as wanted, and why fewer."""
    if isinstance(images, ImageSet):
        n = min(wanted, len(images))
        return n, "" if n == wanted else f"{images.spec!r} has {n:,} images"
    found = Samples.draw(images, wanted, seed)
    return found.count, found.cap_reason


def _was_trained_on(part: ImageSet, fingerprint: str | None) -> bool:
    """Tell whether a reference holds training images: by their fingerprint, or else by name."""
    if fingerprint is None:
        return part.split == "train"
    return fingerprint in part.fingerprints.values()


def _enough(others: ImageSource, n: int) -> ImageSource | None:
    """Fewer others than half of the reference tell less than the reference's own halves do."""
    return others if others.count >= max(n // 2, 2) else None


def _other_samples(subject: Subject, first: int, n: int) -> ImageSource | None:
    most = subject.samples_at_most
    if most is not None and first >= most:
        return None
    return _enough(Samples.draw(subject, n, first), n)


def image_source(images: Subject | ImageSet, split: str, n: int, seed: int) -> ImageSource:
    """Return at most ``n`` samples of a model, or images of a split; "auto" is all there are."""
    if isinstance(images, ImageSet):
        part = images.split if split == "auto" else split
        return choose_reference(images, part, n, seed).images
    return Samples.draw(images, n, seed)


def _identity(generated: Subject | ImageSet, seed: int, n: int) -> dict[str, Any]:
    if isinstance(generated, ImageSet):
        return {
            "generated_data": generated.spec,
            "generated_fingerprint": generated.fingerprint,
            "generated_split": generated.split,
        }
    return {**identity(generated, drawn=True), "seeds": f"{seed} to {seed + n - 1}"}


def _same_shape(generated: Subject | ImageSet, reference: Subject | ImageSet) -> None:
    ours, theirs = tuple(generated.image_shape), tuple(reference.image_shape)
    if ours != theirs:
        raise GanlensError(
            f"images of shape {ours} and {theirs} cannot be compared: open the data with "
            f"size={ours[1]}, channels={ours[0]}"
        )
