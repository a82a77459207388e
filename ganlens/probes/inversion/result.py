"""Result of the invert probe: residuals and latents of images, kind by kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.inversion.comparison import percentile
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
        tests: train against held-out, per measure: see ``two_sample``.
        examples: (E,) rows that are shown: best, median, worst of each kind.
        originals: (E, H, W, C) uint8; drawn: the same, from the latents.
        strip: (H', W', 3) uint8, the drawn ones side by side; strip_recipe draws it again.
        edit: (H', W', 3) uint8, edits of inverted images; edit_recipe draws it again.
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
    tests: Mapping[str, dict[str, Any]]
    examples: np.ndarray
    originals: np.ndarray
    drawn: np.ndarray
    strip: np.ndarray
    strip_recipe: dict[str, Any]
    edit: np.ndarray
    edit_recipe: dict[str, Any]
    moved: tuple[str, tuple[float, ...]] | None
    names: tuple[str, ...]

    @property
    def kind_keys(self) -> dict[str, str]:
        """Kind of images -> its key in the summary."""
        return {kind: kind.replace("-", "_") for kind in self.kinds.tolist()}

    def of(self, kind: str, measure: str = "pixels") -> np.ndarray:
        """Return the residuals of one kind of images."""
        return np.asarray(getattr(self, MEASURES[measure]))[self.kinds == kind]

    def percentiles(self, kind: str, measure: str = "pixels") -> np.ndarray:
        """Return each residual of a kind as a percentile of the held-out images' residuals."""
        return percentile(self.of(kind, measure), self.of("held-out", measure))

    def numbers(self) -> list[Number]:
        """Return medians, percentiles and the tests of train against held-out images."""
        keys, test = self.kind_keys, self.tests["pixels"]
        return Number.each(
            {
                **{f"median_mse_{key}": np.median(self.of(kind)) for kind, key in keys.items()},
                "auc_train_smaller": test["auc"],
                "p_train_smaller": test["p_mann_whitney_train_smaller"],
                "latent_error_generated": np.median(self.latent_error),
                **{key: self._kind(kind) for kind, key in keys.items()},
                "tests": self.tests,
                "edit": self.moved and self.moved[0],
                "unit": "mean squared pixel difference in [-1, 1]",
            },
            {"edit": "inverted images were walked between, not moved along a direction"},
        )

    def _kind(self, kind: str) -> dict[str, Any]:
        rows = self.kinds == kind
        found: dict[str, Any] = {"n": rows.sum(), "mean_shell": self.shell[rows].mean()}
        for measure in self.tests:
            found[f"{measure}_quartiles"] = np.percentile(self.of(kind, measure), (25, 50, 75))
            if kind != "held-out":
                median = np.median(self.percentiles(kind, measure))
                found[f"{measure}_median_percentile_of_held_out"] = median
        if kind == "own":
            found |= {"names": self.names, "percentile_of_held_out": self.percentiles(kind)}
        return found
