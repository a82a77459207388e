"""The untrained control of a Subject: its networks anew, their batch norm measured."""

from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganlens.calibration import calibrate
from ganlens.errors import GanlensError
from ganlens.initialisation import seeded
from ganlens.models import build
from ganlens.models.imported.wrapped import WrappedDiscriminator, WrappedGenerator, reset

if TYPE_CHECKING:
    from ganlens.subject.subject import Subject

# Latents, and images, behind the batch-norm statistics of an untrained control. Against 8,192 they
# were measured to move its features by 0.4 % of their norm; twice as many gain 0.2 % for twice the
# time.
CALIBRATION = 1024


def untrained(
    subject: "Subject", seed: int = 0, images: Tensor | None = None, *, calibrated: bool = True
) -> "Subject":
    """Return the same networks as they were before any training: the control of every claim.

    Args:
        subject: a trained one, whose method this is.
        seed: of the initialisation.
        images: (N, C, H, W) real images on which the discriminator's batch norm is calibrated;
            by default 1,024 of the untrained generator's own. The generator's comes from 1,024
            latents.
        calibrated: False leaves batch norm as built, for who looks at the weights alone: most
            of the time goes into the calibration.

    Raises:
        GanlensError: the family or the arguments are not known, so nothing can be built.
    """
    from ganlens.subject.subject import Subject  # it has this as a method

    pair = _fresh(subject, seed)
    provenance = {
        **subject.provenance,
        "checkpoint": f"{subject.name} (untrained)",
        "weights": "untrained",
        "hash": None,
        "step": 0,
        "seed": seed,
        "calibration": {},
    }
    control = Subject(*pair, provenance, subject.device)
    if calibrated:
        _calibrate(control, seed, images)
    return control


def _fresh(subject: "Subject", seed: int) -> tuple[Any, Any]:
    """Build the networks that a subject has anew, from a seed."""
    pair = {"generator": subject.generator, "discriminator": subject.discriminator}
    there = {part: network for part, network in pair.items() if network is not None}
    if all(isinstance(n, WrappedGenerator | WrappedDiscriminator) for n in there.values()):
        with seeded(seed):
            fresh = {part: reset(network) for part, network in there.items()}
        return fresh.get("generator"), fresh.get("discriminator")
    if "arguments" not in subject.provenance:
        raise GanlensError(f"{subject.name} does not say how to build it untrained")
    return build(subject.provenance["family"], subject.provenance["arguments"], seed, list(there))


def _calibrate(subject: "Subject", seed: int, images: Tensor | None) -> None:
    drawn = used = 0
    if subject.generator is not None:
        latents = subject.prior.sample_batch(CALIBRATION, seed).to(subject.device)
        drawn = calibrate(subject.generator, latents.split(256))
        images = subject.generate(latents) if images is None else images
    if subject.discriminator is not None and images is not None:
        batches = (b.to(subject.device) for b in images.split(256) if len(b) > 1)
        used = calibrate(subject.discriminator, batches)
    subject.provenance["calibration"] = {"latents": drawn, "images": used}
