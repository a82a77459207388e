"""What maximisation found, and how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.maximize.evidence import Evidence
from ganlens.probes.maximize.units import LOGIT
from ganlens.probes.tiles import labelled

DASHES = ("solid", "dot", "dash", "longdash")
MOST_CURVES = 12
WINDOW = 15  # steps that a point of a curve is the mean of


@dataclass(frozen=True)
class MaximizeResult:
    """The images that excite U units most.

    Attributes:
        names: of the units, as the user writes them.
        networks: which network each is in.
        trained: what was made and reached.
        untrained: the same in the untrained networks, None where there are none.
        real: (U, H, W, C) uint8, the real image with each unit's highest activation.
        note: why there is nothing untrained, or empty.
        about: which checkpoint, data, judge, sizes and seed.
    """

    names: tuple[str, ...]
    networks: tuple[str, ...]
    trained: Evidence
    untrained: Evidence | None
    real: np.ndarray
    note: str
    about: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """Return what each unit reached beside the controls; the score is in steps of real images.

        0 is the median real image and 1 the highest one of the N.
        """
        score = self.trained.score
        known = score[np.isfinite(score)]
        return {
            **self.about,
            "units": {name: self._unit(i) for i, name in enumerate(self.names)},
            "score_median": float(np.median(known)) if len(known) else None,
            "score_lowest": float(known.min()) if len(known) else None,
            "score_noise_median": _median(self.trained.scaled(self.trained.highest_noise)),
            "score_untrained_median": None
            if self.untrained is None
            else _median(self.untrained.score),
            "above_every_real_image": int((self.trained.reached > self.trained.highest_real).sum()),
            "n_units": len(self.names),
            "untrained_note": self.note or None,
        }

    def _unit(self, i: int) -> dict[str, Any]:
        found, before = self.trained, self.untrained
        return {
            "network": self.networks[i],
            "reached": float(found.reached[i]),
            "highest_real": float(found.highest_real[i]),
            "median_real": float(found.median_real[i]),
            "highest_noise": float(found.highest_noise[i]),
            "score": _plain(found.score[i]),
            "probability": _plain(found.probability[i]),
            "reached_untrained": None if before is None else float(before.reached[i]),
            "highest_real_untrained": None if before is None else float(before.highest_real[i]),
            "score_untrained": None if before is None else _plain(before.score[i]),
        }

    def panels(self) -> list[Panel]:
        """Return the images with their controls, the ascent, and the numbers."""
        return [self._tiles(), self._curves(), self._table()]

    def _tiles(self) -> ImagePanel:
        rows = [("maximised", self.trained.pictures), ("highest real image", self.real)]
        if self.untrained is not None:
            rows.append(("maximised, untrained", self.untrained.pictures))
        third = (
            "The bottom row is made the same way for the network before training: what shows "
            "there too was not learned."
            if self.untrained is not None
            else self.note
        )
        return ImagePanel(
            title="What excites these units most",
            caption=f"One column per unit{self._kinds()}. The top row is made by gradient ascent "
            f"from an even colour; below it is the one of {self.about['n_real']:,} real images "
            f"with the highest activation. {third} A made image is not a sample: it exaggerates "
            "what the unit counts, and may look like nothing real.",
            image=labelled(self.names, rows),
            alt=f"{len(rows)} rows ({', '.join(name for name, _ in rows)}) of images for the "
            f"units {', '.join(self.names)}",
            scale=1,
        )

    def _kinds(self) -> str:
        """Say what the names of the units stand for."""
        known = (
            (LOGIT in self.names, f"`{LOGIT}` is how real the discriminator finds an image"),
            (any(":" in name for name in self.names), "`layer:9` is channel 9 of a layer"),
            (any("=" in name for name in self.names), "`target=class` is an answer of the judge"),
        )
        told = "; ".join(words for there, words in known if there)
        return f" ({told})" if told else ""

    def _curves(self) -> FigurePanel:
        plot = figure(
            xaxis={"title": "step of gradient ascent"},
            yaxis={"title": "activation (1: highest real image)"},
            legend={"orientation": "h", "y": -0.25},
            height=400,
        )
        values = self.trained.scaled(self.trained.history)
        for i, name in enumerate(self.names[:MOST_CURVES]):
            if np.isfinite(values[:, i]).all():
                plot.add_scatter(
                    x=np.arange(1, len(values) + 1), y=_smooth(values[:, i]), name=name,
                    mode="lines",
                    line={"color": PALETTE[i % 6], "dash": DASHES[i % 4], "width": 2},
                )  # fmt: skip
        plot.add_hline(y=1, line={"color": "#000000", "dash": "dash", "width": 1})
        plot.add_hline(y=0, line={"color": "#000000", "dash": "dot", "width": 1})
        return FigurePanel(
            title="How the activation climbs",
            caption="Each unit on its own scale: 0 (dotted) is its median over the real images, 1 "
            f"(dashed) the highest of them. {self._moved()} Where a curve still rises at the end, "
            "more iterations would reach further.",
            figure=plot,
        )

    def _moved(self) -> str:
        smoothed = f"the curves are means over {WINDOW} steps"
        if not self.about["shaken"]:
            return f"{smoothed.capitalize()}."
        return (
            f"The image is moved at random before every step, so {smoothed}, and can lie below "
            "the score in the table, which is that of the image at rest."
        )

    def _table(self) -> TablePanel:
        units = self.summary()["units"]
        columns = {
            "reached": "reached",
            "highest real": "highest_real",
            "median real": "median_real",
            "highest noise": "highest_noise",
            "score": "score",
            "read as it, p": "probability",
            "untrained: reached": "reached_untrained",
            "untrained: highest real": "highest_real_untrained",
            "untrained: score": "score_untrained",
        }
        return TablePanel(
            title="Activations reached",
            caption="Activations before the activation function. The score is 0 at the median "
            "real image and 1 at the highest; the noise has the data's colours and a natural "
            "spectrum. An untrained unit can be driven beyond real images too, so the score says "
            "how far ascent goes, and only the pictures say what was learned.",
            columns=("unit", "network", *columns),
            rows=[
                (name, one["network"], *(one[key] for key in columns.values()))
                for name, one in units.items()
            ],
        )


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None


def _smooth(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return running means over ``WINDOW`` values, fewer at the ends."""
    ones = np.ones(min(WINDOW, len(values)))
    return np.convolve(values, ones, "same") / np.convolve(np.ones(len(values)), ones, "same")
