"""What the search for copies found, and how it is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, figure
from ganlens.probes.memorization import tables
from ganlens.probes.memorization.controls import MUST
from ganlens.probes.memorization.duplicates import Duplicates
from ganlens.probes.memorization.evidence import GENERATED, HELD_OUT, Comparison, Space
from ganlens.probes.memorization.sets import SetScores


@dataclass(frozen=True)
class NeighborsResult:
    """Nearest train images of samples and of held-out images.

    Attributes:
        spaces: the search in each space.
        tests: every set but the held-out one against it, over all spaces at once.
        sets: statistics of whole sets in one feature space; "held-out" is their null.
        duplicates: what the semantic hash found, None where it was not asked for.
        seeds: (N,) seed of each sample.
        order: (N,) samples, the worst offender first: nearest to train for the null's median
            distance, in the space where it is nearest.
        distances: (spaces, N) of each sample to its nearest train image.
        percentiles: (spaces, N) share of held-out images at most as far, in %.
        nearest_rows: (spaces, N) row of that train image.
        pictures: (1 + spaces, shown, H, W, C) uint8: the worst samples, then their nearest train
            images in each space.
        held_out_order: (M,) the same for held-out images.
        held_out_pictures: (1 + spaces, shown, H, W, C) uint8.
        train_names: per shown sample, the name of the nearest train image in each space.
        about: checkpoint, data, numbers of images, settings.
    """

    spaces: tuple[Space, ...]
    tests: dict[str, Comparison]
    sets: dict[str, SetScores]
    duplicates: Duplicates | None
    seeds: np.ndarray
    order: np.ndarray
    distances: np.ndarray
    percentiles: np.ndarray
    nearest_rows: np.ndarray
    pictures: np.ndarray
    held_out_order: np.ndarray
    held_out_pictures: np.ndarray
    train_names: tuple[tuple[str, ...], ...]
    about: dict[str, Any]

    @property
    def test(self) -> Comparison:
        """The samples against held-out images over all spaces."""
        return self.tests[GENERATED]

    @property
    def caught(self) -> dict[str, float]:
        """Control -> share of its copies that are flagged."""
        return {k: float(t.flagged.mean()) for k, t in self.tests.items() if k != GENERATED}

    @property
    def missed(self) -> tuple[str, ...]:
        """Controls of which too few are flagged: under 99 %, or 95 % where moved or mirrored."""
        return tuple(kind for kind, share in self.caught.items() if share < MUST[kind])

    def summary(self) -> dict[str, Any]:
        """Return the share of samples too near, its p-values, and the controls'."""
        names = [s.name for s in self.spaces]
        return {
            "too_near": float(self.test.flagged.mean()),
            "expected_share": self.test.level,
            "p_flagged": self.test.p_count,
            "p_nearer_than_held_out": self.test.p_shift,
            "controls_flagged": self.caught,
            "controls_caught": not self.missed,
            **{f"too_near_in_{s.name}": float(s.test.flagged.mean()) for s in self.spaces},
            **{s.name: self._space(s) for s in self.spaces},
            "sets": {kind: scores.summary() for kind, scores in self.sets.items()},
            "duplicates": None if self.duplicates is None else self.duplicates.summary(),
            **({} if self.duplicates else {"duplicates_reason": "not asked for"}),
            "worst_seeds": self.seeds[self.order[: self.about["shown"]]].tolist(),
            "worst_nearest": dict(zip(names, self.train_names[0], strict=True)),
            "distance": "root mean squared difference per coordinate",
            **self.about,
        }

    def _space(self, space: Space) -> dict[str, Any]:
        ours, null = space.near[GENERATED], space.near[HELD_OUT]
        controls = {k: float(t.flagged.mean()) for k, t in space.tests.items() if k != GENERATED}
        return {
            "n_flagged": int(space.test.flagged.sum()),
            "expected_share": space.test.level,
            "p_flagged": space.test.p_count,
            "p_nearer_than_held_out": space.test.p_shift,
            "exact_copies": int((ours.first == 0).sum()),
            "exact_copies_held_out": int((null.first == 0).sum()),
            "median_distance_generated": float(np.median(ours.first)),
            "median_distance_held_out": float(np.median(null.first)),
            "median_ratio_generated": float(np.median(ours.ratio)),
            "median_ratio_held_out": float(np.median(null.ratio)),
            "median_calibrated_generated": float(np.median(ours.calibrated)),
            "median_calibrated_held_out": float(np.median(null.calibrated)),
            "smallest_distance_generated": float(ours.first.min()),
            "threshold": space.test.threshold,
            "controls_flagged": controls,
            "dimensions": space.dimensions,
        }

    def panels(self) -> list[Panel]:
        """Return pictures, evidence, controls, set statistics, duplicates and distances."""
        found: list[Panel] = [self._grid(), self._held_out_grid(), tables.offenders(self)]
        found += [tables.evidence(self), tables.controls(self), tables.sets(self)]
        if self.duplicates is not None:
            found.append(tables.duplicates(self.duplicates))
            if self.duplicates.pairs.shape[1]:
                found.append(self._pairs(self.duplicates))
        return [*found, *(self._distances(space) for space in self.spaces)]

    def _pairs(self, found: Duplicates) -> ImagePanel:
        return ImagePanel(
            title="Train images that look like duplicates",
            caption="Each column is a pair of train images with nearly equal hashes, at most "
            f"{found.radius} of 128 bits apart; up to 8 of the most alike pairs. Whether they are "
            "duplicates is for your eye to say.",
            image=_sheet(found.pairs),
            alt="pairs of train images with nearly equal hashes",
            scale=_scale(found.pairs),
        )

    def _rows(self) -> str:
        named = {"pixels": "in pixels", "discriminator": "in discriminator features"}
        return ", then ".join(f"the nearest train image {named[s.name]}" for s in self.spaces)

    def _grid(self) -> ImagePanel:
        seeds = ", ".join(str(s) for s in self.seeds[self.order[: self.about["shown"]]])
        return ImagePanel(
            title="The samples nearest to the training data",
            caption=f"Top row: the {self.about['shown']} generated images of "
            f"{self.about['n_generated']:,} that come nearest to a train image, worst first (seeds "
            f"{seeds}); below, {self._rows()}. A copy shows the same picture twice; sharing only a "
            "colour or a pose is what any good sample does.",
            image=_sheet(self.pictures),
            alt="generated images above their nearest train images",
            scale=_scale(self.pictures),
        )

    def _held_out_grid(self) -> ImagePanel:
        return ImagePanel(
            title="The same for held-out images",
            caption="Real images that were never in training, picked the same way: the nearest of "
            f"{self.about['n_held_out']:,}; below, {self._rows()}. Samples are suspicious where "
            "they resemble train images more than these do.",
            image=_sheet(self.held_out_pictures),
            alt="held-out images above their nearest train images",
            scale=_scale(self.held_out_pictures),
        )

    def _distances(self, space: Space) -> FigurePanel:
        unit = "brightness range" if space.name == "pixels" else "feature units"
        chart = figure(
            xaxis={
                "title": f"distance to the nearest train image (RMS, {unit})",
                "rangemode": "tozero",
            },
            yaxis={"title": "share of images, %", "range": [0, 101]},
            legend={"orientation": "h", "y": 1.15},
        )
        kinds = ((GENERATED, space.near[GENERATED], 0), (HELD_OUT, space.near[HELD_OUT], 1))
        for name, near, colour in kinds:
            values = np.sort(near.first)
            share = 100 * np.arange(1, len(values) + 1) / len(values)
            chart.add_scatter(
                x=values,
                y=share,
                mode="lines",
                name=name,
                line={"color": PALETTE[colour], "shape": "hv"},
            )
        chart.add_vline(
            space.test.threshold,
            line_dash="dot",
            line_color="#666666",
            annotation_text=f"flagged below ({space.test.level:.1%} of held-out)",
        )
        return FigurePanel(
            title=f"How near to the training data, in {_long(space.name)}",
            caption="Share of images whose nearest train image is at most this far. A generator "
            "that copies part of its data lifts the blue curve's lower left end above the orange "
            "one; a blue curve wholly to the left can also mean smoother, plainer pictures, and "
            "one wholly to the right means samples farther from the train images than new real "
            "images are: noise, blur or errors of drawing.",
            figure=chart,
        )


def _long(space: str) -> str:
    return "discriminator features" if space == "discriminator" else space


def _sheet(pictures: np.ndarray) -> np.ndarray:
    rows, columns = pictures.shape[:2]
    return images.grid(pictures.reshape(rows * columns, *pictures.shape[2:]), columns)


def _scale(pictures: np.ndarray) -> int:
    """Enlargement that shows pictures at about 64 pixels a side."""
    return max(1, round(64 / pictures.shape[2]))
