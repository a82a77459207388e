"""Is a checkpoint sound, and what can be asked of it? A few seconds before hours of probing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.activations import followed
from ganlens.directions import sefa_reads
from ganlens.errors import GanlensError
from ganlens.models.base import source_shape
from ganlens.models.roles import in_order
from ganlens.probes.base import Probe
from ganlens.report.about import condition_in_words
from ganlens.report.findings import NO_DATA, missing
from ganlens.subject import is_conditional

if TYPE_CHECKING:
    from ganlens.subject import Subject

LOOKED_AT = 64  # samples
SAME = 1e-5  # largest difference, in [-1, 1], that rounding explains
FLAT = 1e-4  # standard deviation over samples below which a pixel does not change
GREY = 0.02  # share of a picture's contrast below which samples are one picture
# Standard deviation, in [-1, 1], below which a picture is uniform, and samples are one: 2.5 of the
# 255 steps of a byte, whatever the other is.
PLAIN = 0.02


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
        subject: a loaded model, or part of one.

    Returns:
        What was looked at, in order and network by network; a network that fails to run is one of
        them.
    """
    channels, height, width = subject.image_shape
    found = [Check("images", None, f"{channels} x {height} x {width}")]
    if subject.condition is not None:
        found.append(Check("condition", None, str(condition_in_words(subject.condition))))
    origin = (subject.provenance.get("made") or {}).get("imported") or {}
    found += [Check("assumed", None, phrase) for phrase in origin.get("assumed", ())]
    drawn: Tensor | None = None
    for name in in_order(subject.roles):
        role = subject.roles[name]
        try:
            if role == "generator":
                z = subject.latents(range(LOOKED_AT))
                drawn = subject.generate(z)
                checks = _generator(subject, z, drawn)
            elif role == "translator":
                checks = _translator(subject, name)
            elif role == "encoder":
                checks = _encoder(subject, name, drawn)
            else:
                checks = _discriminator(subject, name, drawn)
            checks += _flow(subject, name)
        except (GanlensError, RuntimeError) as error:
            checks = [Check("runs", False, _line(error))]
        found += _named(subject, name, checks)
    return found


def _flow(subject: "Subject", name: str) -> list[Check]:
    """Say what is known of the layers: what they see or draw, and where the latent enters."""
    role = subject.roles[name]
    if role not in ("generator", "discriminator") or subject.names(role)[0] != name:
        return []
    network, draws = subject.unconditional(role), role == "generator"
    found = followed(network, draws=draws) | ({"SeFa": sefa_reads(network)} if draws else {})
    return [Check(what, None, words) for what, words in found.items()]


def _named(subject: "Subject", name: str, checks: list[Check]) -> list[Check]:
    """Say whose checks they are; of a plain generator and discriminator the checks say it."""
    plain = name == subject.roles[name] and name in ("generator", "discriminator")
    whose = {one.name: f"{name}: {one.name}" for one in checks if not plain}
    whose["runs"] = f"{name} runs"
    return [replace(one, name=whose.get(one.name, one.name)) for one in checks]


def which_probes(subject: "Subject", probes: Mapping[str, Probe]) -> dict[str, str]:
    """Return why each probe will be left out, given labelled data; empty where it will run."""
    reasons = {}
    for name, probe in probes.items():
        reason = missing(probe, subject, None)
        if reason in ("", NO_DATA):
            reason = ""
            try:
                probe.follow(subject)
            except GanlensError as error:
                reason = str(error)
        reasons[name] = reason
    return reasons


def _generator(subject: "Subject", z: Tensor, images: Tensor) -> list[Check]:
    prior = subject.prior
    again = subject.generate(z)
    apart = _apart(subject, "generator", z[:8])
    scaled = float((subject.generate(z * 0.5) - images).abs().mean())
    return [
        Check("prior", None, str(prior)),
        _range(images),
        Check("same latent, same image", bool((again == images).all()),
              f"largest difference {(again - images).abs().max():.1g}"),
        Check("image independent of its batch", apart <= SAME, f"largest difference {apart:.1g}"),
        Check("sees how long a latent is", scaled > SAME, f"half as long: {scaled:.3f} apart"),
        *_obeys(subject, z, images),
        *_diversity(images),
    ]  # fmt: skip


def _range(images: Tensor) -> Check:
    """Tell whether images fill some of [-1, 1] and nothing beyond it, which would be cut off."""
    low, high = float(images.min()), float(images.max())
    beyond = float((images.abs() > 1 + SAME).float().mean())
    ends = f"{float((images.abs() >= 1).float().mean()):.1%} at the ends"
    found = f"{low:.3f} to {high:.3f}, {f'{beyond:.1%} beyond -1 and 1' if beyond else ends}"
    return Check("range", low < high and not beyond, found)


def _obeys(subject: "Subject", z: Tensor, images: Tensor) -> list[Check]:
    """Tell whether a conditional generator draws something else under another condition."""
    condition, usual = subject.condition, subject.default_condition
    if condition is None or usual is None or not is_conditional(subject.generator):
        return []
    others = (condition.row(entry) for entry in condition.table.entries[:2])
    other = next((row for row in others if not torch.equal(row, usual)), None)
    if other is None:
        return []
    changed = float((subject.generate(z[:8], other) - images[:8]).abs().mean())
    words = f"{condition.name(usual)!r} and {condition.name(other)!r}"
    return [Check("sees its condition", changed > SAME, f"{words}: {changed:.3f} apart")]


