"""What moving along a turn vector did, and how it is shown."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ganlens import images
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.latent import picture_scale


@dataclass(frozen=True)
class TurnResult:
    """A continuous attribute measured on many samples along one vector.

    Attributes:
        attribute: what is turned.
        amounts: (P,) positions t of z + t v.
        vector: (d,) v.
        measured: (N, P) the attribute as the judge reads it, in the data's units.
        control: (N, P) the same along random vectors of equal length, one for each sample.
        others: the A categorical attributes that should stay.
        kept: (P, A) share of samples that read as at the middle position.
        kept_control: (P, A) the same along the random vectors.
        pictures: (S * P, H, W, C) uint8: some samples, position by position.
        ends: what the reader that sorted them says of the exemplars at either end, on average.
        gauge_correlation: held-out correlation of that reader.
        sigmas: length of v in standard deviations of the prior's coordinates.
        recipe: what draws the pictures again.
        about: which checkpoint, data, judge and settings.
    """

    attribute: str
    amounts: np.ndarray
    vector: np.ndarray
    measured: np.ndarray
    control: np.ndarray
    others: tuple[str, ...]
    kept: np.ndarray
    kept_control: np.ndarray
    pictures: np.ndarray
    ends: tuple[float, float]
    gauge_correlation: float
    sigmas: float
    recipe: dict[str, Any]
    about: dict[str, Any]

    @cached_property
    def correlations(self) -> np.ndarray:
        """(N,) Spearman correlation of the measured attribute with t, per sample."""
        return spearman(self.amounts, self.measured)

    @cached_property
    def slopes(self) -> np.ndarray:
        """(N,) least-squares slopes, in units of the attribute per unit of t."""
        return slopes(self.amounts, self.measured)

    def summary(self) -> dict[str, Any]:
        """Return correlation, slope and drift, each with its control."""
        control = spearman(self.amounts, self.control)
        stay = self.kept[[0, -1]].mean(0)
        stay_control = self.kept_control[[0, -1]].mean(0)
        return {
            **self.about,
            "attribute": self.attribute,
            "spearman_mean": float(self.correlations.mean()),
            "spearman_median": float(np.median(self.correlations)),
            "spearman_share_above_0.9": float((self.correlations > 0.9).mean()),
            "spearman_random_vectors": float(control.mean()),
            "slope_mean": float(self.slopes.mean()),
            "slope_std": float(self.slopes.std(ddof=1)),
            "slope_random_vectors": float(slopes(self.amounts, self.control).mean()),
            "vector_length_sigma": self.sigmas,
            "slope_per_sigma": float(self.slopes.mean()) / self.sigmas,
            "reach": float(self.amounts[-1]),
            "kept_at_the_ends": dict(zip(self.others, stay.tolist(), strict=True)),
            "kept_at_the_ends_mean": float(stay.mean()) if len(stay) else None,
            "kept_random_vectors_mean": float(stay_control.mean()) if len(stay) else None,
            "exemplars_read_as": list(self.ends),
            "gauge_correlation_held_out": self.gauge_correlation,
        }

    def panels(self) -> list[Panel]:
        """Return the strips, the measured curves, what else changed, and the numbers."""
        drift = [self._drift()] if self.others else []
        return [self._strips(), self._curves(), *drift, self._table()]

    def _strips(self) -> ImagePanel:
        return ImagePanel(
            title=f"Turning {self.attribute}",
            caption=f"Each row is one random sample z, drawn at z + t v for t from "
            f"{self.amounts[0]:g} to {self.amounts[-1]:g}; the middle picture is the sample "
            f"itself. The vector v is the mean latent of {self.about['exemplars']} samples with "
            f"the highest {self.attribute}, minus that of as many with the lowest (Radford 2015, "
            "section 6.3.2).",
            image=images.grid(self.pictures, len(self.amounts)),
            alt=f"rows of samples whose {self.attribute} changes from left to right",
            scale=picture_scale(self.pictures),
            recipe=self.recipe,
        )

    def _curves(self) -> FigurePanel:
        plot = figure(
            xaxis={"title": "t in z + t v"},
            yaxis={"title": f"measured {self.attribute}"},
            legend={"orientation": "h", "y": 1.12},
        )
        for values in self.measured[:20]:
            plot.add_scatter(
                x=self.amounts, y=values, mode="lines", showlegend=False, hoverinfo="skip",
                line={"color": PALETTE[0], "width": 1}, opacity=0.25,
            )  # fmt: skip
        for values, name, style in (
            (self.measured, "mean of all samples", {"color": PALETTE[0], "width": 3}),
            (self.control, "random vectors of equal length", {"color": PALETTE[1], "dash": "dot"}),
        ):
            plot.add_scatter(x=self.amounts, y=values.mean(0), name=name, line=style)
        return FigurePanel(
            title=f"Does {self.attribute} follow?",
            caption=f"Thin lines: single samples; bold: the mean of {len(self.measured)}. The "
            "measuring network saw real images only. Spearman's correlation with t is "
            f"{self.correlations.mean():.3f} on average (1: every sample turns steadily one way), "
            f"the slope {self.slopes.mean():.3g} per unit of t. Along random vectors, one "
            "for each sample, it should go nowhere on average.",
            figure=plot,
        )

    def _drift(self) -> FigurePanel:
        plot = figure(
            xaxis={"title": "t in z + t v"},
            yaxis={"title": "samples that read as before (%)", "range": [0, 102]},
        )
        for i, name in enumerate(self.others):
            dash = ("solid", "dot", "dash")[i // len(PALETTE) % 3]  # colours come round again
            plot.add_scatter(
                x=self.amounts, y=100 * self.kept[:, i], name=name, line={"dash": dash}
            )
        return FigurePanel(
            title="What else changes",
            caption="Share of samples whose other attributes still read as at t = 0. A perfect "
            "turn would leave all at 100 %; what falls is entangled with "
            f"{self.attribute} in this latent space. Random vectors of equal length keep "
            f"{self.kept_control[[0, -1]].mean():.0%} at the ends, this one "
            f"{self.kept[[0, -1]].mean():.0%}.",
            figure=plot,
        )

    def _table(self) -> TablePanel:
        values = self.summary()
        rows = [
            ("Spearman's correlation with t, mean over samples", values["spearman_mean"]),
            ("  the same along random vectors", values["spearman_random_vectors"]),
            ("samples with a correlation above 0.9", values["spearman_share_above_0.9"]),
            (f"slope: {self.attribute} per unit of t, mean", values["slope_mean"]),
            ("  its standard deviation over samples", values["slope_std"]),
            ("  the same along random vectors", values["slope_random_vectors"]),
            ("length of v in sigma of the prior", self.sigmas),
            *((f"still the same {k} at the ends", v)
              for k, v in values["kept_at_the_ends"].items()),
            ("held-out correlation of the judge",
             values["judge_correlation_held_out"].get(self.attribute)),
            ("held-out correlation of the reader that sorted the samples", self.gauge_correlation),
        ]  # fmt: skip
        return TablePanel(
            title="Numbers of the turn",
            caption=f"{self.attribute} is in the units of the data's attribute.",
            columns=("quantity", "value"),
            rows=rows,
        )


def spearman(amounts: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Return the (N,) rank correlations of (N, P) values with (P,) amounts; 0 if nothing moves."""
    from scipy.stats import rankdata

    ranks = rankdata(measured, axis=1)
    centred = ranks - ranks.mean(1, keepdims=True)
    order = rankdata(amounts) - (len(amounts) + 1) / 2
    size = np.sqrt((centred**2).sum(1) * (order**2).sum())
    return np.divide(centred @ order, size, out=np.zeros(len(size)), where=size > 0)


def slopes(amounts: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Return the (N,) least-squares slopes of (N, P) values over (P,) amounts."""
    centred = amounts - amounts.mean()
    return measured @ centred / (centred @ centred)
