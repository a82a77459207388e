"""How the linear probe's result is shown: tables, the layers, confusions, the learning curve."""

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from ganlens.panels import PALETTE, FigurePanel, Panel, TablePanel, figure
from ganlens.probes.linear.controls import CONTROLS

if TYPE_CHECKING:
    from ganlens.probes.linear.numbers import LinearProbeNumbers

SOURCE = "Radford 2015, section 5.1"


def table(result: "LinearProbeNumbers") -> TablePanel:
    """Return the accuracy of all layers on each target, the controls beside it."""
    controls = [n for n in CONTROLS if n in (*CONTROLS[:2], *result.features)]
    rows = [
        (
            name,
            len(result.classes[i]),
            100 * result.accuracy[0, i],
            100 * result.standard_error[i],
            100 * result.balanced[0, i],
            *(_percent(result.of(control, i)) for control in controls),
            100 * result.majority[i],
            result.cost[0, i],
        )
        for i, name in enumerate(result.targets)
    ]
    n, m = (result.about[key] for key in ("n_train", "n_test"))
    return TablePanel(
        title="What a linear classifier reads off the discriminator",
        caption=f"Accuracy in % on {m:,} test images, of a linear classifier fitted to {n:,} of "
        f"{result.about['n_train_available']:,} train images. Training taught the discriminator "
        "something about a target only where the accuracy beats both the same network untrained "
        "and raw pixels by more than a few standard errors; the majority guess is what knowing "
        "nothing gives. balanced: the mean over the classes, so that rare ones count as much. The "
        f"classifier: an L2-SVM, min 0.5|w|² + C Σ max(0, 1 - y(w·x + b))²; x: all "
        f"{len(result.layers)} convolution layers, max-pooled to "
        f"{result.about['pool']}x{result.about['pool']}, {result.sizes[0]:,} features ({SOURCE})."
        + _also(controls)
        + _averaged(result.about),
        columns=(
            "target",
            "classes",
            "accuracy",
            "± std. error",
            "balanced",
            *controls,
            "majority",
            "C",
        ),
        rows=rows,
    )


def _averaged(about: dict[str, Any]) -> str:
    shift = about["shift"]
    moved = f"nine copies of each image, moved by {shift} px or not at all" if shift else ""
    if not about["mirror"]:
        return f" Features are means over {moved}." if moved else ""
    mirrored = "their mirror images" if moved else "each image and its mirror image"
    return f" Features are means over {f'{moved}, and ' if moved else ''}{mirrored}."


def layers(result: "LinearProbeNumbers") -> FigurePanel:
    """Return the accuracy of each layer alone, of all, and of the controls."""
    chart = figure(yaxis={"title": "test accuracy, %", "range": [0, 103]}, showlegend=False)
    order = [*result.layers, "all layers", *result.features[1 + len(result.layers) :]]
    rows = 100 * result.accuracy[[result.features.index(name) for name in order]]
    names = [f"{name}<br>({result.sizes[result.features.index(name)]:,})" for name in order]
    colours = [PALETTE[0] if n in (*result.layers, "all layers") else "#999999" for n in order]
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
        100 * result.majority.mean(),
        line_dash="dash",
        line_color="#D55E00",
        annotation_text="majority guess",
        annotation_position="top left",
        annotation_bgcolor="white",
        annotation_font_color="#333333",  # on that ground, in a dark theme too
    )
    if len(result.targets) > 1:
        for i, target in enumerate(result.targets):
            chart.add_scatter(
                x=names,
                y=rows[:, i],
                mode="markers",
                name=target,
                marker={"color": "black", "size": 6, "opacity": 0.6},
            )
    many = f"; the bar is the mean of {len(result.targets)} targets, each a dot"
    return FigurePanel(
        title="Which layer knows it",
        caption="Test accuracy from each layer's features alone, from the first layer to the "
        "last, and from all together; grey are the controls, below the names stands the number "
        f"of features{many if len(result.targets) > 1 else ''}. Layers use the C chosen for all. "
        "A layer with more features has an easier task: compare with the untrained network as "
        "well.",
        figure=chart,
    )


def confusion(result: "LinearProbeNumbers") -> FigurePanel:
    """Return the confusion matrix of the hardest target."""
    i = int(result.accuracy[0].argmin())
    counts, classes = result.confusion[i], list(result.classes[i])
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    chart = figure(
        xaxis={"title": "predicted", "type": "category"},
        yaxis={"title": f"true {result.targets[i]}", "autorange": "reversed", "type": "category"},
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
    hardest = "the hardest target" if len(result.targets) > 1 else "the target"
    return FigurePanel(
        title=f"What is mistaken for what: {result.targets[i]}",
        caption=f"Test images by true and predicted value of {result.targets[i]}, {hardest}, "
        "from all layers' features: numbers are images, colours shares of a row. Pairs that "
        "are often confused in both directions lie close together in the discriminator's "
        "features.",
        figure=chart,
    )


def curve(result: "LinearProbeNumbers") -> list[Panel]:
    """Return the accuracies with few labels per class: as a table, and as a chart."""
    means = 100 * result.few_accuracy.mean(axis=(2, 3))
    spread = 100 * result.few_deviation.mean(axis=2)
    draws, held = result.few_accuracy.shape[-1], result.about["draws_for_c"]
    over = "" if len(result.targets) == 1 else f"; means over {len(result.targets)} targets"
    caption = (
        f"Test accuracy in % of SVMs that saw only so many labelled images of each class: mean and "
        f"standard deviation of {draws} draws{over}. C was chosen on {held} other draws, judged on "
        "train images that none was drawn from; features are scaled by all train images, which "
        "takes no label (Radford 2015, section 5.2)."
    )
    if "supervised" in result.few_features:
        caption += " supervised: the network had seen the labels of all images that are drawn from."
    title = "How many labels it takes"
    listed = TablePanel(
        title=title,
        caption=caption,
        columns=("labels per class", *(c for n in result.few_features for c in (n, f"± {n}"))),
        rows=[
            (
                int(count),
                *(_number(v) for g in range(len(means)) for v in (means[g, i], spread[g, i])),
            )
            for i, count in enumerate(result.few_labels)
        ],
    )
    chart = figure(
        xaxis={
            "title": "labelled images per class",
            "type": "log",
            "tickvals": list(result.few_labels),
            "ticktext": [f"{count:,}" for count in result.few_labels],
        },
        yaxis={"title": "test accuracy, %"},
    )
    for name, mean, deviation in zip(result.few_features, means, spread, strict=True):
        bars = {"type": "data", "array": np.nan_to_num(deviation)}
        chart.add_scatter(
            x=result.few_labels, y=mean, error_y=bars, mode="lines+markers", name=name
        )
    return [listed, FigurePanel(title=f"{title}: the curve", caption=caption, figure=chart)]


def _also(controls: list[str]) -> str:
    """Describe the controls that were asked for."""
    said = {
        "k-means": " k-means: features of whitened image patches (Coates 2011), no network at all.",
        "supervised": " supervised: the same network trained with the labels, but for those of the "
        "images on which C is chosen.",
    }
    return "".join(text for name, text in said.items() if name in controls)


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
