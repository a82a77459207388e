"""Panels of the conditions probe: samples, accuracies, confusions and the numbers."""

import numpy as np

from ganlens import images
from ganlens.figures import heatmap
from ganlens.panels import FigurePanel, ImagePanel, Panel, TablePanel, picture_scale
from ganlens.probes.concepts import share
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
MOST_WRITTEN = 20  # columns of a matrix with numbers in its cells
MOST_ROWS = 40  # of a matrix, or of a target's values in a table


def panels(result: ConditionsResult) -> list[Panel]:
    """Return the panels in the order of the report."""
    return [
        _pictures(result),
        *(_matrix(one) for one in result.confusions[:MOST_MATRICES]),
        _accuracies(result),
        _values(result),
        *distances(result),
        *shares(result),
        *truncation(result),
        *walk_pictures(result),
        *walk_shares(result),
        result.table("Numbers of the conditions", "Shares are of images, with 95 % intervals in "
                     f"the summary.{_said(result)}"),
    ]  # fmt: skip


def _said(result: ConditionsResult) -> str:
    """Return what a reader should know first, after a space; "" where there is nothing."""
    unread = ", ".join(result.unread)
    lost = f"The classifier does not read {unread}: nothing is said of that." if unread else ""
    return "".join(f" {one}" for one in (lost, *result.notes) if one)


def _pictures(result: ConditionsResult) -> ImagePanel:
    shown = result.shown
    columns = len(shown.pictures) // len(shown.rows)
    named, size = "; ".join(shown.rows), result.combinations["possible"] or 0
    some = f"One row for each of {len(shown.rows)} conditions out of {size:,}"
    first = some if size > len(shown.rows) else "One row for each condition"
    found = result["accuracy"]
    said = "" if found is None else f" The classifier reads it in {found:.1%} of all samples."
    return ImagePanel(
        title="What was asked for",
        caption=f"{first}, from the top: {named}. The {columns} latents are the "
        f"same in each row, so that a column shows what the condition alone changes.{said}",
        image=images.grid(shown.pictures, columns),
        alt=f"{len(shown.rows)} rows of {columns} samples, a row for each condition",
        scale=picture_scale(shown.pictures),
        recipe=shown.recipe,
    )


def _matrix(one: Confusion) -> FigurePanel:
    kept = one.worst(MOST_ROWS)
    few = len(kept) < len(one.rows)
    counts, columns = one.counts[kept], list(one.columns)
    if few:
        rest = counts.sum(1) - counts[:, kept].sum(1)
        counts = np.column_stack([counts[:, kept], rest])
        columns = [*(one.columns[i] for i in kept), "any other"]
    total = counts.sum(1, keepdims=True)
    percent = np.divide(100 * counts, total, out=np.zeros(counts.shape), where=total > 0)
    said = f" Of {len(one.rows):,}, the {len(kept)} least obeyed are shown." if few else ""
    written = len(columns) <= MOST_WRITTEN
    return heatmap(
        f"Asked and read: {one.name}",
        f"Samples asked for each {one.name} (row, {int(total.min()):,} or more of each) by what a "
        "classifier of real images reads (column), in % of the row: all should lie on the diagonal."
        f"{said}",
        percent,
        x=columns,
        y=[one.rows[i] for i in kept],
        xaxis={"title": "read", "type": "category"},
        yaxis={"title": "asked for", "type": "category"},
        span=(0, 100),
        text=np.vectorize("{:.0f}".format)(percent) if written else None,
        unit="%",
        hover="asked for %{y}, read %{x}: %{z:.1f} %<extra></extra>",
        height=max(280, min(900, 120 + 28 * len(kept))),
    )


def _values(result: ConditionsResult) -> TablePanel:
    rows = list[dict[str, object]]()
    for one in result.confusions:
        for i in one.worst(MOST_ROWS):
            counts, real = one.counts[i], one.real[i]
            others = np.where(np.arange(len(counts)) == i, -1, counts)
            most = int(others.argmax())
            found = _percent(counts[i], counts.sum())
            rows.append(
                {
                    "asked for": one.rows[i] if len(result.confusions) == 1
                    else f"{one.name}={one.rows[i]}",
                    "samples": int(counts.sum()),
                    "read (%)": found[0],
                    "from (%)": found[1],
                    "to (%)": found[2],
                    "or else": one.columns[most] if others[most] > 0 else "",
                    "held out": int(real.sum()),
                    "of these read (%)": _percent(real[i], real.sum())[0],
                }
            )  # fmt: skip
    return TablePanel.of(
        "Value by value",
        "How often each class or value is read where it was asked for, with its 95 % interval "
        "(Wilson), what is read most often in its place, and how often held-out images of it are "
        "read as such.",
        rows,
    )


def _percent(hits: int, n: int) -> tuple[float | None, ...]:
    if not n:
        return (None,) * 3
    return tuple(100 * x for x in share(np.arange(n) < hits))


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
    read = {name: one for name, one in held_out.items() if name in known.samples.targets}
    worth = ", ".join(f"{name} {100 * value:.1f} %" for name, value in (read or held_out).items())
    why = f" Combinations never in training: {known.unseen_reason}." if known.unseen_reason else ""
    note = f" The untrained generator: {known.untrained_reason}." if known.untrained is None else ""
    return TablePanel(
        "Asked for, and read",
        "Share of images that the classifier reads as they should be, with its 95 % interval "
        f"(Wilson). The classifier is {result.about['classifier']}. Its own accuracy when it was "
        f"trained, on held-out images: {worth}. Held-out images are the ceiling; shuffled "
        f"conditions and the untrained generator are what chance gives.{why}{note}"
        f"{_said(result)}",
        ("images", "what", "as it should be (%)", "from (%)", "to (%)", "n"),
        rows,
    )
