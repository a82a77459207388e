"""Which images are compared: those that are judged, the reference, and others for the floor."""

from dataclasses import dataclass
from typing import Any

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.probes.fidelity.samples import RealImages, choose_real
from ganlens.probes.fidelity.sides import Given, Samples, Side
from ganlens.probes.identity import identity
from ganlens.stats import ReferenceMoments
from ganlens.subject import Subject


@dataclass(frozen=True)
class Materials:
    """What is compared, and how it was chosen.

    Attributes:
        fake: the images that are judged.
        real: the reference: as many images, or moments read from a file.
        others: further images of the reference's kind, for the floor; or None.
        reference: the reference in words, "test images".
        others_are: the others in words.
        split: split of the reference.
        split_source: where that comes from.
        trained_on: the reference may hold what the generator was trained on.
        cap_reason: why there are fewer than were asked for, "" if there are not.
        about: which checkpoint and data, JSON-able.
    """

    fake: Side
    real: Side | ReferenceMoments
    others: Side | None
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
    asked: int,
    seed: int,
) -> Materials:
    """Choose the images of both sides, equally many.

    Args:
        generated: what is judged.
        reference: what it is compared with.
        split: of the reference, where it is an ImageSet; "auto" as in ``choose_real``, and "all"
            where both sides are the same images.
        asked: images wanted on either side.
        seed: of the draws, and the first seed of a GAN.

    Raises:
        GanlensError: images of different shapes, an unknown or empty split, or fewer than 2 images.
    """
    if not isinstance(reference, ReferenceMoments):
        _same_shape(generated, reference)
    n = min(asked, len(generated)) if isinstance(generated, ImageSet) else asked
    if isinstance(reference, ImageSet):
        return _with_images(generated, reference, split, asked, n, seed)
    cap = "" if n == asked else f"{generated.spec!r} has {n:,} images"  # type: ignore[union-attr]
    real: Side | ReferenceMoments
    others: Side | None = None
    if isinstance(reference, ReferenceMoments):
        real = reference
        words = reference.notes.get("images", "images whose moments were kept in a file")
    else:
        real, others = Samples(reference, seed, n), Samples(reference, seed + n, n)
        words = real.name
    about = {**_identity(generated, seed, n), "reference": words}
    fake = one_side(generated, "auto", n, seed)
    return Materials(fake, real, others, words, f"other {words}", "all", "", False, cap, about)


def _with_images(
    generated: Subject | ImageSet, data: ImageSet, split: str, asked: int, n: int, seed: int
) -> Materials:
    trained_on = None
    if not isinstance(generated, ImageSet):
        trained_on = (generated.provenance.get("data") or {}).get("fingerprint")
    elif split == "auto" and generated.fingerprint == data.fingerprint:
        split = "all"  # the same images: at distance 0
    chosen = choose_real(data, split, n, seed, trained_on)
    used = len(chosen.rows)
    about = _identity(generated, seed, used)
    about |= {"data": chosen.part.spec, "data_fingerprint": chosen.part.fingerprint}
    cap = chosen.cap_reason
    if n < asked and not cap:
        cap = f"{generated.spec!r} has {n:,} images, and both sides need equally many"  # type: ignore[union-attr]
    return Materials(
        fake=one_side(generated, "auto", used, seed),
        real=Given(chosen.part, chosen.rows),
        others=_enough_others(chosen),
        reference=f"{chosen.part.split} images",
        others_are=f"{chosen.other.split} images",
        split=chosen.part.split,
        split_source=data.split_source,
        trained_on=_was_trained_on(chosen.part, trained_on),
        cap_reason=cap,
        about=about,
    )


def _was_trained_on(part: ImageSet, fingerprint: str | None) -> bool:
    """Tell whether a reference holds training images: by their fingerprint, or else by name."""
    if fingerprint is None:
        return part.split == "train"
    return fingerprint in part.fingerprints.values()


def _enough_others(chosen: RealImages) -> Side | None:
    """Fewer others than half of the reference tell less than the reference's own halves do."""
    if len(chosen.other_rows) < max(len(chosen.rows) // 2, 2):
        return None
    return Given(chosen.other, chosen.other_rows)


def one_side(images: Subject | ImageSet, split: str, n: int, seed: int) -> Side:
    """Choose ``n`` images of a GAN, or at most ``n`` of a split; "auto" is all there are."""
    if isinstance(images, ImageSet):
        chosen = choose_real(images, images.split if split == "auto" else split, n, seed)
        return Given(chosen.part, chosen.rows)
    return Samples(images, seed, n)


def _identity(generated: Subject | ImageSet, seed: int, n: int) -> dict[str, Any]:
    if isinstance(generated, ImageSet):
        return {
            "generated_data": generated.spec,
            "generated_fingerprint": generated.fingerprint,
            "generated_split": generated.split,
        }
    return {**identity(generated), "seeds": f"{seed} to {seed + n - 1}"}


def _same_shape(generated: Subject | ImageSet, reference: Subject | ImageSet) -> None:
    ours, theirs = tuple(generated.image_shape), tuple(reference.image_shape)
    if ours != theirs:
        raise GanlensError(
            f"images of shape {ours} and {theirs} cannot be compared: open the data with "
            f"size={ours[1]}, channels={ours[0]}"
        )
