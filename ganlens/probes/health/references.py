"""The checkpoints that a patient is laid beside: one known to be healthy, one to be broken."""

from ganlens.data import EMBEDDED, ImageSet, open_data
from ganlens.data.preparation import split_options
from ganlens.errors import GanlensError
from ganlens.probes.base import images_for
from ganlens.subject import Subject, load

SHIPPED = ("pixelfaces", "pixelfaces-collapsed")  # the healthy one, the collapsed one
SHAPE = (3, 32, 32)  # of their images


def named(beside: str) -> tuple[str, str] | None:
    """Read the setting: "auto" is the shipped pair, "none" no pair, else "HEALTHY,COLLAPSED".

    Raises:
        GanlensError: anything else.
    """
    if beside == "none":
        return None
    if beside == "auto":
        return SHIPPED
    names = [name.strip() for name in beside.split(",")]
    if len(names) != 2 or not all(names):
        raise GanlensError(
            f"beside {beside!r} is not valid: give auto, none, or two checkpoints as "
            f"HEALTHY,COLLAPSED ({','.join(SHIPPED)} are shipped)"
        )
    return names[0], names[1]


def references(subject: Subject, beside: str) -> tuple[Subject, Subject] | None:
    """Open the pair; with "auto" only if its images have the subject's shape.

    Raises:
        GanlensError: as ``named`` and ``load``.
    """
    pair = named(beside)
    if pair is None or (beside == "auto" and tuple(subject.image_shape) != SHAPE):
        return None
    healthy, collapsed = (load(name, str(subject.device)) for name in pair)
    return healthy, collapsed


def own_data(subject: Subject, data: ImageSet) -> ImageSet:
    """Return the images to lay beside a reference: its own training data, where they travel along.

    A discriminator is asked about images of the kind that it was trained on: the given data if the
    checkpoint saw them or its own are not at hand, else the embedded set that it names.

    Raises:
        GanlensError: the given data are of another shape, and its own are not embedded.
    """
    known = subject.provenance.get("data", {})
    if data.fingerprints.get("train") == known.get("fingerprint") or (
        split_options(str(known.get("spec")))[0] not in EMBEDDED
    ):
        return images_for(subject, data, f"{subject.name} beside the checkpoint")
    channels, size, _ = subject.image_shape
    return open_data(known["spec"], size=size, channels=channels)
