"""What a continuous code moves: sweeps over its range, beside sweeps of noise coordinates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ganlens.probes.base import Progress, Steps
from ganlens.probes.codes.moments import MOMENTS, SHARE
from ganlens.probes.codes.parts import Coordinate
from ganlens.subject import Subject

QUANTILE = 0.95  # of the noise's effects, which an effect must exceed to be named
NEGLIGIBLE = 0.01  # standard deviations: noise is taken to move every measure at least so much
FEWEST = 20  # noise sweeps below which that quantile says nothing
NAMED = "none measured"  # what a code is called that moves nothing more than noise does


@dataclass(frozen=True)
class Looked:
    """What is measured of N images.

    Attributes:
        measures: name -> (N,) float64, NaN where undefined.
        kinds: attribute -> (N,) int64, the class that a classifier reads.
    """

    measures: Mapping[str, np.ndarray]
    kinds: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Effect:
    """What one coordinate does over its range.

    Attributes:
        name: of the coordinate.
        slopes: measure -> mean over samples of its change over the whole range, by least squares
            over the positions, in standard deviations of the real images; NaN where undefined.
        consistent: measure -> share of samples that change in the direction of the mean.
        kept: attribute -> share of pictures whose class is as at the middle of the range.
    """

    name: str
    slopes: Mapping[str, float]
    consistent: Mapping[str, float]
    kept: Mapping[str, float]


@dataclass(frozen=True)
class Effects:
    """What every continuous code does, and the noise that it is held against.

    Attributes:
        codes: one for each coordinate of a continuous code.
        noise: one for each sweep of a noise coordinate.
        spread: measure -> standard deviation over the real images, in the measure's unit.
    """

    codes: tuple[Effect, ...]
    noise: tuple[Effect, ...]
    spread: Mapping[str, float]

    @property
    def reason(self) -> str:
        """Why there is no level to exceed; empty where there is one."""
        if not self.noise:
            return "no noise was swept: the prior has no continuous noise, or controls is 0"
        few = f"{len(self.noise)} sweeps of noise are too few for a percentile: take {FEWEST}"
        return few if len(self.noise) < FEWEST else ""

    def noise_levels(self) -> dict[str, float]:
        """Return the 95th percentile over noise sweeps of each measure's change, in sd."""
        found = {}
        for name in self.spread:
            sizes = np.abs([one.slopes[name] for one in self.noise])
            known = sizes[np.isfinite(sizes)]
            found[name] = float(np.quantile(known, QUANTILE)) if len(known) else float("nan")
        return found

    def levels(self) -> dict[str, float]:
        """Return the change of each measure that a code must exceed, in sd; NaN if undefined.

        It is the noise's 95th percentile times a factor that is the same for all measures, at
        which 5 % of the noise sweeps exceed the level of any measure: with many measures, one in
        twenty of which noise exceeds, most codes would be named by chance.
        """
        usual = {name: max(one, NEGLIGIBLE) for name, one in self.noise_levels().items()}
        if self.reason:
            return dict.fromkeys(usual, float("nan"))
        ratios = [[abs(one.slopes[name]) / level for name, level in usual.items()]
                  for one in self.noise]  # fmt: skip
        largest = np.nan_to_num(np.array(ratios)).max(1)
        factor = max(1.0, float(np.quantile(largest, QUANTILE)))
        return {name: factor * level for name, level in usual.items()}

    def beyond(self, effect: Effect) -> list[str]:
        """Return the measures that a code changes by more than their level, the most first."""
        levels, slopes = self.levels(), effect.slopes
        found = [name for name in slopes if abs(slopes[name]) > levels[name]]
        return sorted(found, key=lambda name: -abs(slopes[name]))

    def named(self, effect: Effect) -> str:
        """Name a code by its strongest change: "slant: +1.4 sd over the range (+20 degrees)"."""
        best = next(iter(self.beyond(effect)), None)
        if best is None:
            return NAMED
        return f"{best}: {effect.slopes[best]:+.1f} sd over the range ({self.change(effect, best)})"

    def change(self, effect: Effect, name: str) -> str:
        """Return a measure's change in its own unit: "+20 degrees"."""
        unit = MOMENTS.get(name, "")
        value = f"{effect.slopes[name] * self.spread[name]:+.2g}"
        return f"{value} {unit}" if unit not in ("", SHARE) else value

    def kept_by_noise(self) -> dict[str, float]:
        """Return the mean share of pictures that keep their class along noise, by attribute."""
        names = self.noise[0].kept if self.noise else ()
        return {name: float(np.mean([one.kept[name] for one in self.noise])) for name in names}


