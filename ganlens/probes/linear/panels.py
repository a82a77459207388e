"""Panels of the linear probe: accuracies, the layers, confusions, the learning curve."""

from typing import Any

import numpy as np

from ganlens.figures import GREY, Line, bars, heatmap, lines
from ganlens.panels import PALETTE, FigurePanel, Panel, TablePanel, percent
from ganlens.probes.linear.controls import CONTROLS
from ganlens.probes.linear.few import SEARCHES
from ganlens.probes.linear.result import LinearProbeResult

ABOUT = {
    "k-means": " k-means: features of whitened image patches (Coates 2011), no network at all.",
    "supervised": " supervised: the same network trained with the labels, but for those of the "
    "images on which C is chosen.",
}


def panels(result: LinearProbeResult) -> list[Panel]:
    """Return the table, the layers' figure, the confusion matrix and any learning curve."""
    found: list[Panel] = [_table(result), _layers(result), _confusion(result)]
    return [*found, *_curve(result)] if len(result.few_labels) else found


def _table(result: LinearProbeResult) -> TablePanel:
    """Return the accuracy of all layers on each target, the controls beside it."""
    controls = [n for n in CONTROLS if n in ("untrained", "pixels", *result.features)]
    about, many = result.about, len(result.layers)
    n_layers = f"{many} layers" if many > 1 else "1 layer"
    shares = ("accuracy", "standard_error", "balanced_accuracy",
              *(n.replace("-", "_") for n in controls), "majority")  # fmt: skip
    rows = [
        (name, one["n_classes"], *(percent(one[key]) for key in shares), one["c"])
        for name, one in result["targets"].items()
    ]
    return TablePanel(
        title="What a linear classifier predicts from the discriminator's features",
        caption=f"Accuracy on {about['n_test']:,} test images, of a linear classifier fitted to "
        f"{about['n_train']:,} of {about['n_train_available']:,} train images. Training taught the "
        "discriminator something about a target only where the accuracy beats both the same "
        "network untrained and raw pixels by more than a few standard errors; the majority guess "
        "is what knowing nothing gives. balanced: the mean over the classes, so that rare ones "
        "count as much. The classifier: an L2-SVM, min 0.5|w|² + C Σ max(0, 1 - y(w·x + b))²; x: "
        f"the outputs of {n_layers}, max-pooled to {about['pool']}x{about['pool']} where they are "
        f"maps, {result.sizes[0]:,} features (Radford 2015, section 5.1)."
        + "".join(ABOUT.get(name, "") for name in controls) + _averaged(result),
        columns=("target", "classes", "accuracy (%)", "± std. error (%)", "balanced (%)",
                 *(f"{name} (%)" for name in controls), "majority (%)", "C"),
        rows=rows,
    )  # fmt: skip


def _averaged(result: LinearProbeResult) -> str:
    """Return a sentence on the copies that features are averaged over; empty without any."""
    shift = result.about["shift"]
    copies = [f"nine copies of each image, moved by {shift} px or not at all"] if shift else []
    if result.about["mirror"]:
        copies.append("their mirror images" if copies else "each image and its mirror image")
    return f" Features are means over {', and '.join(copies)}." if copies else ""


def _layers(result: LinearProbeResult) -> FigurePanel:
    """Return the accuracy of each layer alone, of all, and of the controls."""
    order = [*result.layers, "all layers", *result.features[1 + len(result.layers) :]]
    places = [result.features.index(name) for name in order]
    rows = 100 * result.accuracy[places]
    names = [f"{one}<br>({result.sizes[i]:,})" for one, i in zip(order, places, strict=True)]
    many = f"; the bar is the mean of {len(result.targets)} targets, each a dot"
    dots = [
        Line(target, rows[:, i], names, "black", mode="markers", opacity=0.6)
        for i, target in enumerate(result.targets)
    ]
    return bars(
        "Which layer knows it",
        "Test accuracy from each layer's features alone, from the first layer to the last, and "
        "from all together; grey are the controls, below the names stands the number of "
        f"features{many if len(result.targets) > 1 else ''}. Layers use the C chosen for all. A "
        "layer with more features has an easier task: compare with the untrained network as well.",
        names,
        {"accuracy": rows.mean(axis=1)},
        yaxis={"title": "test accuracy (%)", "range": [0, 103]},
        colours=[PALETTE[0] if n in (*result.layers, "all layers") else GREY for n in order],
        text=[f"{value:.1f}" for value in rows.mean(axis=1)],
        levels={"majority guess": 100 * result.majority.mean()},
        over=dots if len(result.targets) > 1 else (),
        showlegend=False,
    )


def _confusion(result: LinearProbeResult) -> FigurePanel:
    """Return the confusion matrix of the hardest target."""
    i = int(result.accuracy[0].argmin())
    counts, classes = result.confusion[i], list(result.classes[i])
    hardest = "the hardest target" if len(result.targets) > 1 else "the target"
    return heatmap(
        f"What is mistaken for what: {result.targets[i]}",
        f"Test images by true and predicted value of {result.targets[i]}, {hardest}, from all "
        "layers' features: numbers are images, colours shares of a row. Pairs that are often "
        "confused in both directions lie close together in the discriminator's features.",
        100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
        x=classes,
        y=classes,
        xaxis={"title": "predicted", "type": "category"},
        yaxis={"title": f"true {result.targets[i]}", "type": "category"},
        span=(0, 100),
        text=counts if len(classes) <= 20 else None,
        unit="% of row",
        hover="true %{y}, predicted %{x}: %{z:.1f} %<extra></extra>",
        height=max(340, 34 * len(classes) + 140),
    )


def _curve(result: LinearProbeResult) -> list[Panel]:
    """Return the accuracies with few labels per class: as a table, and as a chart."""
    rows, names = result["labels_per_class"], result.few_features
    draws = result.few_accuracy.shape[-1]
    over = "" if len(result.targets) == 1 else f"; means over {len(result.targets)} targets"
    caption = (
        "Test accuracy of SVMs fitted to only so many labelled images of each class: mean and "
        f"standard deviation of {draws} draws{over}. C was chosen on {SEARCHES} others, tested "
        "on train images that none was drawn from; features are scaled by all train images, which "
        "takes no label (Radford 2015, section 5.2)."
    )
    if "supervised" in names:
        caption += (
            " supervised: that network was trained with the labels of all images that are drawn "
            "from."
        )
    title, counts = "How many labels it takes", list(result.few_labels)
    columns: dict[str, Any] = {"labels per class": counts}
    series = []
    for name in names:
        mean, spread = (
            [percent(row[name][key]) for row in rows.values()]
            for key in ("accuracy", "standard_deviation")
        )
        columns |= {f"{name} (%)": mean, f"± {name} (%)": spread}
        series.append(Line(name, mean, mode="lines+markers", error=np.array(spread, float)))
    chart = lines(
        f"{title}: the curve", caption, counts, series,
        xaxis={"title": "labelled images per class", "type": "log", "tickvals": counts,
               "ticktext": [f"{count:,}" for count in counts]},
        yaxis="test accuracy (%)",
    )  # fmt: skip
    return [TablePanel.of(title, caption, columns), chart]
