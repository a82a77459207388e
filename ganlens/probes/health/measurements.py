"""Measurements of one pair of networks: layers, gradients, Jacobians, spread, logits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.activations import Point
from ganlens.probes.base import Progress, Steps
from ganlens.probes.health.gradients import Gradients, gradient_norms
from ganlens.probes.health.jacobian import jacobian_spectrum
from ganlens.probes.health.norms import norm_rows
from ganlens.probes.layer_statistics import LayerStatistics, outputs_of
from ganlens.stats.auc import auc
from ganlens.stats.effective_rank import effective_rank, participation_ratio
from ganlens.subject import Subject

BATCH = 64
SHOWN = 7  # as many as fit beside each other on a page
EXTREME = 0.99  # beyond it an output of tanh, or a probability of the discriminator, is saturated


@dataclass(frozen=True)
class Measurements:
    """Measurements of one pair of networks.

    Attributes:
        name: of the checkpoint.
        n: samples, and real images.
        layers: one row per leaf layer, as ``LayerStatistics.rows`` has them, with its type, its
            parameters, and the norms of its weights and of their gradient (None without).
        norms: one row per batch norm, as ``norm_rows`` has them.
        parameters: network -> how many.
        gradients: of both losses, None without a discriminator.
        spectra: (L, K) singular values of dG/dz at L latents, per standard deviation.
        spread: mean distance of two samples, over all pixels; that of two real images.
        saturated: share of the samples' values beyond 0.99; of the real images'.
        on_real: (N,) logits of real images; empty without a discriminator.
        on_fake: (N,) logits of samples; empty without a discriminator.
        pictures: (n, H, W, C) uint8: the first samples.
        about: which checkpoint and data.
    """

    name: str
    n: int
    layers: tuple[dict[str, Any], ...]
    norms: tuple[dict[str, Any], ...]
    parameters: dict[str, int]
    gradients: Gradients | None
    spectra: np.ndarray
    spread: tuple[float, float]
    saturated: tuple[float, float]
    on_real: np.ndarray
    on_fake: np.ndarray
    pictures: np.ndarray
    about: dict[str, Any]

    @property
    def rank(self) -> float | None:
        """Effective rank of dG/dz, mean over the latents; None where G is constant."""
        return _mean([effective_rank(row) for row in self.spectra])

    @property
    def participation(self) -> float | None:
        """Participation ratio of dG/dz, mean over the latents; None where G is constant."""
        return _mean([participation_ratio(row) for row in self.spectra])

    def dead(self, network: str) -> tuple[int, int]:
        """Count the units of a network's rectifiers that are never above 0, and all."""
        rows = [row for row in self.layers if row["network"] == network]
        rows = [row for row in rows if row["dead units"] is not None]
        return sum(row["dead units"] for row in rows), sum(row["units"] for row in rows)

    @property
    def certain(self) -> float | None:
        """Share of images of which the discriminator is 99 % sure, and right."""
        if not len(self.on_real):
            return None
        edge = np.log(EXTREME / (1 - EXTREME))
        return float(np.mean(np.concatenate([self.on_real > edge, self.on_fake < -edge])))

    @property
    def separated(self) -> float | None:
        """AUC of the discriminator's logits: real images above samples."""
        if not len(self.on_real):
            return None
        logits = np.concatenate([self.on_real, self.on_fake])
        return auc(logits, np.arange(len(logits)) < len(self.on_real))


def measure(
    subject: Subject, real: Tensor, about: dict[str, Any], *, jacobians: int, batches: int,
    seed: int,
) -> Steps[Measurements]:  # fmt: skip
    """Measure a pair on (N, C, H, W) real images and N samples, whose first has the seed.

    The networks are left as they are; the discriminator may be missing. dG/dz is taken at the first
    ``jacobians`` latents, gradients over at most ``batches`` batches of 64.
    """
    z = subject.latents(range(seed, seed + len(real)))
    x = subject.generate(z, batch_size=BATCH)
    inside = {"generator": LayerStatistics(subject.generator)}
    yield from _stream(subject, "generator", inside["generator"], z)
    logits, gradients = torch.zeros(2, 0), None
    if subject.discriminator is not None:
        inside["discriminator"] = LayerStatistics(subject.discriminator)
        yield from _stream(subject, "discriminator", inside["discriminator"], torch.cat([real, x]))
        logits = torch.stack([subject.discriminate(real), subject.discriminate(x)])
        yield Progress(0, 1, f"gradients of {subject.name}")
        parts = [part for part in real.split(BATCH) if len(part) > 1][:batches]
        parts = [part.to(subject.device) for part in parts]
        latents = [one.to(subject.device) for one in z.split(BATCH)][: len(parts)]
        pair = subject.unconditional("generator"), subject.unconditional("discriminator")
        gradients = gradient_norms(*pair, parts, latents)
    spectra = yield from _spectra(subject, z[:jacobians])
    slopes = {} if gradients is None else gradients.layers
    return Measurements(
        name=subject.name,
        n=len(x),
        layers=tuple(
            {**row, **_weights(one.layers[row["layer"]]),
             "gradient norm": slopes.get(f"{network}.{row['layer']}")}
            for network, one in inside.items()
            for row in one.rows(network)
        ),
        norms=tuple(row for network, one in inside.items() for row in norm_rows(network, one)),
        parameters={network: _parameters(one.layers.values()) for network, one in inside.items()},
        gradients=gradients,
        spectra=spectra,
        spread=(_spread(x), _spread(real)),
        saturated=(_saturated(x), _saturated(real)),
        on_real=logits[0].numpy(),
        on_fake=logits[1].numpy(),
        pictures=images.to_uint8(x[:SHOWN]),
        about=about,
    )  # fmt: skip


def _stream(subject: Subject, network: str, found: LayerStatistics, x: Tensor) -> Steps[None]:
    for start in range(0, len(x), BATCH):
        yield Progress(start, len(x), f"samples through the {network} of {subject.name}")
        found.update(outputs_of(subject, network, found.names, x[start : start + BATCH]))


def _spectra(subject: Subject, z: Tensor) -> Steps[np.ndarray]:
    rows = []
    generator, stds = subject.unconditional("generator"), subject.prior.stds
    for done, one in enumerate(z.to(subject.device)):
        yield Progress(done, len(z), f"Jacobians of {subject.name}")
        rows.append(jacobian_spectrum(generator, one, stds).numpy())
    return np.stack(rows)


def _spread(x: Tensor) -> float:
    """Return the mean Euclidean distance of two of (N, C, H, W) images."""
    return float(torch.pdist(x.flatten(1)).double().mean())


def _saturated(x: Tensor) -> float:
    return float((x.abs() > EXTREME).double().mean())


def _parameters(points: Iterable[Point]) -> int:
    """Count the parameters of layers, those of one that is used twice once."""
    once = {id(point.part): point for point in points}
    return sum(_weights(point)["parameters"] for point in once.values())


def _weights(point: Point) -> dict[str, Any]:
    if (layer := point.part) is None:
        return {"type": point.function, "parameters": 0, "weight norm": None}
    own, weight = layer.parameters(recurse=False), getattr(layer, "weight", None)
    norm = float(weight.detach().double().norm()) if isinstance(weight, Tensor) else None
    count = sum(one.numel() for one in own)
    return {"type": type(layer).__name__, "parameters": count, "weight norm": norm}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