Look = Callable[[Tensor], Looked]


def sweep(
    subject: Subject,
    look: Look,
    z: Tensor,
    coordinate: Coordinate,
    positions: int,
    spread: Mapping[str, float],
    batch_size: int,
) -> Effect:
    """Set one coordinate to every value of its range, all else fixed, and measure.

    Args:
        subject: draws the images.
        look: measures them.
        z: (N, d) latents.
        coordinate: that is set.
        positions: values of it, at least 3.
        spread: measure -> standard deviation over the real images.
        batch_size: images at a time.
    """
    places = coordinate.values(positions)
    swept = z.repeat_interleave(positions, 0)
    swept[:, coordinate.column] = places.repeat(len(z))
    seen = look(subject.generate(swept, batch_size=batch_size))
    slopes, consistent = dict[str, float](), dict[str, float]()
    for name, deviation in spread.items():
        values = seen.measures[name].reshape(len(z), positions)
        slopes[name], consistent[name] = slope(values, deviation)
    kinds = {k: v.reshape(len(z), positions) for k, v in seen.kinds.items()}
    return Effect(coordinate.name, slopes, consistent, {k: kept(v) for k, v in kinds.items()})


def slope(values: np.ndarray, deviation: float) -> tuple[float, float]:
    """Return the mean change over the range in deviations, and the share that goes its way.

    Args:
        values: (N, P) of a measure at evenly spaced positions; samples with a NaN are left out.
        deviation: of the real images; 0 or NaN: nothing is known.
    """
    whole = values[np.isfinite(values).all(1)]
    if not len(whole) or not deviation > 0:
        return float("nan"), float("nan")
    x = np.linspace(-0.5, 0.5, values.shape[1])
    changes = whole @ x / (x @ x) / deviation
    mean = float(changes.mean())
    return mean, float((np.sign(changes) == np.sign(mean)).mean())


def kept(kinds: np.ndarray) -> float:
    """Return the share of (N, P) classes, those of the middle left out, that are as there."""
    middle = kinds.shape[1] // 2
    others = np.delete(kinds, middle, axis=1)
    return float((others == kinds[:, [middle]]).mean())


def effects(
    subject: Subject,
    look: Look,
    codes: Sequence[Coordinate],
    noise: Sequence[Coordinate],
    seeds: range,
    *,
    positions: int,
    controls: int,
    spread: Mapping[str, float],
    batch_size: int,
) -> Steps[Effects]:
    """Sweep every continuous code, and coordinates of the noise as often as is asked.

    Noise sweeps take one coordinate after the other, and other samples each, so that a few
    coordinates give as many different sweeps as are asked for.

    Args:
        subject: draws the images.
        look: measures them.
        codes: coordinates of the continuous codes.
        noise: coordinates of the noise.
        seeds: of the samples that each code is swept in; the noise's follow them.
        positions: values over the range.
        controls: sweeps of noise; none where there are no codes.
        spread: measure -> standard deviation over the real images.
        batch_size: images at a time.
    """
    controls = controls if noise and codes else 0
    found, total, n = list[Effect](), len(codes) + controls, len(seeds)
    for i in range(total):
        yield Progress(i, total, "sweeps of codes and noise")
        extra = i - len(codes)
        one = codes[i] if extra < 0 else noise[extra % len(noise)]
        first = seeds.start + (extra + 1) * n if extra >= 0 else seeds.start
        z = subject.latents(range(first, first + n))
        found.append(sweep(subject, look, z, one, positions, spread, batch_size))
    return Effects(tuple(found[: len(codes)]), tuple(found[len(codes) :]), spread)
