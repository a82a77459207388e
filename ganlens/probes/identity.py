"""Which networks a result is about: what every summary carries to be comparable."""

from typing import TYPE_CHECKING, Any

from ganlens.models.prior import Prior

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject


def identity(subject: "Subject", data: "ImageSet | None" = None) -> dict[str, Any]:
    """Return the checkpoint's identity, its prior, what it is told, and the data's identity."""
    known = subject.provenance
    alone = getattr(subject, "generator", subject) is None  # a discriminator has no prior
    prior: Prior | None = None if alone else getattr(subject, "prior", None)
    about = {
        "checkpoint": known.get("checkpoint", subject.name),
        "hash": known.get("hash"),
        "weights": known.get("weights"),
        "prior": None if prior is None else str(prior),
        **({"condition": known["condition"]} if "condition" in known else {}),
    }
    if data is None:
        return about
    return {**about, "data": data.spec, "data_fingerprint": data.fingerprint}
