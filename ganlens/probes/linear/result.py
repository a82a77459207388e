"""Result of the linear probe: held-out accuracies of linear SVMs on several sets of features."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.linear.controls import CONTROLS
from ganlens.probes.result import Number, Result


@dataclass(frozen=True)
class LinearProbeResult(Result):
    """Held-out accuracies of linear SVMs on several sets of features.

    Attributes:
        targets: T names of what was predicted.
        classes: names of each target's classes.
        features: F names: "all layers", each layer, then the controls that were fitted, out of
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
        missing: control -> why it could not be made.
        settings: control -> how its features were made.
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
    missing: dict[str, str]
    settings: dict[str, dict[str, Any]]

    @property
    def standard_error(self) -> np.ndarray:
        """(T,) binomial standard error of the accuracy on all layers.

        Two right and two wrong answers are added first (Agresti and Coull 1998): otherwise it would
        be 0 where nothing is wrong, which few test images cannot show.
        """
        n = self.known + 4
        share = (self.accuracy[0] * self.known + 2) / n
        return np.sqrt(share * (1 - share) / n)

    def numbers(self) -> list[Number]:
        """Return the accuracies, first their means over targets, then each target's."""
        means = dict(zip(self.features, self.accuracy.mean(axis=1), strict=True))
        why = {name: self.missing.get(name, reason) for name, reason in CONTROLS.items()}
        return [
            Number("accuracy", means["all layers"]),
            *(Number(f"accuracy_{name.replace('-', '_')}", means.get(name), reason=why[name])
              for name in CONTROLS),
            Number("accuracy_majority", self.majority.mean()),
            Number("accuracy_per_layer", {name: means[name] for name in self.layers}),
            Number("n_targets", len(self.targets)),
            Number("n_features", self.sizes[0]),
            Number("targets", {name: self._target(i) for i, name in enumerate(self.targets)}),
            Number("labels_per_class", {n: self._few(i) for i, n in enumerate(self.few_labels)}),
            Number("controls", {name: self._control(name) for name in self.settings}),
            Number("largest_duality_gap", self.gap),
        ]  # fmt: skip

    def _control(self, name: str) -> dict[str, Any]:
        f = self.features.index(name)
        return {
            **self.settings[name],
            "n_features": self.sizes[f],
            "accuracy": self.accuracy[f].mean(),
            "c": dict(zip(self.targets, self.cost[f], strict=True)),
        }

    def _few(self, i: int) -> dict[str, Any]:
        """Return accuracies with a number of labels per class: means over targets and draws.

        The standard deviation is that over draws (ddof 1); NaN for a single one.
        """
        shares = self.few_accuracy[:, i]
        many = shares.shape[-1] > 1
        return {
            name: {
                "accuracy": shares[g].mean(),
                "standard_deviation": shares[g].std(axis=-1, ddof=1).mean() if many else np.nan,
                "c": dict(zip(self.targets, self.few_cost[g, i], strict=True)),
            }
            for g, name in enumerate(self.few_features)
        }

    def _target(self, i: int) -> dict[str, Any]:
        accuracies = dict(zip(self.features, self.accuracy[:, i], strict=True))
        return {
            "accuracy": accuracies["all layers"],
            "standard_error": self.standard_error[i],
            "balanced_accuracy": self.balanced[0, i],
            **{name.replace("-", "_"): accuracies.get(name) for name in CONTROLS},
            "majority": self.majority[i],
            "c": self.cost[0, i],
            "n_classes": len(self.classes[i]),
            "n_test": self.known[i],
        }
