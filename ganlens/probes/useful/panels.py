"""Panels of the Useful probe: every arm with its interval, its verdict, its repeats and classes."""

from typing import Any

import numpy as np

from ganlens import images
from ganlens.figures import GREY, Line, lines
from ganlens.panels import (
    PALETTE,
    FigurePanel,
    ImagePanel,
    Panel,
    TablePanel,
    percent,
    picture_scale,
)
from ganlens.probes.useful.arms import ALL, FEW, GAN_TEST, GAN_TRAIN, REAL, SHUFFLED, UNTRAINED
from ganlens.probes.useful.intervals import Interval, share_interval
from ganlens.probes.useful.result import UsefulResult

CHOSEN = (REAL, ALL, GAN_TRAIN, GAN_TEST, FEW)  # of the table of classes
ROOMY: dict[str, Any] = {"height": 500, "margin": {"l": 50, "r": 20, "t": 50, "b": 200}}


def panels(result: UsefulResult) -> list[Panel]:
    """Return the figure of arms, their table, the repeats, the classes, and samples."""
    found: list[Panel] = [
        _dots(result),
        _differences(result),
        _table(result),
        _repeats(result),
        _classes(result),
    ]
    return [*found, _pictures(result)] if result.shown is not None else found


def _dots(result: UsefulResult) -> FigurePanel:
    about, series = result.about, list[Line]()
    names = [one.words for one in result.arms]
    kinds: dict[str, list[int]] = {"real images only": [], "with samples": [], "controls": []}
    for i, one in enumerate(result.arms):
        control = one.key in (SHUFFLED, UNTRAINED)
        real = not (one.source or one.tested == "samples")
        kinds["controls" if control else "real images only" if real else "with samples"].append(i)
    for (kind, places), colour in zip(kinds.items(), (PALETTE[0], PALETTE[1], GREY), strict=True):
        if places:
            found = [_percent(share_interval(result.accuracy[i])) for i in places]
            series.append(_points(kind, found, [names[i] for i in places], colour))
    series += [
        Line("", 100 * repeat, names, GREY, mode="markers", opacity=0.35)
        for repeat in result.accuracy.T
    ]
    return lines(
        "What classifiers learn from samples",
        f"Accuracy on {about['n_test']:,} held-out images (GAN-test: on as many samples) of the "
        f"same small classifier, trained for {about['training_steps']:,} steps of "
        f"{about['batch_size']} images in every arm, so that none wins by training longer: mean of "
        f"{result.repeats} repeats with its 95 % interval (Student's t), and every repeat in grey. "
        "The interval covers other weights, orders, real images and samples, not other held-out "
        f"images. {_said(result)}".strip(),
        names,
        series,
        xaxis=_axis(names),
        yaxis="accuracy (%)",
        levels={"always the commonest class": 100 * result.majority},
        **ROOMY,
    )


def _differences(result: UsefulResult) -> FigurePanel:
    named = {one.key: one.words for one in result.arms}
    arms = [one for one in result.arms if one.against and one.key not in (SHUFFLED, UNTRAINED)]
    found = [result.difference_of(one.key) for one in arms]
    kept = [_percent(one) for one in found if one]
    names = [one.words for one in arms]
    series = [_points("", kept, names, PALETTE[0])]
    against = dict.fromkeys(named[one.against] for one in arms)
    return lines(
        "Better or worse than the reference",
        "Accuracy of each arm minus that of its reference in the same repeat "
        f"({'; '.join(against)}: see the table), in points: mean and 95 % interval (Student's t, "
        "paired). An interval above 0 is what helps, one below 0 what hurts; across 0, nothing is "
        "shown.",
        names,
        series,
        xaxis=_axis(names),
        yaxis="difference (points)",
        levels={"no difference": 0},
        **ROOMY,
    )


def _percent(one: Interval) -> Interval:
    return Interval(100 * one.mean, 100 * one.low, 100 * one.high)


def _points(name: str, found: list[Interval], places: list[str], colour: str) -> Line:
    means = np.array([one.mean for one in found])
    below, above = means - [one.low for one in found], [one.high for one in found] - means
    return Line(name, means, places, colour, mode="markers", error=(below, above))


