"""What many calculations with concepts came to, and how it is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.concepts import Concept
from ganlens.probes.latent import picture_scale

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
Interval = tuple[float, float, float]  # share, and from where to where, at 95 % (Wilson)


@dataclass(frozen=True)
class Score:
    """What a judge says of some pictures.

    Attributes:
        success: share that meets all expected conditions.
        both: share that does and is plausible.
        plausible: share that the discriminator scores no lower than it does all but the lowest 5 %
            of random samples.
        each: (E,) share that meets each condition.
    """

    success: Interval
    both: Interval
    plausible: float
    each: np.ndarray


@dataclass(frozen=True)
class Formula:
    """The successes of one formula.

    Attributes:
        sides: A, B and C as expressions.
        wanted: the conditions that A - B + C should meet.
        plain: per count of exemplars, the results as they come.
        scaled: per count, the results brought back to the prior's length.
        pixels: the same arithmetic on the pixels of three exemplars each.
        random: random samples.
        shortlists: how many samples the exemplars of A, B and C were drawn from.
        shown: how many of these the readers see the concept in; the others are merely the nearest.
        pictures: (S, H, W, C) uint8, the first results with three exemplars each.
        right: (S,) bool, which of these meet all conditions.
        recipe: what draws the pictures again.
    """

    sides: tuple[str, ...]
    wanted: Concept
    plain: tuple[Score, ...]
    scaled: tuple[Score, ...]
    pixels: Score
    random: Score
    shortlists: tuple[int, ...]
    shown: tuple[int, ...]
    pictures: np.ndarray
    right: np.ndarray
    recipe: dict[str, Any]

    @property
    def text(self) -> str:
        """The formula as one line."""
        return "({}) - ({}) + ({})".format(*self.sides)

    @property
    def goal(self) -> str:
        """What is expected, as one expression."""
        return " & ".join(one.text for one in self.wanted)


@dataclass(frozen=True)
class ArithmeticScoreResult:
    """Success rates of vector arithmetic over random draws of exemplars.

    Attributes:
        formulas: one per formula.
        counts: (K,) int64 exemplars per concept.
        readers: rows of who chooses and who judges, as in ArithmeticResult.
        about: which checkpoint, data, judge and settings.
    """

    formulas: tuple[Formula, ...]
    counts: np.ndarray
    readers: tuple[tuple[Any, ...], ...]
    about: dict[str, Any]

    def summary(self) -> dict[str, Any]:
        """Return every rate with its interval, per formula."""
        shown = {one.text: self._numbers(one) for one in self.formulas}
        at = {f"success_{k}": self._mean(k) for k in (1, 3, 8)}
        controls = {
            "success_pixels": float(np.mean([one.pixels.success[0] for one in self.formulas])),
            "plausible_pixels": float(np.mean([one.pixels.plausible for one in self.formulas])),
            "success_random": float(np.mean([one.random.success[0] for one in self.formulas])),
        }
        return {**self.about, **at, **controls, "counts": self.counts.tolist(), "formulas": shown}

    def _mean(self, count: int) -> float | None:
        """Mean success over the formulas at a count, None where it was not drawn."""
        places = np.flatnonzero(self.counts == count)
        if not len(places):
            return None
        return float(np.mean([one.plain[int(places[0])].success[0] for one in self.formulas]))

    def _numbers(self, one: Formula) -> dict[str, Any]:
        per_count = zip(map(str, self.counts), one.plain, one.scaled, strict=True)
        return {
            "expected": one.goal,
            "means_of": {k: {**_plain(a), "rescaled": _plain(b)} for k, a, b in per_count},
            "pixel_arithmetic": _plain(one.pixels),
            "random_samples": _plain(one.random),
            "conditions": [condition.text for condition in one.wanted],
            "shortlists": list(one.shortlists),
            "shortlists_showing": list(one.shown),
        }

    def panels(self) -> list[Panel]:
        """Return the curve, the table, pictures of each formula, and who judged."""
        return [self._curve(), self._table(), *map(self._pictures, self.formulas), self._judges()]

    def _curve(self) -> FigurePanel:
        plot = figure(
            xaxis={"title": "exemplars per concept", "type": "log", "tickvals": self.counts},
            yaxis={"title": "share of draws that succeed (%)", "range": [0, 102]},
            legend={"orientation": "h", "y": -0.25},
            height=420,
        )
        for i, one in enumerate(self.formulas):
            color = PALETTE[i % len(PALETTE)]
            shares, low, high = 100 * np.array([score.success for score in one.plain]).T
            plot.add_scatter(
                x=self.counts, y=shares, name=f"to {one.goal}", mode="lines+markers",
                line={"color": color}, marker={"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 8},
                error_y={"array": high - shares, "arrayminus": shares - low, "thickness": 1},
            )  # fmt: skip
            plot.add_scatter(
                x=self.counts, y=[100 * score.success[0] for score in one.scaled],
                name=f"to {one.goal}, rescaled",
                mode="lines", line={"color": color, "dash": "dot"},
            )  # fmt: skip
            base = 100 * one.random.success[0]
            plot.add_hline(y=base, line={"color": color, "dash": "dash", "width": 1})
        return FigurePanel(
            title="Does averaging make arithmetic work?",
            caption="Share of draws in which mean(A) - mean(B) + mean(C) shows everything that is "
            "expected, by the number of exemplars that each mean is over; bars are 95 % intervals "
            f"over {self.about['draws']} draws. Single exemplars (1) carry all their accidents "
            "along; where means cancel them (Radford 2015, section 6.3.2), the curve rises. Means "
            "of many are short: dotted, the result is first brought back to the length of the "
            "prior's latents. Dashed, in the colour of each formula: the share of random samples "
            "that show what is expected by chance.",
            figure=plot,
        )

    def _table(self) -> TablePanel:
        rows: list[tuple[Any, ...]] = []
        for one in self.formulas:
            names = [f"means of {k}" if k > 1 else "single exemplars" for k in self.counts]
            named = [
                *zip(names, one.plain, strict=True),
                ("arithmetic on pixels, means of 3", one.pixels),
                ("random samples", one.random),
            ]
            rows += [
                (one.goal, name, *score.success, score.plausible, score.both[0])
                for name, score in named
            ]
        return TablePanel(
            title="Success of arithmetic, and of its controls",
            caption="Shares, 0 to 1. A success has every expected value in the eyes of a judge on "
            "pixels that never saw the discriminator which chose the exemplars; from and to: its "
            f"95 % interval (Wilson) over {self.about['draws']} draws from the same shortlists. "
            "Overlaid pictures show what was laid over "
            "each other, so the pixel control can succeed by that count: but no such picture "
            "exists. Plausible: the discriminator scores it above the lowest 5 % of random "
            "samples; both: a plausible success.",
            columns=("towards", "by", "success", "from", "to", "plausible", "both"),
            rows=rows,
        )  # fmt: skip

    def _pictures(self, one: Formula) -> ImagePanel:
        short = [
            f" Only {n} of the {size} samples that {side} was taken from are read as showing it."
            for side, n, size in zip(one.sides, one.shown, one.shortlists, strict=True)
            if n < size
        ]
        marks = "".join("x" if right else "-" for right in one.right)
        return ImagePanel(
            title=f"Towards {one.goal}",
            caption=f"{one.text}: the first {len(one.right)} draws with three exemplars each, "
            f"not chosen. The judge finds the expected values in {int(one.right.sum())} of them "
            f"(left to right {marks}, x is a success).{''.join(short)}",
            image=images.grid(one.pictures, len(one.right)),
            alt=f"{len(one.right)} results of {one.text}",
            scale=picture_scale(one.pictures),
            recipe=one.recipe,
        )

    def _judges(self) -> TablePanel:
        return TablePanel(
            title="Who chose the exemplars, and who judged",
            caption="The choice: linear readers on the discriminator's features. The judge: a "
            "small network on pixels, trained on real images. Accuracies are on held-out images.",
            columns=("role", "attribute", "values", "accuracy", "always the commonest",
                     "fitted to", "held out"),
            rows=self.readers,
        )  # fmt: skip


def _plain(score: Score) -> dict[str, Any]:
    return {
        "success": list(score.success),
        "success_and_plausible": list(score.both),
        "plausible": score.plausible,
        "per_condition": score.each.tolist(),
    }
