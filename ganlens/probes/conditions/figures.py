"""Figures of the conditions probe: distances, shares of variance, truncation and walks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ganlens import images
from ganlens.figures import Line, bars, lines
from ganlens.panels import PALETTE, ImagePanel, Panel, TablePanel, picture_scale
from ganlens.probes.conditions.distances import MOST, ClassDistance
from ganlens.probes.conditions.result import ConditionsResult
from ganlens.probes.conditions.walks import SHOWN


def distances(result: ConditionsResult) -> Sequence[Panel]:
    """Return the table of distances by class."""
    if not result.distances:
        return []
    small = sum(one.small for one in result.distances)
    many = (
        f"{small} of {len(result.distances)} rows have few images, no more (or half of them no "
        "more) than features: most of a distance is then their number, in the floor as well. "
    )
    name = result.about["extractor"]["name"]
    first = f" Only the first {MOST} are compared." if len(result.distances) == MOST else ""
    return [
        TablePanel.of(
            "Distances class by class",
            f"Fréchet distance on the features of {name} between samples asked for a class and "
            "held-out images of it (n of either kind), with its 95 % interval. The floor is one "
            "half of these held-out images against the other, and beside it samples against the "
            "first half: only these two are comparable. "
            f"{many if small else ''}{result.about['extractor_caveat']}{first}",
            [
                _row(one, some=bool(small), any_reason=any(o.reason for o in result.distances))
                for one in result.distances
            ],
        )
    ]


def _row(one: ClassDistance, *, some: bool, any_reason: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "class": one.name,
        "n": one.n,
        "distance": one.value,
        "from": one.interval and one.interval[0],
        "to": one.interval and one.interval[1],
        "n of a half": one.floor_n,
        "samples to a half": one.value_at_floor_n,
        "floor": one.floor,
    }
    if some:
        found["few images"] = one.small
    return found | ({"undefined because": one.reason} if any_reason else {})


def shares(result: ConditionsResult) -> Sequence[Panel]:
    """Return the bars of what decides the pictures."""
    crossed = result.crossed
    if crossed is None or crossed.pixels is None or crossed.features is None:
        return []
    both = {"pixels": crossed.pixels, "features": crossed.features}
    real = {"pixels": result.real_pixels, "features": result.real_features}
    parts = {
        "condition": [100 * one.condition for one in both.values()],
        "latent": [100 * one.latent for one in both.values()],
        "both together": [100 * one.both for one in both.values()],
    }
    said = ", ".join(
        f"{one.between:.0%} of {what}" for what, one in real.items() if one is not None
    )
    low_high = [100 * x for x in crossed.pixels.interval]
    beside = f" Of real images the label explains {said}." if said else ""
    return [
        bars(
            "What decides the picture",
            f"{result.about['latents']} latents, each drawn under the same {crossed.conditions} "
            "conditions. The variance of the pictures falls apart into that between conditions, "
            "that between latents, and what depends on both. No condition: the label is ignored. "
            "No latent: every sample of "
            f"a condition is the same picture.{beside} 95 % interval of the condition's share of "
            f"the pixels: {low_high[0]:.1f} to {low_high[1]:.1f} %, by leaving out latents.",
            list(both),
            parts,
            yaxis={"title": "variance (%)", "range": [0, 102]},
            text=None,
        )
    ]


def truncation(result: ConditionsResult) -> Sequence[Panel]:
    """Return the curves of accuracy and diversity over thresholds."""
    known = [one for one in result.truncated if one.crossed.accuracy.every is not None]
    if len(known) < 2:
        return []
    names = ["all" if one.threshold is None else f"{one.threshold:g}" for one in known]
    found = 100 * np.array([one.crossed.accuracy.every for one in known])
    series = [
        Line("accuracy", found[:, 0], mode="lines+markers", colour=PALETTE[0],
             error=(found[:, 0] - found[:, 1], found[:, 2] - found[:, 0])),
    ]  # fmt: skip
    if all(one.diversity is not None for one in known):
        spread = [100 * (one.diversity or 0.0) for one in known]
        series.append(
            Line("diversity, real images 100 %", spread, mode="lines+markers", colour=PALETTE[1],
                 dash="dash", symbol="square")
        )  # fmt: skip
    return [
        lines(
            "Truncation",
            "The prior cut off at a threshold, to the whole prior on the right: how often the "
            "classifier reads what was asked for (bars are 95 % intervals, as if the pictures of "
            "one latent were independent), and how much features vary under one condition, as a "
            "share of what they vary among held-out images of one class. Less extreme latents "
            "mostly obey better and vary less.",
            names,
            series,
            xaxis={"title": "threshold, in the prior's units", "type": "category"},
            yaxis={"title": "%", "rangemode": "tozero"},
        )
    ]


def walk_pictures(result: ConditionsResult) -> Sequence[Panel]:
    """Return the strips between conditions."""
    if not result.walks:
        return []
    pictures = np.concatenate([one.pictures for one in result.walks])
    positions = len(result.walks[0].amounts)
    named = "; ".join(one.name for one in result.walks)
    return [
        ImagePanel(
            title="Between two conditions",
            caption=f"{SHOWN} latents for each of {named}, from the top: only the condition moves, "
            f"in {positions} even steps from the first on the left to the second on the right. "
            "What lies between was never trained on.",
            image=images.grid(pictures, positions),
            alt="rows of samples whose condition changes from left to right",
            scale=picture_scale(pictures),
        )
    ]


def walk_shares(result: ConditionsResult) -> Sequence[Panel]:
    """Return the curves of what is read between conditions."""
    if not result.walks:
        return []
    series = list[Line]()
    for i, one in enumerate(result.walks):
        more: dict[str, Any] = {"x": one.amounts, "colour": PALETTE[i % len(PALETTE)]}
        series.append(Line(one.name, 100 * one.shares[:, 1], **more))
        series.append(Line("", 100 * one.shares[:, 2], **more, dash="dot", width=1))
    flips = [f"{one.name} at {one.flip:.2f}" for one in result.walks if one.flip is not None]
    said = f" The verdict leaves the first at, median over latents: {'; '.join(flips)}."
    return [
        lines(
            "Where the verdict flips",
            "Share of samples read as the second condition (lines), and as neither of the two "
            f"(dotted), by how far the condition has moved.{said if flips else ''}",
            None,
            series,
            xaxis="from the first condition (0) to the second (1)",
            yaxis={"title": "samples (%)", "range": [0, 102]},
        )
    ]