def _axis(names: list[str]) -> dict[str, object]:
    return {"categoryorder": "array", "categoryarray": names, "tickangle": -40}


def _said(result: UsefulResult) -> str:
    about = result.about
    left = sum(about["n_unlabelled"])
    return " ".join([
        *result.notes,
        *([f"{left:,} images lack a label and were left out."] if left else []),
        *(f"{key}: {why}." for key, why in result.missing.items() if key == UNTRAINED),
    ])  # fmt: skip


def _table(result: UsefulResult) -> TablePanel:
    rows = []
    named = {one.key: one.words for one in result.arms}
    for i, one in enumerate(result.arms):
        own, difference = share_interval(result.accuracy[i]), result.difference_of(one.key)
        ends = (None,) * 3 if difference is None else (difference.mean, *difference.ends)
        rows.append((one.words, round(result.sizes[i, 0]), round(result.sizes[i, 1]),
                     percent(own.mean), _range(*own.ends), named.get(one.against, ""),
                     None if ends[0] is None else f"{100 * ends[0]:+.2f}",
                     None if ends[0] is None else _range(ends[1], ends[2], "+"),
                     result.verdict_of(one.key) or ""))  # fmt: skip
    few = " The generator was trained on all its training images: what it adds to few real ones "
    return TablePanel(
        "Do samples help?",
        "Each arm against its reference, in points of accuracy: the mean of the differences within "
        f"{result.repeats} repeats and its 95 % interval (Student's t, paired). The verdict "
        "follows from that interval alone: helps or hurts where 0 lies outside. Of twenty such "
        "verdicts, one is expected to be wrong by chance. Flips and shifts are for photographs, "
        "not for what a mirror changes, such as digits, and they take longer to learn from."
        + (few + "comes from those." if result.place(FEW) is not None else ""),
        ("trained on", "real", "samples", "accuracy (%)", "95 % interval", "against",
         "difference", "95 % interval of it", "verdict"),
        rows,
    )  # fmt: skip


def _range(low: float, high: float, sign: str = "") -> str | None:
    return None if np.isnan(low) else f"{100 * low:{sign}.2f} to {100 * high:{sign}.2f}"


def _repeats(result: UsefulResult) -> TablePanel:
    return TablePanel(
        "Every repeat",
        "Accuracy in % of every classifier that was trained. Arms of one repeat share their "
        "initial weights, real images and samples.",
        ("trained on", *(f"repeat {i + 1}" for i in range(result.repeats))),
        [(one.words, *(percent(value) for value in row))
         for one, row in zip(result.arms, result.accuracy.tolist(), strict=True)],
    )  # fmt: skip


def _classes(result: UsefulResult) -> TablePanel:
    found = [(key, place) for key in CHOSEN if (place := result.place(key)) is not None]
    places = list(dict.fromkeys(place for _, place in found))
    return TablePanel(
        "Class by class",
        "Share of each class's held-out images that are right (GAN-test: of its samples), in %, "
        "the mean over repeats. A class that only GAN-train misses is one that the generator draws "
        "badly, or hardly varies.",
        ("class", "held out", *(result.arms[i].words for i in places)),
        [(name, int(result.tested[k]),
          *(percent(float(result.by_class[i, :, k].mean())) for i in places))
         for k, name in enumerate(result.classes)],
    )  # fmt: skip


def _pictures(result: UsefulResult) -> ImagePanel:
    shown = result.shown
    assert shown is not None
    columns = len(shown.pictures) // len(shown.rows)
    return ImagePanel(
        title="Samples that were trained on",
        caption=f"The first {columns} samples of GAN-train in the first repeat of each class, from "
        f"the top: {'; '.join(shown.rows)}. They are not chosen.",
        image=images.grid(shown.pictures, columns),
        alt=f"{len(shown.rows)} rows of {columns} samples, a row for each class",
        scale=picture_scale(shown.pictures),
        recipe=shown.recipe,
    )
