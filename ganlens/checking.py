"""Is a checkpoint sound, and what can be asked of it? A few seconds before hours of probing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.probes.base import Probe
from ganlens.report.findings import NO_DATA, missing

if TYPE_CHECKING:
    from ganlens.subject import Subject

LOOKED_AT = 64  # samples
SAME = 1e-5  # largest difference, in [-1, 1], that rounding explains
FLAT = 1e-4  # standard deviation over samples below which a pixel does not change
GREY = 0.02  # share of a picture's contrast below which samples are one picture


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        good: whether it is as it should be; None for a plain fact.
        found: the measured value, in words.
    """

    name: str
    good: bool | None
    found: str


def check(subject: "Subject") -> list[Check]:
    """Look at shapes, range, determinism, batch independence, dead outputs and collapse.

    Args:
        subject: a loaded GAN, or half of one.

    Returns:
        What was looked at, in order; a network that fails to run is one of them.
    """
    channels, height, width = subject.image_shape
    found = [Check("images", None, f"{channels} x {height} x {width}")]
    images: Tensor | None = None
    if subject.generator is not None:
        try:
            z = subject.latents(range(LOOKED_AT))
            images = subject.generate(z)
            found += _generator(subject, z, images)
        except (GanlensError, RuntimeError) as error:
            found.append(Check("generator runs", False, _line(error)))
    if subject.discriminator is not None:
        try:
            found += _discriminator(subject, images)
        except (GanlensError, RuntimeError) as error:
            found.append(Check("discriminator runs", False, _line(error)))
    return found


def which_probes(subject: "Subject", probes: Mapping[str, Probe]) -> dict[str, str]:
    """Return why each probe will be left out, given labelled data; empty where it will run."""
    reasons = {}
    for name, probe in probes.items():
        reason = missing(probe, subject, None)
        reasons[name] = "" if reason == NO_DATA else reason
    return reasons


def _generator(subject: "Subject", z: Tensor, images: Tensor) -> list[Check]:
    prior = subject.prior
    again = subject.generate(z)
    singles = torch.cat([_raw(subject, row) for row in z[:8].split(1)])
    batch = _raw(subject, z[:8])
    apart = float((singles - batch).abs().max())
    scaled = float((subject.generate(z * 0.5) - images).abs().mean())
    clipped = float((images.abs() >= 1).float().mean())
    return [
        Check("prior", None, str(prior)),
        Check("range", float(images.min()) < float(images.max()),
              f"{images.min():.3f} to {images.max():.3f}, {clipped:.1%} at the ends"),
        Check("same latent, same image", bool((again == images).all()),
              f"largest difference {(again - images).abs().max():.1g}"),
        Check("image independent of its batch", apart <= SAME, f"largest difference {apart:.1g}"),
        Check("sees how long a latent is", scaled > SAME, f"half as long: {scaled:.3f} apart"),
        *_diversity(images),
    ]  # fmt: skip


def _diversity(images: Tensor) -> list[Check]:
    """Compare how samples differ from each other with the contrast that each has."""
    over_samples = images.std(dim=0)
    dead = float((over_samples < FLAT).float().mean())
    flat = images.flatten(1)
    distances = torch.pdist(flat) / flat.shape[1] ** 0.5  # root mean square of pixel differences
    contrast = float(flat.std(dim=1).mean())
    spread = float(distances.median())
    same = int((distances < GREY * max(contrast, 1e-12)).sum())
    varied = spread > GREY * contrast and contrast > FLAT
    return [
        Check("dead outputs", dead < 1, f"{dead:.1%} of the values never change"),
        Check("samples differ", varied and same == 0,
              f"median distance {spread:.3f} (contrast of one image {contrast:.3f});"
              f" {same} of {len(distances):,} pairs nearly the same"),
    ]  # fmt: skip


def _discriminator(subject: "Subject", images: Tensor | None) -> list[Check]:
    noise = torch.rand(8, *subject.image_shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    inputs = noise if images is None else images[:8]
    scores = subject.discriminate(inputs)
    singles = torch.cat([subject.discriminate(row) for row in inputs.split(1)])
    apart = float((scores - singles).abs().max() / scores.abs().max().clamp_min(1))
    layers = list(subject.discriminator.feature_layers)  # type: ignore[union-attr]
    width = subject.features(inputs[:1]).shape[1] if layers else 0
    what = "noise" if images is None else "samples"
    return [
        Check("score independent of the batch", apart <= SAME, f"largest difference {apart:.1g}"),
        Check("scores differ", bool(scores.std() > 0), f"of {what}: {scores.mean():.2f}"),
        Check("features", bool(layers), f"{width:,} from {len(layers)} layers, pooled to 4x4"),
    ]


@torch.inference_mode()
def _raw(subject: "Subject", z: Tensor) -> Tensor:
    """Run the generator on exactly these latents: ``generate`` would fill a batch up."""
    network: Any = subject.network("generator")
    return network(z.to(subject.device)).float().cpu()


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
