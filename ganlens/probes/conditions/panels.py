"""Panels of the conditions probe: samples, accuracies, confusions and the numbers."""

import numpy as np

from ganlens import images
from ganlens.figures import heatmap
from ganlens.panels import FigurePanel, ImagePanel, Panel, TablePanel, picture_scale
from ganlens.probes.conditions.accuracy import Accuracy
from ganlens.probes.conditions.figures import (
    distances,
    shares,
    truncation,
    walk_pictures,
    walk_shares,
)
from ganlens.probes.conditions.result import ConditionsResult, Confusion

MOST_MATRICES = 4  # targets that have a matrix of their own
MOST_WRITTEN = 20  # rows of a matrix with numbers in its cells


def panels(result: ConditionsResult) -> list[Panel]:
    """Return the panels in the order of the report."""
    return [
        _pictures(result),
        *(_matrix(one) for one in result.confusions[:MOST_MATRICES]),
        _accuracies(result),
        *distances(result),
        *shares(result),
        *truncation(result),
        *walk_pictures(result),
        *walk_shares(result),
        result.table("Numbers of the conditions", " ".join((*_unread(result), *result.notes)
                                                           or ("Shares are of images.",))),
    ]  # fmt: skip


def _unread(result: ConditionsResult) -> list[str]:
    if not result.unread:
        return []
    return [f"The classifier does not read {', '.join(result.unread)}: nothing is said of that."]


def _pictures(result: ConditionsResult) -> ImagePanel:
    shown = result.shown
    columns = len(shown.pictures) // len(shown.rows)
    named = "; ".join(shown.rows)
    found = result["accuracy"]
    said = "" if found is None else f" The classifier reads it in {found:.1%} of all samples."
    return ImagePanel(
        title="What was asked for",
        caption=f"One row for each condition, from the top: {named}. The {columns} latents are the "
        f"same in each row, so that a column shows what the condition alone changes.{said}",
        image=images.grid(shown.pictures, columns),
        alt=f"{len(shown.rows)} rows of {columns} samples, a row for each condition",
        scale=picture_scale(shown.pictures),
        recipe=shown.recipe,
    )


def _matrix(one: Confusion) -> FigurePanel:
    total = one.counts.sum(1, keepdims=True)
    percent = np.divide(100 * one.counts, total, out=np.zeros(one.counts.shape), where=total > 0)
    written = len(one.columns) <= MOST_WRITTEN
    right = [f"{percent[i, i]:.1f} % as {name}" for i, name in enumerate(one.rows)]
    real = np.divide(100 * one.real, one.real.sum(1, keepdims=True).clip(1))
    ceiling = float(np.mean(np.diag(real))) if len(one.rows) <= len(one.columns) else 0.0
    worst = int(np.argmin(np.diag(percent)))
    return heatmap(
        f"Asked and read: {one.name}",
        f"Samples asked for each {one.name} (row, {int(total.min()):,} or more of each) by what a "
        "classifier of real images reads (column), in % of the row: all should lie on the "
        f"diagonal. Least obeyed: {one.rows[worst]}, read in {right[worst]}. Of held-out images "
        f"{ceiling:.1f} % are read as labelled, on average over the rows.",
        percent,
        x=list(one.columns),
        y=list(one.rows),
        xaxis={"title": "read", "type": "category"},
        yaxis={"title": "asked for", "type": "category"},
        span=(0, 100),
        text=np.vectorize("{:.0f}".format)(percent) if written else None,
        unit="%",
        hover="asked for %{y}, read %{x}: %{z:.1f} %<extra></extra>",
        height=max(280, min(900, 120 + 28 * len(one.rows))),
    )


def _accuracies(result: ConditionsResult) -> TablePanel:
    known = result.accuracies
    held_out = result.about["classifier_accuracy_held_out"]
    sides: dict[str, Accuracy | None] = {
        "samples": known.samples,
        "samples, combinations never in training": known.unseen,
        "held-out images": known.real,
        "held-out images of such combinations": known.unseen_real,
        "samples, conditions shuffled": known.shuffled,
        "samples of the untrained generator": known.untrained,
    }
    rows = list[tuple[object, ...]]()
    for name, side in sides.items():
        if side is None:
            continue
        several = len(side.targets) > 1
        every = [("all at once", side.every, side.n)] if several else []
        alone = [(key, one, side.counts[key]) for key, one in side.targets.items()]
        for what, found, n in (*every, *alone):
            low_high = (None,) * 3 if found is None else tuple(100 * x for x in found)
            rows.append((name, what, *low_high, n))
    worth = ", ".join(f"{name} {100 * value:.1f} %" for name, value in held_out.items())
    why = f" Combinations never in training: {known.unseen_reason}." if known.unseen_reason else ""
    note = f" The untrained generator: {known.untrained_reason}." if known.untrained is None else ""
    return TablePanel(
        "Asked for, and read",
        "Share of images that the classifier reads as they should be, with its 95 % interval "
        f"(Wilson). The classifier is {result.about['classifier']}; no generated image was among "
        f"them. Its own accuracy when it was trained, on held-out images: {worth}. Held-out images "
        "are the ceiling; shuffled conditions and the untrained generator are what chance "
        f"gives.{why}{note}",
        ("images", "what", "as it should be (%)", "from (%)", "to (%)", "n"),
        rows,
    )
