"""What the inversion found, and how it is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, figure
from ganlens.probes.inversion.evidence import TwoSample, percentile
from ganlens.probes.latent import picture_scale

MEASURES = {"pixels": "pixel_mse", "features": "feature_distance"}
SMALLEST = 1e-7  # residuals below it are drawn there, on the logarithmic axis
RESIDUALS = {  # measure -> what a residual in it is
    "pixels": "the mean squared difference of its pixels, in [-1, 1], from those of its "
    "reconstruction",
    "features": "the mean squared difference of its features in the discriminator, in units of "
    "their variance over samples (about 2 for unrelated images), from those of its reconstruction",
}
DASHES = ("solid", "dash", "dot")
ENOUGH = 200  # images of each kind from which a missing difference says something


@dataclass(frozen=True)
class InversionResult:
    """Inverted images, kind by kind.

    Attributes:
        kinds: (M,) "train", "held-out", "generated" or "own".
        latents: (M, d) float32.
        pixel_mse: (M,) mean squared pixel difference in [-1, 1] units.
        feature_distance: (M,) squared distance in the discriminator's features, or None.
        shell: (M,) squared length of the latent in parts of the prior's mean.
        starts: (M,) which start won, 0 the encoder's.
        latent_error: (n,) distance of the generated images' latents from the true ones, in parts of
            their length.
        tests: train against held-out, per measure.
        examples: (E,) rows that are shown: best, median, worst of each kind.
        originals: (E, H, W, C) uint8; drawn: the same, from the latents.
        strip: (H', W', 3) uint8, the drawn ones side by side; strip_recipe draws it again.
        edit: (H', W', 3) uint8, what was done with inverted images; edit_recipe draws it again.
        moved: name of the direction and amounts of the edit, or None for a walk.
        names: of one's own pictures.
        about: checkpoint, data, settings of the search.
    """

    kinds: np.ndarray
    latents: np.ndarray
    pixel_mse: np.ndarray
    feature_distance: np.ndarray | None
    shell: np.ndarray
    starts: np.ndarray
    latent_error: np.ndarray
    tests: tuple[TwoSample, ...]
    examples: np.ndarray
    originals: np.ndarray
    drawn: np.ndarray
    strip: np.ndarray
    strip_recipe: dict[str, Any]
    edit: np.ndarray
    edit_recipe: dict[str, Any]
    moved: tuple[str, tuple[float, ...]] | None
    names: tuple[str, ...]
    about: dict[str, Any]

    def of(self, kind: str, measure: str = "pixels") -> np.ndarray:
        """Return the residuals of one kind of images."""
        return np.asarray(getattr(self, MEASURES[measure]))[self.kinds == kind]

    def percentiles(self, kind: str, measure: str = "pixels") -> np.ndarray:
        """Return each residual of a kind as a percentile of the held-out images' residuals."""
        return percentile(self.of(kind, measure), self.of("held-out", measure))

    def summary(self) -> dict[str, Any]:
        """Return medians, percentiles, the tests, and all that makes them comparable."""
        kinds = list(dict.fromkeys(self.kinds.tolist()))
        return {
            **{f"median_mse_{k.replace('-', '_')}": float(np.median(self.of(k))) for k in kinds},
            "auc_train_smaller": self.tests[0].auc,
            "p_train_smaller": self.tests[0].p_smaller,
            "latent_error_generated": float(np.median(self.latent_error)),
            **{kind.replace("-", "_"): self._kind(kind) for kind in kinds},
            "tests": {
                t.measure: {
                    "auc": t.auc,
                    "auc_95": [t.low, t.high],
                    "p_mann_whitney_train_smaller": t.p_smaller,
                    "ks": t.ks,
                    "p_ks": t.p_ks,
                }
                for t in self.tests
            },
            "edit": None if self.moved is None else self.moved[0],
            "unit": "mean squared pixel difference in [-1, 1]",
            **self.about,
        }

    def _kind(self, kind: str) -> dict[str, Any]:
        rows = self.kinds == kind
        found: dict[str, Any] = {"n": int(rows.sum())}
        for test in self.tests:
            values = self.of(kind, test.measure)
            quartiles = np.percentile(values, (25, 50, 75))
            found[f"{test.measure}_quartiles"] = quartiles.tolist()
            if kind != "held-out":
                median = float(np.median(self.percentiles(kind, test.measure)))
                found[f"{test.measure}_median_percentile_of_held_out"] = median
        found["mean_shell"] = float(self.shell[rows].mean())
        if kind == "own":
            found["names"] = list(self.names)
            found["percentile_of_held_out"] = self.percentiles(kind).tolist()
        return found

    def panels(self) -> list[Panel]:
        """Return the pairs, the strip, the distributions, the numbers, the tests and the edit."""
        own = [self._own()] if self.names else []
        return [
            self._pairs(),
            self._strip(),
            *own,
            *(self._distribution(test.measure) for test in self.tests),
            self._numbers(),
            self._evidence(),
            self._edit(),
        ]

    def _columns(self) -> str:
        kinds = list(dict.fromkeys(self.kinds.tolist()))
        three = ", ".join(kind for kind in kinds if kind != "own")
        own = "; then your own pictures" if "own" in kinds else ""
        return f"Three columns each (best, median, worst) of {three}{own}"

    def _pairs(self) -> ImagePanel:
        gap = np.abs(self.originals.astype(np.int16) - self.drawn).astype(np.uint8)
        sheet = np.concatenate([self.originals, self.drawn, gap])
        return ImagePanel(
            title="Images and what the generator makes of them",
            caption=f"Above the image, in the middle the nearest picture that was found in latent "
            f"space, below their absolute difference (black is none). {self._columns()}. What is "
            "missing from the middle row, the generator cannot draw, or the search did not find; "
            "the generated images, whose answer is known, tell which.",
            image=images.grid(sheet, len(self.examples)),
            alt="images above their reconstructions above the differences",
            scale=picture_scale(self.drawn),
        )

    def _strip(self) -> ImagePanel:
        return ImagePanel(
            title="The reconstructions alone",
            caption=f"The middle row again, drawn from the latents that were found: this picture's "
            f"recipe holds them, so they can be replayed and moved on from. {self._columns()}.",
            image=self.strip,
            alt="reconstructions of train, held-out and generated images",
            scale=picture_scale(self.drawn),
            recipe=self.strip_recipe,
        )

    def _own(self) -> TablePanel:
        places = [self.percentiles("own", t.measure) for t in self.tests]
        values = [self.of("own", t.measure) for t in self.tests]
        rows = [
            (name, *(cell for v, p in zip(values, places, strict=True) for cell in (v[i], p[i])))
            for i, name in enumerate(self.names)
        ]
        return TablePanel(
            title="Your own pictures",
            caption="Residual, and the share of held-out images (in %) that invert at least as "
            "well: near 0 means that the picture lies unusually well within the generator's reach, "
            "near 100 that it is unlike what the generator draws.",
            columns=("picture", *(c for t in self.tests for c in (t.measure, "percentile"))),
            rows=rows,
        )

    def _distribution(self, measure: str) -> FigurePanel:
        kinds = ("train", "held-out", "generated")
        curves = [np.sort(self.of(kind, measure)).clip(SMALLEST) for kind in kinds]
        chart = figure(
            xaxis={"title": f"residual in {measure}", "type": "log", "dtick": 1,
                   "exponentformat": "power", "range": _decades(np.concatenate(curves))},
            yaxis={"title": "share of images, %", "range": [0, 101]},
            legend={"orientation": "h", "y": 1.12},
        )  # fmt: skip
        for i, (kind, values) in enumerate(zip(kinds, curves, strict=True)):
            share = 100 * np.arange(1, len(values) + 1) / len(values)
            line = {"color": PALETTE[i], "shape": "hv", "dash": DASHES[i]}
            chart.add_scatter(x=values, y=share, mode="lines", name=kind, line=line)
        return FigurePanel(
            title=f"How well images invert, in {measure}",
            caption=f"An image's residual is {RESIDUALS[measure]}. The curves: the share of "
            "each kind of image (N is in the table) whose residual is at most this large; further "
            "left is better. Generated images show what the search can reach where an exact answer "
            "exists. If the train curve runs to the left of the held-out one, the generator draws "
            "its training images better than others like them.",
            figure=chart,
        )

    def _numbers(self) -> TablePanel:
        rows = []
        for kind in dict.fromkeys(self.kinds.tolist()):
            for test in self.tests:
                values = self.of(kind, test.measure)
                low, middle, high = np.percentile(values, (10, 50, 90))
                place = float(np.median(self.percentiles(kind, test.measure)))
                shell = float(self.shell[self.kinds == kind].mean())
                rows.append((kind, test.measure, len(values), low, middle, high, place, shell))
        return TablePanel(
            title="Residuals",
            caption="Quantiles of the residuals of each kind; percentile: the median place "
            "among held-out images in %, near 50 for these themselves and below it for images that "
            "invert better; length: the mean squared length of the latents in parts of what the "
            "prior draws, near 1 where the search stayed where the generator was trained.",
            columns=("images", "measure", "N", "10 %", "median", "90 %", "percentile", "length"),
            rows=rows,
        )

    def _evidence(self) -> TablePanel:
        n = min(int((self.kinds == kind).sum()) for kind in ("train", "held-out"))
        few = f" With {n} of each this finds only coarse copying: set n to {ENOUGH} or more."
        return TablePanel(
            title="Do training images invert better?",
            caption="AUC: how often a train image has the smaller residual of a random pair, 0.5 "
            "where there is no difference, with its 95 % interval. A small p (one-sided "
            "Mann-Whitney; Kolmogorov-Smirnov for any difference) says that chance alone hardly "
            "makes such a gap between the two samples. It does not say that images were copied: "
            "the AUC says how large the gap is, and a split that is not random makes one too. A "
            "large p does not clear the generator: a few copied images among many shift no "
            f"median; `neighbors` looks for those.{few if n < ENOUGH else ''}",
            columns=("measure", "AUC", "low", "high", "p train smaller", "KS distance", "p KS"),
            rows=[(t.measure, t.auc, t.low, t.high, t.p_smaller, t.ks, t.p_ks) for t in self.tests],
        )

    def _edit(self) -> ImagePanel:
        whose = "your own" if self.names else "the held-out"
        title = "From one inverted image to another"
        caption = (
            f"Each row walks from the latent of one of {whose} images to the next one's. If the "
            "pictures on the way are plausible and change evenly, the latents lie where the "
            "generator works, not in a corner that happens to fit."
        )
        if self.moved is not None:
            name, amounts = self.moved
            title = f"Inverted images moved along {name}"
            caption = (
                f"One row for each of {whose} images: its latent moved along `{name}` by "
                f"{', '.join(f'{a:g}' for a in amounts)} standard deviations of the prior, left "
                "to right. An edit that works on samples and fails here says that the latent, "
                "though it fits the picture, lies off the paths that the generator learned."
            )
        return ImagePanel(
            title=title,
            caption=caption,
            image=self.edit,
            alt="rows of pictures made from the latents of inverted images",
            scale=picture_scale(self.drawn),
            recipe=self.edit_recipe,
        )


def _decades(values: np.ndarray) -> list[float]:
    """Return where a logarithmic axis begins and ends: at powers of ten, which have its labels."""
    low, high = np.floor(np.log10(values.min())), np.ceil(np.log10(values.max()))
    return [float(low), float(max(high, low + 1))]
