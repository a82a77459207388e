"""What forgetting did, and how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ganlens import images
from ganlens.edits import Blend
from ganlens.latents import Seeds
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.forgetting.trial import Outcome, Trial
from ganlens.probes.latent import picture_scale
from ganlens.recipe import Recipe, draw

SHOWN = 18  # samples that are shown
PAIRS = 6  # on a row
VERBS = {"scale": "loses", "drop": "loses", "insert": "gains"}


@dataclass(frozen=True)
class Sheet:
    """Pairs of pictures, before and after one edit.

    Attributes:
        title: of the panel.
        pictures: (2 S, H, W, C) uint8, before and after in turn.
        recipe: what draws them again.
    """

    title: str
    pictures: np.ndarray
    recipe: dict[str, Any]


@dataclass(frozen=True)
class Curve:
    """What happens over the number of maps, beside equally many random ones.

    Attributes:
        counts: (K,) numbers of maps.
        turned: (K, 2) share whose concept went or came, for chosen and random maps; NaN where no
            judge is at hand.
        others: (K, 2) mean share of other attributes that changed.
        moved: (K, 2) mean change of a pixel inside the box, of 255.
    """

    counts: np.ndarray
    turned: np.ndarray
    others: np.ndarray
    moved: np.ndarray

    @classmethod
    def of(cls, counts: Sequence[int], rows: Sequence[Sequence[Outcome]]) -> "Curve":
        """Gather the outcomes of chosen and random maps at each number."""

        def table(name: str) -> np.ndarray:
            return np.array([[getattr(one, name) for one in row] for row in rows], dtype=float)

        return cls(np.array(counts), table("turned"), table("mean"), table("inside"))


@dataclass(frozen=True)
class ForgetResult:
    """A concept, the maps that draw it, and what changing them did to held-out samples.

    Attributes:
        concept: what was looked for.
        mode: "scale", "drop" or "insert".
        aucs: (h, w) how well each cell's channels tell whether a sample shows the concept.
        box: the concept's place: left, top, right, bottom in shares of the side.
        unit_auc: held-out area under the ROC curve of the classifier of channel vectors.
        unit_cells: cells behind it.
        weights: (C,) of that classifier.
        outcomes: what each way of choosing maps did; the first is the one asked for.
        random: what equally many random maps did, one for each draw.
        curve: the same over the number of maps.
        edit: the one asked for.
        pictures: samples before and after.
        fd_before: Fréchet distance of the samples before to the real images.
        about: which checkpoint, data, judge and settings.
    """

    concept: str
    mode: str
    aucs: np.ndarray
    box: tuple[float, ...]
    unit_auc: float | None
    unit_cells: int
    weights: np.ndarray
    outcomes: tuple[Outcome, ...]
    random: tuple[Outcome, ...]
    curve: Curve
    edit: Blend
    pictures: tuple[Sheet, ...]
    fd_before: float | None
    about: dict[str, Any]

    @property
    def control(self) -> Outcome:
        """The mean over the draws of random maps."""
        found = self.random
        return Outcome(
            name="equally many random maps, the same way (mean of draws)",
            maps=found[0].maps,
            turned=_mean([one.turned for one in found]),
            interval=None,
            others={
                name: float(np.mean([one.others[name] for one in found]))
                for name in found[0].others
            },
            score=_mean([one.score for one in found]),
            inside=float(np.mean([one.inside for one in found])),
            outside=_mean([one.outside for one in found]),
            fd=_mean([one.fd for one in found]),
        )

    def summary(self) -> dict[str, Any]:
        """Return the shares, each beside its control."""
        own, control = self.outcomes[0], self.control
        return {
            **self.about,
            "concept": self.concept,
            "mode": self.mode,
            "unit_auc_held_out": self.unit_auc,
            "unit_cells_held_out": self.unit_cells,
            "best_cell_auc_held_out": float(self.aucs.max()),
            "box": list(self.box),
            "maps_changed": own.maps,
            "maps_in_layer": len(self.weights),
            "turned": own.turned,
            "turned_interval": None if own.interval is None else list(own.interval),
            "turned_random_maps": control.turned,
            "others_changed": own.others,
            "others_changed_mean": own.mean,
            "others_changed_worst": own.worst,
            "others_changed_random_maps": control.others,
            "others_changed_mean_random_maps": control.mean,
            "score_change": own.score,
            "score_change_random_maps": control.score,
            "pixel_change_inside": own.inside,
            "pixel_change_outside": own.outside,
            "fd_before": self.fd_before,
            "fd_after": own.fd,
            "ways": {
                one.name: {"maps": one.maps, "turned": one.turned, "others_mean": one.mean,
                           "others_worst": one.worst}
                for one in self.outcomes
            },
        }  # fmt: skip

    def panels(self) -> list[Panel]:
        """Return pictures, the place, the curve, and the tables."""
        sheets = [self._sheet(one, i) for i, one in enumerate(self.pictures)]
        judged = [self._attributes()] if self.outcomes[0].others else []
        return [*sheets, self._place(), self._curve(), self._ways(), *judged]

    def _sheet(self, sheet: Sheet, index: int) -> ImagePanel:
        own = self.outcomes[0]
        told = (
            f"{own.maps} maps of {self.about['layer']}, {own.name.partition(', ')[2] or own.name}.",
            "The control: equally many other maps, changed in the same way.",
            "The paper's way: every map to which the classifier of units gives a positive weight, "
            "changed everywhere.",
        )[index]
        return ImagePanel(
            title=sheet.title,
            caption="Pairs: a held-out sample and, right of it, the same latent with the maps "
            f"changed. {told}",
            image=images.grid(sheet.pictures, 2 * PAIRS),
            alt="pairs of samples before and after maps were changed",
            scale=picture_scale(sheet.pictures),
            recipe=sheet.recipe,
        )

    def _place(self) -> FigurePanel:
        height, width = self.aucs.shape
        plot = figure(
            xaxis={"title": "column of the layer", "constrain": "domain"},
            yaxis={"title": "row", "autorange": "reversed", "scaleanchor": "x"},
        )
        plot.add_heatmap(
            z=self.aucs, zmin=0.5, zmax=1, colorscale="Cividis", colorbar={"title": "AUC"}
        )
        left, top, right, bottom = self.box
        plot.add_shape(
            type="rect", x0=left * width - 0.5, x1=right * width - 0.5,
            y0=top * height - 0.5, y1=bottom * height - 0.5,
            line={"color": PALETTE[3], "width": 3},
        )  # fmt: skip
        return FigurePanel(
            title="Where the layer knows the concept",
            caption="Each cell: how well its channels alone tell, on samples not fitted to, "
            f"whether a sample shows {self.concept} (0.5: guessing, 1: always right). The frame "
            "is the place where maps are changed.",
            figure=plot,
        )

    def _curve(self) -> FigurePanel:
        judged = np.isfinite(self.curve.turned).all()
        plot = figure(
            xaxis={"title": "maps replaced", "type": "log", "dtick": "D2"},
            yaxis={"title": "share of samples (%)" if judged else "pixel change of 255"},
            legend={"orientation": "h", "y": 1.15},
        )
        series = (
            (("concept turned", self.curve.turned), ("other attributes changed", self.curve.others))
            if judged
            else (("change inside the place", self.curve.moved),)
        )
        for i, (name, values) in enumerate(series):
            for j, (who, dash) in enumerate((("chosen", "solid"), ("random", "dot"))):
                plot.add_scatter(
                    x=self.curve.counts, y=values[:, j] * (100 if judged else 1),
                    name=f"{name}, {who} maps", mode="lines+markers",
                    line={"color": PALETTE[i], "dash": dash},
                    marker={"symbol": ("circle", "square")[i]},
                )  # fmt: skip
        return FigurePanel(
            title="How many maps it takes",
            caption="The most important maps, replaced one after another (solid), beside as many "
            "random ones (dotted). Good maps turn the concept long before anything else changes.",
            figure=plot,
        )

    def _ways(self) -> TablePanel:
        verb = VERBS[self.mode]
        rows = [
            (one.name, one.maps, _percent(one.turned), _percent(one.mean), _percent(one.worst),
             one.score, one.inside, one.outside, one.fd)
            for one in (*self.outcomes, self.control)
        ]  # fmt: skip
        rows.append(("nothing changed", 0, None, None, None, 0.0, 0.0, None, self.fd_before))
        area = "unknown" if self.unit_auc is None else f"{self.unit_auc:.3f}"
        return TablePanel(
            title="Ways of choosing maps",
            caption=f"On {self.about['samples']} held-out samples: how often a sample {verb} the "
            "concept, how often its other attributes read differently (mean and worst attribute), "
            "the change of the discriminator's score and of pixels (of 255), and the Fréchet "
            "distance to real images. The classifier of units has a held-out AUC of "
            f"{area} over {self.unit_cells:,} cells.",
            columns=("maps chosen", "maps", f"{verb} it (%)", "others changed (%)", "worst (%)",
                     "D's score", "pixels inside", "outside", "FD"),
            rows=rows,
        )  # fmt: skip

    def _attributes(self) -> TablePanel:
        columns = (*self.outcomes, self.control)
        names = self.outcomes[0].others
        return TablePanel(
            title="What else changed",
            caption="Share (%) of the samples whose other attributes read differently from before, "
            "by a network on pixels that saw real images only. Attributes in the same place as the "
            "concept suffer first.",
            columns=("attribute", *(one.name for one in columns)),
            rows=[(name, *(_percent(one.others[name]) for one in columns)) for name in names],
        )


def pictures_of(trial: Trial, own: Blend, paper: Blend, random: Blend) -> tuple[Sheet, ...]:
    """Draw the sheets: the chosen maps, random ones, and the paper's way."""
    kinds = (("Before and after", own), ("Random maps instead", random), ("The paper's way", paper))
    found = []
    for title, edit in kinds:
        both = replace(edit, amounts=(0.0, 1.0))
        seeds = Seeds(trial.seeds[:SHOWN])
        recipe = Recipe.of(trial.subject, seeds, columns=2 * PAIRS, edits=[both])
        pictures = images.to_uint8(draw(trial.subject, recipe))
        found.append(Sheet(title, pictures, recipe.to_json()))
    return tuple(found)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
