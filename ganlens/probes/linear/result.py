"""What the linear probe found, and how it is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ganlens.panels import PALETTE, FigurePanel, Panel, TablePanel, figure

SOURCE = "Radford 2015, section 5.1"


@dataclass(frozen=True)
class LinearProbeResult:
    """Held-out accuracies of linear SVMs on several sets of features.

    Attributes:
        targets: T names of what was predicted.
        classes: names of each target's classes.
        features: F names: "all layers", each layer, then "untrained" and "pixels" where judged.
        layers: the discriminator's layers among them, in order.
        sizes: (F,) number of features.
        accuracy: (F, T) share of test images that are right, 0 to 1.
        balanced: (F, T) the same, averaged over classes.
        cost: (F, T) the C that was chosen on the validation split.
        majority: (T,) accuracy of always guessing the most frequent class.
        known: (T,) test images whose class is known.
        confusion: per target (K, K) counts of "all layers": row the true class, column the guess.
        gap: largest relative duality gap of any fit: how far the solver may be from the optimum.
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
    about: dict[str, Any]

    @property
    def standard_error(self) -> np.ndarray:
        """(T,) binomial standard error of the accuracy on all layers."""
        share = self.accuracy[0]
        return np.sqrt(share * (1 - share) / np.maximum(self.known, 1))

    def summary(self) -> dict[str, Any]:
        """Return the accuracies, first their means over targets, then each target's."""
        rows = zip(self.features, self.accuracy, strict=True)
        means = {name.replace(" ", "_"): float(row.mean()) for name, row in rows}
        return {
            "accuracy": means.pop("all_layers"),
            "accuracy_untrained": means.pop("untrained", None),
            "accuracy_pixels": means.pop("pixels", None),
            "accuracy_majority": float(self.majority.mean()),
            "untrained_reason": self.about["no_untrained"] or self._not_asked("untrained"),
            "accuracy_per_layer": means,
            "n_targets": len(self.targets),
            "n_features": int(self.sizes[0]),
            "targets": {name: self._target(i) for i, name in enumerate(self.targets)},
            "largest_duality_gap": self.gap,
            **{key: value for key, value in self.about.items() if key != "no_untrained"},
        }

    def _not_asked(self, name: str) -> str | None:
        return None if name in self.features else "controls were not asked for"

    def _target(self, i: int) -> dict[str, Any]:
        return {
            "accuracy": float(self.accuracy[0, i]),
            "standard_error": float(self.standard_error[i]),
            "balanced_accuracy": float(self.balanced[0, i]),
            "untrained": self._of("untrained", self.accuracy, i),
            "pixels": self._of("pixels", self.accuracy, i),
            "majority": float(self.majority[i]),
            "c": float(self.cost[0, i]),
            "n_classes": len(self.classes[i]),
            "n_test": int(self.known[i]),
        }

    def _of(self, name: str, values: np.ndarray, i: int) -> float | None:
        return float(values[self.features.index(name), i]) if name in self.features else None

    def panels(self) -> list[Panel]:
        """Return the table, the layers' figure and the confusion matrix."""
        return [self._table(), self._layers(), self._confusion()]

    def _table(self) -> TablePanel:
        rows = [
            (
                name,
                len(self.classes[i]),
                100 * self.accuracy[0, i],
                100 * self.standard_error[i],
                100 * self.balanced[0, i],
                *(
                    _percent(self._of(control, self.accuracy, i))
                    for control in ("untrained", "pixels")
                ),
                100 * self.majority[i],
                self.cost[0, i],
            )
            for i, name in enumerate(self.targets)
        ]
        n, m = self.about["n_train"], self.about["n_test"]
        return TablePanel(
            title="What a linear classifier reads off the discriminator",
            caption=f"Accuracy in % on {m:,} test images of an L2-SVM, min 0.5|w|² + "
            f"C Σ max(0, 1 - y(w·x + b))², fitted to {n:,} of "
            f"{self.about['n_train_available']:,} train images; x: all {len(self.layers)} "
            f"convolution layers, max-pooled to {self.about['pool']}x{self.about['pool']}, "
            f"{self.sizes[0]:,} features ({SOURCE}). Training taught the discriminator something "
            "about a target only where it beats both the same network untrained and raw pixels by "
            "more than a few standard errors; the majority guess is what knowing nothing gives.",
            columns=(
                "target",
                "classes",
                "accuracy",
                "± std. error",
                "balanced",
                "untrained",
                "pixels",
                "majority",
                "C",
            ),
            rows=rows,
        )

    def _layers(self) -> FigurePanel:
        chart = figure(yaxis={"title": "test accuracy, %", "range": [0, 103]}, showlegend=False)
        order = [*self.layers, "all layers", *self.features[1 + len(self.layers) :]]
        rows = 100 * self.accuracy[[self.features.index(name) for name in order]]
        names = [f"{name}<br>({self.sizes[self.features.index(name)]:,})" for name in order]
        colours = [PALETTE[0] if n in (*self.layers, "all layers") else "#999999" for n in order]
        means = rows.mean(axis=1)
        text = [f"{value:.1f}" for value in means]
        chart.add_bar(
            x=names,
            y=means,
            marker_color=colours,
            text=text,
            textposition="inside",
            insidetextanchor="start",
            hovertemplate="%{y:.1f} %<extra></extra>",
        )
        chart.add_hline(
            100 * self.majority.mean(),
            line_dash="dash",
            line_color="#D55E00",
            annotation_text="majority guess",
            annotation_position="top left",
            annotation_bgcolor="white",
        )
        if len(self.targets) > 1:
            for i, target in enumerate(self.targets):
                chart.add_scatter(
                    x=names,
                    y=rows[:, i],
                    mode="markers",
                    name=target,
                    marker={"color": "black", "size": 6, "opacity": 0.6},
                )
        many = f"; the bar is the mean of {len(self.targets)} targets, each a dot"
        return FigurePanel(
            title="Which layer knows it",
            caption="Test accuracy from each layer's features alone, from the first layer to the "
            "last, and from all together; grey are the controls, below the names stands the number "
            f"of features{many if len(self.targets) > 1 else ''}. Layers use the C chosen for all. "
            "A layer with more features has an easier task: compare with the untrained network as "
            "well.",
            figure=chart,
        )

    def _confusion(self) -> FigurePanel:
        i = int(self.accuracy[0].argmin())
        counts, classes = self.confusion[i], list(self.classes[i])
        share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        chart = figure(
            xaxis={"title": "predicted", "type": "category"},
            yaxis={"title": f"true {self.targets[i]}", "autorange": "reversed", "type": "category"},
            height=max(340, 34 * len(classes) + 140),
        )
        chart.add_trace(
            go.Heatmap(
                z=share,
                x=classes,
                y=classes,
                colorscale="Blues",
                zmin=0,
                zmax=100,
                text=counts if len(classes) <= 20 else None,
                texttemplate="%{text}",
                colorbar={"title": "% of row"},
                hovertemplate="true %{y}, predicted %{x}: %{z:.1f} %<extra></extra>",
            )
        )
        hardest = "the hardest target" if len(self.targets) > 1 else "the target"
        return FigurePanel(
            title=f"What is mistaken for what: {self.targets[i]}",
            caption=f"Test images by true and predicted value of {self.targets[i]}, {hardest}, "
            "from all layers' features: numbers are images, colours shares of a row. Pairs that "
            "are often confused in both directions lie close together in the discriminator's "
            "features.",
            figure=chart,
        )


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
