"""Spectra and Nyquist excesses of one generator beside real images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ganlens import images
from ganlens.probes.artifacts.blame import Verdict, blame
from ganlens.probes.artifacts.stages import Stage, evened, find_stages
from ganlens.probes.base import Steps
from ganlens.probes.layer_statistics import outputs_of
from ganlens.progress import Progress
from ganlens.stats.excess import Excess, excess, excess_over, excess_removed, local_power
from ganlens.stats.spectrum import FLOOR, Spectrum, amplitude, power_spectrum
from ganlens.subject import Subject

SHOWN = 8  # samples in a row of pictures
GREY_LEVELS = 255


@dataclass(frozen=True)
class Real:
    """Real images, as every generator is compared with them.

    Attributes:
        images: (N, C, S, S) whitened.
        mean: of the pixels before whitening.
        std: of the same.
    """

    images: np.ndarray
    mean: float
    std: float

    def whiten(self, images: Tensor) -> np.ndarray:
        """Return other images on the same scale."""
        return (images.numpy() - self.mean) / self.std


@dataclass(frozen=True)
class Measurement:
    """What was found in one generator.

    Attributes:
        name: of the checkpoint.
        samples: (SHOWN, S, S, C) uint8: the first ones.
        worst: (SHOWN, S, S, C) uint8: those that stand out most at the period of the verdict, or at
            the last stage's.
        spectrum: of all, whitened as the real ones.
        stages: its enlarging layers.
        alone: stage by stage, the excess over the samples' own surrounding frequencies.
        over: the same minus the real images' excess there.
        grey_levels: amplitude of the waves behind ``alone``, in grey levels of 255: root mean
            square over the points of a period.
        maps: the excess in each stage's own output maps, at a period of one stride.
        removed: [layer][stage]: what evening a layer takes off ``over``.
        verdict: which layer it comes from.
    """

    name: str
    samples: np.ndarray
    worst: np.ndarray
    spectrum: Spectrum
    stages: tuple[Stage, ...]
    alone: tuple[Excess, ...]
    over: tuple[Excess, ...]
    grey_levels: tuple[float, ...]
    maps: tuple[Excess, ...]
    removed: tuple[tuple[Excess, ...], ...]
    verdict: Verdict


def measure(
    subject: Subject, real: Real, seeds: Sequence[int], *, batch_size: int, least: float,
    trace: bool = True,
) -> Steps[Measurement]:  # fmt: skip
    """Measure samples beside real images, and the maps behind them; ``least`` is for ``blame``.

    With ``trace`` one layer after another is evened, to see which one a checkerboard comes from.
    """
    stages = find_stages(subject)
    steps = 2 + trace * len(stages)
    yield Progress(0, steps, f"samples of {subject.name}")
    z = subject.latents(seeds)
    x = subject.generate(z, batch_size=batch_size)
    whitened = real.whiten(x)
    power = stage_power(whitened, stages)
    yield Progress(1, steps, f"maps of {subject.name}")
    maps = map_excess(subject, stages, z, batch_size)
    removed = []
    for done, stage in enumerate(stages if trace else ()):
        yield Progress(2 + done, steps, f"{subject.name} with {stage.layer} evened")
        networks = {"generator": evened(subject, stage.layer)}
        other = Subject(networks, subject.provenance, subject.device)
        after = stage_power(real.whiten(other.generate(z, batch_size=batch_size)), stages)
        removed.append(tuple(map(excess_removed, power, after)))
    alone = tuple(map(excess, power))
    over = tuple(map(excess_over, power, stage_power(real.images, stages)))
    verdict = blame(stages, alone, over, removed, least)
    return Measurement(
        name=subject.name,
        samples=images.to_uint8(x[:SHOWN]),
        worst=images.to_uint8(x[_worst(power, stages, verdict)]),
        spectrum=power_spectrum(whitened),
        stages=stages,
        alone=alone,
        over=over,
        grey_levels=tuple(
            _grey_levels(one, x.shape[-1], stage.period, real.std)
            for one, stage in zip(power, stages, strict=True)
        ),
        maps=maps,
        removed=tuple(removed),
        verdict=verdict,
    )


def stage_power(images: np.ndarray, stages: Sequence[Stage]) -> list[np.ndarray]:
    """Return the (N, K, 9) local powers of whitened images at the period of each stage."""
    if not stages:
        return []
    coarsest = max(stage.period for stage in stages)
    return [local_power(images, stage.period, coarsest) for stage in stages]


def map_excess(
    subject: Subject, stages: Sequence[Stage], z: Tensor, batch_size: int
) -> tuple[Excess, ...]:
    """Return the excess in each stage's own output maps, each map minus its mean."""
    names = [stage.layer for stage in stages]
    powers: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for part in z.split(batch_size) if names else ():
        outputs = outputs_of(subject, "generator", names, part)
        for stage in stages:
            maps = outputs[stage.layer].numpy()
            centred = maps - maps.mean((2, 3), keepdims=True)
            powers[stage.layer].append(local_power(centred, stage.stride, stage.coarsest))
    return tuple(excess(np.concatenate(powers[name])) for name in names)


def _grey_levels(power: np.ndarray, side: int, period: int, std: float) -> float:
    mean = power.mean(0)
    rest = np.exp(np.log(np.maximum(mean[:, 1:], FLOOR)).mean(1))
    return amplitude(float((mean[:, 0] - rest).mean()), side, period) * std * GREY_LEVELS / 2


def _worst(power: list[np.ndarray], stages: Sequence[Stage], verdict: Verdict) -> np.ndarray:
    """Return the SHOWN samples with most power at the points beside what is around them."""
    if not power:
        return np.arange(SHOWN)
    at = [stage.period for stage in stages].index(verdict.period or stages[-1].period)
    ratio = power[at][:, :, 0].mean(1) / np.maximum(power[at][:, :, 1:].mean((1, 2)), FLOOR)
    return np.argsort(-ratio, kind="stable")[:SHOWN].copy()
