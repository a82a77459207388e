"""What the linear probe found, in numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.linear.controls import CONTROLS


@dataclass(frozen=True)
class LinearProbeNumbers:
    """Held-out accuracies of linear SVMs on several sets of features.

    Attributes:
        targets: T names of what was predicted.
        classes: names of each target's classes.
        features: F names: "all layers", each layer, then the controls that were judged, out of
            "untrained", "pixels", "k-means" and "supervised".
        layers: the discriminator's layers among them, in order.
        sizes: (F,) number of features.
        accuracy: (F, T) share of test images that are right, 0 to 1.
        balanced: (F, T) the same, averaged over classes.
        cost: (F, T) the C that was chosen on the validation split.
        majority: (T,) accuracy of always guessing the most frequent class.
        known: (T,) test images whose class is known.
        confusion: per target (K, K) counts of "all layers": row the true class, column the guess.
        gap: largest relative duality gap of any fit: how far the solver may be from the optimum.
        few_features: G names of the features that also learned from few labels; layers did not.
        few_labels: (L,) numbers of labelled images per class.
        few_cost: (G, L, T) the C that was chosen for them.
        few_accuracy: (G, L, T, R) share of test images that are right, for each of R draws.
        about: checkpoint, data, numbers of images, settings.
    """

    targets: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]
    features: tuple[str, ...]
    layers: tuple[str, ...]
    sizes: np.ndarray
    accuracy: np.ndarray
    balanced: np.ndarray
    cost: np.ndarray
    majority: np.ndarray
    known: np.ndarray
    confusion: tuple[np.ndarray, ...]
    gap: float
    few_features: tuple[str, ...]
    few_labels: np.ndarray
    few_cost: np.ndarray
    few_accuracy: np.ndarray
    about: dict[str, Any]

    @property
    def standard_error(self) -> np.ndarray:
        """(T,) binomial standard error of the accuracy on all layers.

        Two right and two wrong answers are added first (Agresti and Coull 1998): otherwise it would
        be 0 where nothing is wrong, which few test images cannot show.
        """
        n = self.known + 4
        share = (self.accuracy[0] * self.known + 2) / n
        return np.sqrt(share * (1 - share) / n)

    @property
    def few_deviation(self) -> np.ndarray:
        """(G, L, T) standard deviation over draws (ddof 1); NaN for a single draw."""
        draws = self.few_accuracy.shape[-1]
        if draws < 2:
            return np.full(self.few_accuracy.shape[:-1], np.nan)
        return self.few_accuracy.std(axis=-1, ddof=1)

    def summary(self) -> dict[str, Any]:
        """Return the accuracies, first their means over targets, then each target's."""
        about = {**self.about}
        missing, settings = about.pop("missing"), about.pop("controls")
        rows = zip(self.features, self.accuracy, strict=True)
        means = {name: float(row.mean()) for name, row in rows}
        return {
            "accuracy": means["all layers"],
            "accuracy_untrained": means.get("untrained"),
            "accuracy_pixels": means.get("pixels"),
            "accuracy_k_means": means.get("k-means"),
            "accuracy_supervised": means.get("supervised"),
            "accuracy_majority": float(self.majority.mean()),
            **{
                f"{name.replace('-', '_')}_reason": missing.get(name, "was not asked for")
                for name in CONTROLS
                if name not in means
            },
            "accuracy_per_layer": {name: means[name] for name in self.layers},
            "n_targets": len(self.targets),
            "n_features": int(self.sizes[0]),
            "targets": {name: self._target(i) for i, name in enumerate(self.targets)},
            "labels_per_class": {
                str(count): self._few(i) for i, count in enumerate(self.few_labels)
            },
            "controls": {
                name: {**made, **self._row(self.features.index(name))}
                for name, made in settings.items()
            },
            "largest_duality_gap": self.gap,
            **about,
        }

    def _row(self, f: int) -> dict[str, Any]:
        return {
            "n_features": int(self.sizes[f]),
            "accuracy": float(self.accuracy[f].mean()),
            "c": dict(zip(self.targets, self.cost[f].tolist(), strict=True)),
        }

    def _few(self, i: int) -> dict[str, Any]:
        """Accuracy with a number of labels per class: means over targets, and over draws."""
        spread = self.few_deviation[:, i].mean(axis=1)
        means = self.few_accuracy[:, i].mean(axis=(1, 2))
        return {
            name: {
                "accuracy": float(means[g]),
                "standard_deviation": None if np.isnan(spread[g]) else float(spread[g]),
                "c": dict(zip(self.targets, self.few_cost[g, i].tolist(), strict=True)),
            }
            for g, name in enumerate(self.few_features)
        }

    def _target(self, i: int) -> dict[str, Any]:
        return {
            "accuracy": float(self.accuracy[0, i]),
            "standard_error": float(self.standard_error[i]),
            "balanced_accuracy": float(self.balanced[0, i]),
            **{name.replace("-", "_"): self.of(name, i) for name in CONTROLS},
            "majority": float(self.majority[i]),
            "c": float(self.cost[0, i]),
            "n_classes": len(self.classes[i]),
            "n_test": int(self.known[i]),
        }

    def of(self, name: str, i: int) -> float | None:
        """Return the accuracy of named features on the i-th target, None if not judged."""
        return float(self.accuracy[self.features.index(name), i]) if name in self.features else None
