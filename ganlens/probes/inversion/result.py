"""Result of the invert probe: residuals and latents of images, kind by kind."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.inversion.comparison import TwoSample, percentile
from ganlens.probes.result import Number, Result

MEASURES = {"pixels": "pixel_mse", "features": "feature_distance"}


@dataclass(frozen=True)
class InversionResult(Result):
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

    def of(self, kind: str, measure: str = "pixels") -> np.ndarray:
        """Return the residuals of one kind of images."""
        return np.asarray(getattr(self, MEASURES[measure]))[self.kinds == kind]

    def percentiles(self, kind: str, measure: str = "pixels") -> np.ndarray:
        """Return each residual of a kind as a percentile of the held-out images' residuals."""
        return percentile(self.of(kind, measure), self.of("held-out", measure))

    def numbers(self) -> list[Number]:
        """Return medians, percentiles and the tests of train against held-out images."""
        kinds = list(dict.fromkeys(self.kinds.tolist()))
        return Number.each(
            {
                **{f"median_mse_{k.replace('-', '_')}": np.median(self.of(k)) for k in kinds},
                "auc_train_smaller": self.tests[0].auc,
                "p_train_smaller": self.tests[0].p_smaller,
                "latent_error_generated": np.median(self.latent_error),
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
                "edit": self.moved and self.moved[0],
                "unit": "mean squared pixel difference in [-1, 1]",
            },
            {"edit": "inverted images were walked between, not moved along a direction"},
        )

    def _kind(self, kind: str) -> dict[str, Any]:
        rows = self.kinds == kind
        found: dict[str, Any] = {"n": rows.sum()}
        for test in self.tests:
            values = self.of(kind, test.measure)
            quartiles = np.percentile(values, (25, 50, 75))
            found[f"{test.measure}_quartiles"] = quartiles
            if kind != "held-out":
                median = np.median(self.percentiles(kind, test.measure))
                found[f"{test.measure}_median_percentile_of_held_out"] = median
        found["mean_shell"] = self.shell[rows].mean()
        if kind == "own":
            found["names"] = self.names
            found["percentile_of_held_out"] = self.percentiles(kind)
        return found
