"""Panels of the fid probe: scores beside their baseline, classes, features and extreme images."""

from typing import Any

from ganlens.figures import Line, lines
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel
from ganlens.probes.fidelity.result import Examples, FidelityResult
from ganlens.stats.inception_score import SPLITS

MEANINGS = {
    "value": "distance between the two sets of features; lower is better",
    "kid": "kernel distance, unbiased: may be below 0 where both sets agree; lower is better",
    "precision": "share of generated images that lie among the real ones (looks real)",
    "recall": "share of real images that lie among the generated ones (variety)",
    "density": "how deep generated images lie among the real ones; may exceed 1",
    "coverage": "share of real images that have a generated one in their neighbourhood",
}


def panels(result: FidelityResult) -> list[Panel]:
    """Return the table of numbers, classes, the scatter of features, and extreme images."""
    found: list[Panel] = [_table(result)]
    if result.classes:
        found.append(_classes(result))
    if result.shown is not None:
        found += [_scatter(result.shown), _extremes(result.shown)]
    return found


def _table(result: FidelityResult) -> TablePanel:
    summary = result.summary()
    n, real, at = summary["n_fake"], summary["n_real"], summary["floor_n"]
    value, *others = _rows(summary, n)
    rows = [value, *_about_the_distance(summary), *others]
    if at != n and result.baseline.generated is not None:  # real against real has another N
        rows += _rows(summary, at, "_at_floor_n")
    cap = f" Of {result.n_requested:,} requested: {result.cap_reason}." if result.cap_reason else ""
    count = "an unknown number of" if real is None else f"{real:,}"
    return TablePanel(
        f"{result.metric} and its relatives",
        f"{n:,} {result.generated} against {'as many' if real == n else count} "
        f"{result.reference}, described by {summary['dimensions']:,} features of the extractor "
        f"{result.extractor['name']} ({result.extractor['chosen_because']}). 'Real against real' "
        f"is what real images score ({result.baseline.kind}): the best that can be hoped for. "
        f"Compare numbers only at the same N, with the same features.{cap} {result.caveat}",
        ("", "generated", "real against real", "what it means"),
        rows,
    )


def _about_the_distance(summary: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return rows on what the distance itself is worth, and the inception score."""
    metric, rows = summary["metric"], []
    if summary["interval"] is not None:
        low, high = summary["interval"]
        name = f"{metric}, {summary['interval_level']:.0%} interval"
        meaning = "for the expected distance at this N; the population's is smaller"
        rows.append((name, f"{low:.4g} to {high:.4g}", None, meaning))
    if (value := summary["value_at_infinity"]) is not None:
        meaning = f"extrapolated, +- {summary['value_at_infinity_se']:.2g}: comparable across N"
        rows.append((f"{metric} at N = infinity", value, None, meaning))
    if (value := summary["memorization_informed"]) is not None:
        meaning = "FID, made larger where samples nearly repeat these very real images"
        rows.append(("MiFID", value, None, meaning))
    if (value := summary["inception_score"]) is not None:
        spread = summary["inception_score_std"]
        meaning = f"+- {spread:.2g} over {SPLITS} splits; higher is better"
        rows.append(("inception score", value, None, meaning))
    return rows


def _rows(summary: dict[str, Any], n: int, suffix: str = "") -> list[tuple[Any, ...]]:
    """Return a row per score at one N: generated, and real against real where it has that N."""
    metric = summary["metric"]
    # FID and KID with Inception only, else called after the features.
    names = {"value": metric, "kid": metric.replace("FID", "KID").replace("FD-", "KD-")}
    notes = {
        **dict.fromkeys(("precision", "recall"), f"k = {summary['k']}, "),
        **dict.fromkeys(("density", "coverage"), f"k = {summary['k_density']}, "),
    }
    if (size := summary["kid_subset_size"]) is not None:
        notes["kid"] = f"subsets of {size:,}, "
    rows = []
    for key, meaning in MEANINGS.items():
        floor = "floor" if key == "value" else f"floor_{key}"
        label = f"{names.get(key, key)} ({notes.get(key, '')}N = {n:,})"
        real = summary[floor] if n == summary["floor_n"] else None
        why = summary.get("reasons", {}).get(key + suffix, meaning)
        rows.append((label, summary[key + suffix], real, why))
    return rows


def _classes(result: FidelityResult) -> TablePanel:
    return TablePanel(
        "Class by class",
        f"{result.metric} between the images of one class in both sets. The distance falls as N "
        f"grows: compare classes of equal size only. A dash: fewer than 2 images.",
        ("class", result.metric, "N generated", "N real"),
        [(k, one["value"], one["n_fake"], one["n_real"]) for k, one in result.classes.items()],
    )


def _scatter(shown: Examples) -> FigurePanel:
    kinds = (
        ("real", shown.real_points, PALETTE[0], "circle-open"),
        ("generated", shown.fake_points, PALETTE[3], "x-thin-open"),
    )
    return lines(
        "Real and generated images in feature space",
        f"{len(shown.fake_points):,} images of either kind, drawn along the two directions in "
        "which the real ones differ most (principal axes of the real features). Where crosses "
        "have no circles, the generator may draw what the data lacks; where circles have no "
        "crosses, it misses something. Two directions cannot show all: sets that overlap here may "
        "differ elsewhere.",
        None,
        [Line(name, at[:, 1], at[:, 0], colour, mode="markers", symbol=symbol, opacity=0.6)
         for name, at, colour, symbol in kinds],
        xaxis=f"first axis ({shown.shares[0]:.0%} of the real variance)",
        yaxis=f"second axis ({shown.shares[1]:.0%})",
        height=420,
    )  # fmt: skip


def _extremes(shown: Examples) -> ImagePanel:
    half = len(shown.titles) // 2
    return ImagePanel(
        "Samples nearest to and farthest from the real images",
        f"Upper half: the {half} of {len(shown.distances):,} samples whose features lie nearest "
        f"to those of a real image; lower half: the {half} that lie farthest, the farthest "
        "last: what the generator gets wrong, or does that the data does not. A sample "
        "very near to a real image may be a copy: the nearest-neighbour probe tells.",
        shown.picture,
        alt=f"two groups of {half} generated images, the most and the least typical",
        scale=max(1, min(8, 640 // shown.picture.shape[1])),
        recipe=shown.recipe,
    )
