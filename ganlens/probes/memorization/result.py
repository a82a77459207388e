"""What the search for copies found, and how it is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.memorization.evidence import Space

CAUTION = (
    "This is a panel of evidence, not one verdict: no single statistic separates copying from "
    "underfitting."
)


@dataclass(frozen=True)
class NeighborsResult:
    """Nearest train images of samples and of held-out images.

    Attributes:
        spaces: the search in each space.
        seeds: (N,) seed of each sample.
        order: (N,) samples, the worst offender first: nearest to train for the null's median
            distance, in the space where it is nearest.
        pictures: (1 + spaces, shown, H, W, C) uint8: the worst samples, then their nearest train
            images in each space.
        held_out_order: (M,) the same for held-out images.
        held_out_pictures: (1 + spaces, shown, H, W, C) uint8.
        train_names: name of the train image nearest to the worst sample, per space.
        about: checkpoint, data, numbers of images, settings.
    """

    spaces: tuple[Space, ...]
    seeds: np.ndarray
    order: np.ndarray
    pictures: np.ndarray
    held_out_order: np.ndarray
    held_out_pictures: np.ndarray
    train_names: tuple[str, ...]
    about: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """Return, per space, the share of samples too near, its p-values and the controls'."""
        return {
            **{f"too_near_in_{s.name}": float(s.test.flagged.mean()) for s in self.spaces},
            **{s.name: self._space(s) for s in self.spaces},
            "worst_seeds": self.seeds[self.order[: self.about["shown"]]].tolist(),
            "worst_nearest": dict(
                zip((s.name for s in self.spaces), self.train_names, strict=True)
            ),
            "distance": "root mean squared difference per coordinate",
            **self.about,
        }

    def _space(self, space: Space) -> dict[str, Any]:
        return {
            "n_flagged": int(space.test.flagged.sum()),
            "expected_share": space.test.level,
            "p_flagged": space.test.p_count,
            "p_nearer_than_held_out": space.test.p_shift,
            "exact_copies": int((space.generated.first == 0).sum()),
            "median_distance_generated": float(np.median(space.generated.first)),
            "median_distance_held_out": float(np.median(space.held_out.first)),
            "median_ratio_generated": float(np.median(space.generated.ratio)),
            "median_ratio_held_out": float(np.median(space.held_out.ratio)),
            "smallest_distance_generated": float(space.generated.first.min()),
            "threshold": space.test.threshold,
            "controls_flagged": {k: float(c.flagged.mean()) for k, c in space.controls.items()},
            "controls_caught": space.sees,
            "dimensions": space.dimensions,
        }

    def panels(self) -> list[Panel]:
        """Return both picture rows, the distances, the evidence, the controls and the offenders."""
        figures = [self._distances(space) for space in self.spaces]
        return [
            self._grid(),
            self._held_out_grid(),
            *figures,
            self._evidence(),
            self._controls(),
            self._offenders(),
        ]

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
            legend={"x": 0.99, "xanchor": "right", "y": 0.05, "bgcolor": "rgba(255,255,255,.7)"},
        )
        kinds = (("generated", space.generated, 0), ("held-out", space.held_out, 1))
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
            "one wholly to the right means samples unlike any real image.",
            figure=chart,
        )

    def _evidence(self) -> TablePanel:
        rows = [
            (
                space.name,
                100 * float(space.test.flagged.mean()),
                100 * space.test.level,
                space.test.p_count,
                space.test.p_shift,
                float(np.median(space.generated.first)),
                float(np.median(space.held_out.first)),
                float(np.median(space.generated.ratio)),
                float(np.median(space.held_out.ratio)),
            )
            for space in self.spaces
        ]
        return TablePanel(
            title="Is it copying?",
            caption="Flagged: samples nearer to a train image than all but about 1 % of held-out "
            "images; p: exact (beta-binomial) probability of so many if samples were as held-out "
            "images are; p nearer: one-sided Mann-Whitney test over all distances. d1/d2 compares "
            "the nearest train image with the second nearest; far below 1 it singles one out. A "
            "small p with d1/d2 below the null's points to copying; look at the pictures. "
            f"{CAUTION}",
            columns=(
                "space",
                "flagged, %",
                "expected, %",
                "p",
                "p nearer",
                "median d1",
                "held-out d1",
                "d1/d2",
                "held-out d1/d2",
            ),
            rows=rows,
        )

    def _controls(self) -> TablePanel:
        rows = [
            (
                kind,
                len(result.flagged),
                *(100 * float(s.controls[kind].flagged.mean()) for s in self.spaces),
            )
            for kind, result in self.spaces[0].controls.items()
        ]
        blind = [s.name for s in self.spaces if not s.sees]
        verdict = (
            f"In {' and '.join(blind)} the test misses some: a clean result there means little."
            if blind
            else "The test catches them, so a clean result above means something."
        )
        return TablePanel(
            title="Would a copy be caught?",
            caption="Copies of train images put through the same test: share flagged in each "
            f"space, which must be near 100 %. {verdict} Copies that are shifted, cropped or "
            "recoloured are not covered.",
            columns=("copies", "number", *(f"caught in {s.name}, %" for s in self.spaces)),
            rows=rows,
        )

    def _offenders(self) -> TablePanel:
        rows = []
        for i in self.order[: self.about["shown"]]:
            cells: list[Any] = [int(self.seeds[i])]
            for s in self.spaces:
                near = s.generated
                cells += [near.first[i], s.test.percentile[i], near.ratio[i], int(near.index[i, 0])]
            rows.append(cells)
        names = [
            f"{s.name}: {what}"
            for s in self.spaces
            for what in ("d1", "percentile", "d1/d2", "train row")
        ]
        return TablePanel(
            title="Worst offenders",
            caption="The samples of the first panel, left to right: distance to the nearest train "
            "image, the share of held-out images (in %) that are at least as near, nearest over "
            "second nearest distance, and the row of the train image.",
            columns=("seed", *names),
            rows=rows,
        )


def _long(space: str) -> str:
    return "discriminator features" if space == "discriminator" else space


def _sheet(pictures: np.ndarray) -> np.ndarray:
    rows, columns = pictures.shape[:2]
    return images.grid(pictures.reshape(rows * columns, *pictures.shape[2:]), columns)


def _scale(pictures: np.ndarray) -> int:
    """Enlargement that shows pictures at about 64 pixels a side."""
    return max(1, round(64 / pictures.shape[2]))
