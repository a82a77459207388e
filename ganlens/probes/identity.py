"""Identity of the networks that a result is about, and of the untrained ones beside them."""

from typing import Any

from torch import Tensor

from ganlens.data import ImageSet, prepared, split_overlap
from ganlens.devices import in_words
from ganlens.errors import GanlensError
from ganlens.models.prior import Prior
from ganlens.precision import FLOAT32
from ganlens.subject import Subject


def identity(
    subject: Subject, data: ImageSet | None = None, *, drawn: bool = False, sides: bool = False
) -> dict[str, Any]:
    """Return the checkpoint's identity, prior and condition, where it ran, and the data's identity.

    Probes measure in float32; one that lets its settings decide states that in its place.

    Args:
        subject: the model.
        data: what it is compared to.
        drawn: whether the result is about samples, each of which has a condition of its own unless
            the subject has one, instead of what is drawn by the default.
        sides: whether test images are set against training images: what both hold is counted.
    """
    known = subject.provenance
    alone = getattr(subject, "generator", subject) is None  # a discriminator has no prior
    prior: Prior | None = None if alone else getattr(subject, "prior", None)
    about = {
        "checkpoint": known.get("checkpoint", subject.name),
        "hash": known.get("hash"),
        "weights": known.get("weights"),
        "prior": None if prior is None else str(prior),
        **_condition(subject, drawn),
        "network_precision": FLOAT32,
        "device": in_words(subject.device),
    }
    if data is None:
        return about
    return {**about, **identity_of_images(data), **(split_overlap(data) if sides else {})}


def identity_of_images(data: ImageSet) -> dict[str, str]:
    """Return where images come from, their fingerprint, and what was done to them."""
    return {"data": data.spec, "data_fingerprint": data.fingerprint, **prepared(data)}


def _condition(subject: Subject, drawn: bool) -> dict[str, str]:
    """Return the condition in words; nothing for networks without."""
    if (words := subject.provenance.get("condition")) is not None:
        return {"condition": words}
    condition = getattr(subject, "condition", None)
    row = getattr(subject, "default_condition", None)
    if condition is None or row is None:
        return {}
    usual = f"{condition.name(row)} (the default)"
    return {"condition": "as often as the training data had each" if drawn else usual}


def untrained(
    subject: Subject, seed: int, images: Tensor | None = None, *, calibrated: bool = True
) -> tuple[Subject | None, str]:
    """Return the untrained control, as ``Subject.untrained``, or None and why in a sentence."""
    try:
        return subject.untrained(seed, images, calibrated=calibrated), ""
    except GanlensError as error:
        return None, f"Nothing untrained beside it: {error}."
