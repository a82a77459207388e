"""Panels of the arithmetic-score probe: the curve, the rates, pictures of each formula."""

from typing import Any

import numpy as np

from ganlens import images
from ganlens.figures import Line, lines
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel, picture_scale
from ganlens.probes.arithmetic.classifiers import classifier_table
from ganlens.probes.arithmetic.score_result import ArithmeticScoreResult, Formula

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")


def panels(result: ArithmeticScoreResult) -> list[Panel]:
    """Return the curve, the table, pictures of each formula, and the classifiers."""
    return [
        _curve(result),
        _table(result),
        *map(_pictures, result.formulas),
        classifier_table(result.classifiers),
    ]


def _curve(result: ArithmeticScoreResult) -> FigurePanel:
    series: list[Line] = []
    for i, one in enumerate(result.formulas):
        colour = PALETTE[i % len(PALETTE)]
        shares, low, high = 100 * np.array([score["success"] for score in one.plain]).T
        scaled = [100 * score["success"][0] for score in one.scaled]
        series += [
            Line(f"to {one.goal}", shares, colour=colour, mode="lines+markers",
                 symbol=SYMBOLS[i % len(SYMBOLS)], error=(shares - low, high - shares)),
            Line(f"to {one.goal}, rescaled", scaled, colour=colour, dash="dot"),
            Line("", [100 * one.random["success"][0]] * len(scaled), colour=colour, dash="dash",
                 width=1),
        ]  # fmt: skip
    return lines(
        "Does averaging make arithmetic work?",
        "Share of draws in which mean(A) - mean(B) + mean(C) shows everything that is expected, by "
        "the number of exemplars that each mean is over; bars are 95 % intervals over "
        f"{result.about['draws']} draws. Single exemplars (1) carry all their accidents along; "
        "where means cancel them (Radford 2015, section 6.3.2), the curve rises. Means of many are "
        "short: "
        "dotted, the result is first brought back to the length of the prior's latents. Dashed, in "
        "the colour of each formula: the share of random samples that show what is expected by "
        "chance.",
        result.counts,
        series,
        xaxis={"title": "exemplars per concept", "type": "log", "tickvals": result.counts},
        yaxis={"title": "share of draws that succeed (%)", "range": [0, 102]},
        height=420,
        legend={"orientation": "h", "y": -0.25},
    )


def _table(result: ArithmeticScoreResult) -> TablePanel:
    rows: list[tuple[Any, ...]] = []
    names = [f"means of {k}" if k > 1 else "single exemplars" for k in result.counts]
    for one in result.formulas:
        named = [
            *zip(names, one.plain, strict=True),
            *zip((f"{name}, any that show it" for name in names), one.merely, strict=True),
            ("arithmetic on pixels, means of 3", one.pixels),
            ("random samples", one.random),
        ]
        for name, score in named:
            if score is not None:
                shares = *score["success"], score["plausible"], score["success_and_plausible"][0]
                rows.append((one.goal, name, *(100 * share for share in shares)))
    return TablePanel(
        title="Success of arithmetic, and of its controls",
        caption="A success has every expected value by a network on pixels that "
        "shares nothing with the discriminator which chose the exemplars; from and to: its "
        f"95 % interval (Wilson) over {result.about['draws']} draws from the same shortlists, of "
        "the samples that show their concept most plainly. Any that show it: exemplars drawn from "
        "all samples of the pool that do, however plainly, as somebody who picks by eye has them. "
        "Overlaid pictures show what was laid over each other, so the pixel control can succeed by "
        "that count: but no such picture exists. Plausible: the discriminator scores it above the "
        "lowest 5 % of random samples; both: a plausible success.",
        columns=("towards", "by", "success (%)", "from (%)", "to (%)", "plausible (%)", "both (%)"),
        rows=rows,
    )  # fmt: skip


def _pictures(one: Formula) -> ImagePanel:
    short = [
        f" Only {n} of the {size} samples that {term} was taken from show it."
        for term, n, size in zip(one.terms, one.shown, one.shortlists, strict=True)
        if n < size
    ]
    marks = "".join("x" if right else "-" for right in one.right)
    return ImagePanel(
        title=f"Towards {one.goal}",
        caption=f"{one.text}: the first {len(one.right)} draws with three exemplars each, not "
        f"chosen. The network on pixels finds the expected values in {int(one.right.sum())} of "
        f"them (left to right {marks}, x is a success).{''.join(short)}",
        image=images.grid(one.pictures, len(one.right)),
        alt=f"{len(one.right)} results of {one.text}",
        scale=picture_scale(one.pictures),
        recipe=one.recipe,
    )
