"""Panels of the codes probe: values, strips, confusions, effects, bounds, checkpoints, numbers."""

import numpy as np

from ganlens import images
from ganlens.figures import bars, heatmap
from ganlens.panels import FigurePanel, ImagePanel, Panel, TablePanel, percent, picture_scale
from ganlens.probes.codes.measure import Match
from ganlens.probes.codes.moments import MOMENTS
from ganlens.probes.codes.result import CodesResult, Shown, entropies

WRITTEN = 20  # values and classes at most whose cells hold their percentage


def panels(result: CodesResult) -> list[Panel]:
    """Return the panels in the order of the report."""
    matches = result.measured.matches
    return [
        *(_grid(result, one) for one in result.grids),
        *(_confusion(name, match) for name, match in matches.items()),
        *(_strip(result, one) for one in result.strips),
        *_effects(result),
        _bounds(result),
        *_importance(result),
        *_checkpoints(result),
        result.table(
            "Numbers of the codes",
            f"What is noise: {result.codes.decided}. Matches are found on one half of the "
            "samples and scored on the other; intervals are Wilson's, 95 %. "
            + (f"Nothing reads the samples: {result.no_classifier}." if result.no_classifier
               else "The classifier saw real images only."),
        ),
    ]  # fmt: skip


def _grid(result: CodesResult, shown: Shown) -> ImagePanel:
    match = result.measured.matches.get(shown.name)
    rows = len(shown.pictures) // shown.columns
    if match is None:
        said = "Rows are the values 0, 1 and so on."
    else:
        names = ", ".join(match.found.names[:rows])
        said = f"From top to bottom the values were matched to {match.attribute}: {names}."
    return ImagePanel(
        title=f"Values of {shown.name}",
        caption="Each row has one value of the code, each column one draw of all the rest. " + said,
        image=images.grid(shown.pictures, shown.columns),
        alt=f"{rows} rows of samples, one for each value of the code {shown.name}",
        scale=picture_scale(shown.pictures),
        recipe=shown.recipe,
    )


def _strip(result: CodesResult, shown: Shown) -> ImagePanel:
    found = result.measured.effects
    effect = next(one for one in found.codes if one.name == shown.name)
    if beyond := found.beyond(effect):
        more = [f"{n} {effect.slopes[n]:+.1f} sd ({found.change(effect, n)})" for n in beyond[1:]]
        also = f" Beyond noise too: {', '.join(more)}." if more else ""
        said = f"It moves {found.named(effect)}, in deviations of the real images.{also}"
    else:
        said = f"None measured: {found.reason or 'it moves nothing more than noise does'}."
    return ImagePanel(
        title=f"Sweep of {shown.name}",
        caption="Each row is one sample whose code goes from one end of its range to the other "
        f"while all else is fixed. {said}",
        image=images.grid(shown.pictures, shown.columns),
        alt=f"rows of samples along the code {shown.name}",
        scale=picture_scale(shown.pictures),
        recipe=shown.recipe,
    )


def _confusion(name: str, match: Match) -> FigurePanel:
    found = match.found
    sums = np.maximum(found.counts.sum(1, keepdims=True), 1)
    order = [c for c in found.match if c >= 0]
    order += [c for c in range(len(found.classes)) if c not in order]
    shares = (100 * found.counts / sums)[:, order]
    few = max(shares.shape) <= WRITTEN
    return heatmap(
        f"What {name} decides",
        f"Share of the samples of each value (row) that are read as each {match.attribute} "
        f"(column, in the order of the match); {found.n:,} samples that the match was not found "
        f"on. {found.accuracy[0]:.1%} lie on the matched cells ({found.accuracy[1]:.1%} to "
        f"{found.accuracy[2]:.1%}), of shuffled codes {found.shuffled:.1%}.",
        shares,
        x=[found.classes[c] for c in order],
        y=[f"{i}: {one}" for i, one in enumerate(found.names)],
        xaxis={"title": match.attribute, "type": "category"},
        yaxis={"title": "value and its match", "type": "category"},
        span=(0, 100),
        text=np.round(shares).astype(int) if few else None,
        unit="%",
    )


def _effects(result: CodesResult) -> list[Panel]:
    found = result.measured.effects
    if not found.codes:
        return []
    levels, usual = found.levels(), found.noise_levels()
    rows = list[dict[str, object]]()
    for one in found.codes:
        for name, change in one.slopes.items():
            deviation = found.spread[name]
            rows.append({
                "code": one.name, "measure": name, "change over the range (sd)": change,
                "noise, 95th percentile (sd)": usual[name],
                "named beyond (sd)": levels[name],
                "samples that go this way (%)": percent(one.consistent[name]),
                "change": change * deviation,
                "unit": MOMENTS.get(name, "of the attribute"),
            })  # fmt: skip
    level = (
        f"No code is named: {found.reason}."
        if found.reason
        else f"The last level is one that 5 % of {len(found.noise)} sweeps of noise exceed in any "
        "measure; a code is named by its largest change beyond it."
    )
    caption = (
        f"Mean change of {result.about['swept_samples']} samples over the whole range of each code "
        f"({result.about['positions']} positions, least squares), in standard deviations of real "
        f"images. {level} Ink is what differs from the background."
    )
    return [TablePanel.of("What continuous codes move", caption, rows)]


def _bounds(result: CodesResult) -> FigurePanel:
    known, found = entropies(result.codes), result.measured
    series = {
        "its own reader": [found.own.get(name) for name in known],
        "a fresh reader": [found.fresh.get(name) for name in known],
        "entropy of the code": list(known.values()),
    }
    if not found.own:
        del series["its own reader"]
    notes = [f"{why[0].upper()}{why[1:]}." for why in (found.own_reason, found.fresh_reason) if why]
    return bars(
        "What an image tells of each code",
        "Lower bounds of the mutual information of code and image, on samples that no reader saw. "
        "Of a categorical code it cannot exceed the entropy; of a continuous one it can, for a "
        "number may be read to any precision. A bound below 0 says nothing: take it as 0. The "
        f"fresh reader is {result.about['fresh_reader']}. {' '.join(notes)}".strip(),
        list(known),
        series,
        yaxis="nats",
    )


def _importance(result: CodesResult) -> list[Panel]:
    scores = result.measured.scores
    if scores is None or not scores.factors:
        return []
    return [
        heatmap(
            "Which code tells which factor",
            "Mutual information (nats) of each code with each attribute that the classifier reads; "
            "the noise is left out, for it is no code. Disentangled codes have one dark cell in "
            "every row and column.",
            scores.information,
            x=list(scores.factors),
            y=list(scores.codes),
            text=np.round(scores.information, 2) if len(scores.factors) <= WRITTEN else None,
            unit="nats",
        )
    ]


def _checkpoints(result: CodesResult) -> list[Panel]:
    if not result.beside:
        return []
    rows = list[dict[str, object]]()
    for one in result.every:
        row: dict[str, object] = {"checkpoint": one.name}
        for name, match in one.matches.items():
            row[f"{name}: matched (%)"] = percent(match.found.accuracy[0])
        for part in result.codes.categorical:
            row[f"{part.name}: own reader (nats)"] = one.own.get(part.name)
            row[f"{part.name}: fresh reader (nats)"] = one.fresh.get(part.name)
        row |= {effect.name: one.effects.named(effect) for effect in one.effects.codes}
        rows.append(row)
    caption = (
        "Every checkpoint that was given, measured alike; none is left out. The codes of different "
        "seeds need not mean the same."
    )
    return [TablePanel.of("Over several checkpoints", caption, rows)]