def _diversity(images: Tensor, what: str = "samples") -> list[Check]:
    """Compare how samples differ from each other with the contrast that each has."""
    over_samples = images.std(dim=0)
    dead = float((over_samples < FLAT).float().mean())
    flat = images.flatten(1)
    distances = torch.pdist(flat) / flat.shape[1] ** 0.5  # root mean square of pixel differences
    contrast = float(flat.std(dim=1).mean())
    spread = float(distances.median())
    same = int((distances < GREY * max(contrast, 1e-12)).sum())
    varied = spread > max(GREY * contrast, PLAIN)
    return [
        Check("dead outputs", dead < 1, f"{dead:.1%} of the values never change"),
        Check(f"contrast of {what}", contrast > PLAIN,
              f"{contrast:.3f} in one image on average; below {PLAIN} they are uniform"),
        Check(f"{what} differ", varied and same == 0,
              f"median distance {spread:.3f} (contrast of one image {contrast:.3f});"
              f" {same} of {len(distances):,} pairs nearly the same"),
    ]  # fmt: skip


def _discriminator(subject: "Subject", name: str, drawn: Tensor | None) -> list[Check]:
    network = subject.network(name)
    inputs = _inputs(network.image_shape) if drawn is None else drawn[:8]
    what = "noise" if drawn is None else "samples"
    if subject.network("discriminator") is not network:  # of several, the first has features
        scores = _raw(subject, name, inputs).flatten(1).mean(1)
        return [
            Check("scores differ", bool(scores.std() > 0), f"mean of {what} {scores.mean():.2f}")
        ]
    scores = subject.discriminate(inputs)
    singles = torch.cat([subject.discriminate(row) for row in inputs.split(1)])
    apart = float((scores - singles).abs().max() / scores.abs().max().clamp_min(1))
    layers = list(network.feature_layers)
    width = subject.features(inputs[:1]).shape[1] if layers else 0
    return [
        Check("score independent of the batch", apart <= SAME, f"largest difference {apart:.1g}"),
        Check("scores differ", bool(scores.std() > 0), f"mean of {what} {scores.mean():.2f}"),
        Check("features", bool(layers), f"{width:,} from {len(layers)} layers, pooled to 4x4"),
    ]


def _translator(subject: "Subject", name: str) -> list[Check]:
    """Look at what a translator makes of smooth random pictures: no data are needed."""
    inputs = _inputs(source_shape(subject.network(name)))
    images = subject.translate(inputs, network=name)
    again = subject.translate(inputs, network=name)
    apart = _apart(subject, name, inputs)
    changed = (
        float((images - inputs).abs().mean()) if images.shape == inputs.shape else float("inf")
    )
    differs = "the shape too" if changed == float("inf") else f"mean change {changed:.3f}"
    return [
        _range(images),
        Check("same picture, same result", bool((again == images).all()),
              f"largest difference {(again - images).abs().max():.1g}"),
        Check("result independent of its batch", apart <= SAME, f"largest difference {apart:.1g}"),
        Check("changes its input", changed > SAME, differs),
        *_diversity(images, "results"),
    ]  # fmt: skip


def _encoder(subject: "Subject", name: str, drawn: Tensor | None) -> list[Check]:
    network = subject.network(name)
    inputs = _inputs(network.image_shape) if drawn is None else drawn[:8]
    z = _raw(subject, name, inputs)
    apart = _apart(subject, name, inputs)
    wanted = None if subject.generator is None else subject.prior.dim
    spread = float(z.std(0).mean())
    found = [
        Check("latents", wanted is None or z.shape[1] == wanted,
              f"{z.shape[1]} coordinates" + (f", the prior has {wanted}" if wanted else "")),
        Check("latents independent of the batch", apart <= SAME * max(1.0, float(z.abs().max())),
              f"largest difference {apart:.1g}"),
        Check("latents differ", spread > SAME, f"deviation over images {spread:.3f}"),
    ]  # fmt: skip
    if drawn is not None and wanted == z.shape[1]:
        error = float((subject.generate(z) - inputs).square().mean()) ** 0.5 / 2
        what = f"{error:.1%} of the range apart (root mean square)"
        found.append(Check("samples come back", None, what))
    return found


def _inputs(shape: tuple[int, int, int], count: int = 8) -> Tensor:
    """Return smooth random pictures in [-1, 1], each of another contrast."""
    channels, height, width = shape
    noise = torch.rand(count, channels, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return F.interpolate(noise, (height, width), mode="bilinear", align_corners=False)


def _apart(subject: "Subject", name: str, inputs: Tensor) -> float:
    """Return how far apart a network's outputs are for inputs alone and in a batch."""
    singles = torch.cat([_raw(subject, name, row) for row in inputs.split(1)])
    return float((singles - _raw(subject, name, inputs)).abs().max())


@torch.inference_mode()
def _raw(subject: "Subject", name: str, x: Tensor) -> Tensor:
    """Run a network on exactly these inputs: ``generate`` would fill a batch up."""
    network: Any = subject.network(name)
    row = subject.default_condition
    rows = () if row is None or not is_conditional(network) else (row.expand(len(x), -1),)
    found = network(*(one.to(subject.device) for one in (x, *rows)))
    return (found[0] if isinstance(found, tuple) else found).float().cpu()


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
