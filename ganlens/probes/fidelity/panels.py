"""Panels of the fid probe: the table of scores, classes, features in the plane, extremes."""

from typing import Any

from ganlens.figures import Line, lines
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel
from ganlens.probes.fidelity.result import FidelityResult, Gallery
from ganlens.stats.inception_score import SPLITS

MEANINGS = {
    "fd": "distance between the two sets of features; lower is better",
    "kid": "kernel distance, unbiased: may be below 0 where the sets agree; lower is better",
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
    if result.gallery is not None:
        found += [_scatter(result.gallery), _extremes(result.gallery)]
    return found


def _table(result: FidelityResult) -> TablePanel:
    n, at, baseline = result.scores["n_fake"], result.baseline.n, result.baseline
    rows = _rows(result, n, result.scores, baseline.scores if at == n else None)
    rows[1:1] = _about_the_distance(result)
    if at != n and baseline.generated is not None:  # real against real exists at another N
        rows += _rows(result, at, baseline.generated, baseline.scores)
    cap = f" Of {result.n_asked:,} wanted: {result.cap_reason}." if result.cap_reason else ""
    real = result.scores["n_real"]
    return TablePanel(
        f"{result.metric} and its relatives",
        f"{n:,} {result.generated} against {'as many' if real == n else _count(real)} "
        f"{result.reference}, described by {result.scores['dimensions']:,} features of the "
        f"extractor {result.extractor['name']} ({result.extractor_reason}). 'Real against real' "
        f"is what real images score ({baseline.kind}): the best that can be hoped for. Compare "
        f"numbers only at the same N, with the same features.{cap} {result.caveat}",
        ("", "generated", "real against real", "how to read it"),
        rows,
    )


def _count(n: int | None) -> str:
    return "an unknown number of" if n is None else f"{n:,}"


def _about_the_distance(result: FidelityResult) -> list[tuple[Any, ...]]:
    """Rows on what the distance itself is worth, and the inception score."""
    rows: list[tuple[Any, ...]] = []
    if (interval := result.interval) is not None:
        rows.append(
            (
                f"{result.metric}, {interval.level:.0%} interval",
                f"{interval.low:.4g} to {interval.high:.4g}",
                None,
                "for the expected distance at this N; the population's is smaller",
            )
        )
    if (infinity := result.infinity) is not None:
        rows.append(
            (
                f"{result.metric} at N = infinity",
                infinity.value,
                None,
                f"extrapolated, +- {infinity.standard_error:.2g}: comparable across N",
            )
        )
    if result.informed is not None:
        meaning = "FID, made larger where samples nearly repeat these very real images"
        rows.append(("MiFID", result.informed, None, meaning))
    if result.inception is not None:
        mean, deviation = result.inception
        meaning = f"+- {deviation:.2g} over {SPLITS} splits; higher is better"
        rows.append(("inception score", mean, None, meaning))
    return rows


def _rows(
    result: FidelityResult, n: int, generated: dict[str, Any], baseline: dict[str, Any] | None
) -> list[tuple[Any, ...]]:
    """Rows of the table for one N: a score beside what real images get, or a dash."""
    notes = {
        **dict.fromkeys(("precision", "recall"), f"k = {generated['k']}, "),
        **dict.fromkeys(("density", "coverage"), f"k = {generated['k_density']}, "),
    }
    if (size := generated["kid_subset_size"]) is not None:
        notes["kid"] = f"subsets of {size:,}, "
    return [
        (
            f"{_name(result.metric, name)} ({notes.get(name, '')}N = {n:,})",
            generated[name],
            None if baseline is None else baseline[name],
            generated["reasons"].get(name, meaning),
        )
        for name, meaning in MEANINGS.items()
    ]


def _name(metric: str, score: str) -> str:
    """What a score is called: FID and KID with Inception only, else after the features."""
    if score == "fd":
        return metric
    if score == "kid":
        return metric.replace("FID", "KID").replace("FD-", "KD-")
    return score


def _classes(result: FidelityResult) -> TablePanel:
    gaps = any(c.distance is None for c in result.classes)
    missing = " A dash: fewer than 2 images." if gaps else ""
    return TablePanel(
        "Class by class",
        f"{result.metric} between the images of one class on both sides. The distance falls as N "
        f"grows: compare classes of equal size only.{missing}",
        ("class", result.metric, "N generated", "N real"),
        [(c.name, c.distance, c.n_fake, c.n_real) for c in result.classes],
    )


def _scatter(gallery: Gallery) -> FigurePanel:
    sets = (
        ("real", gallery.real_points, PALETTE[0], "circle-open"),
        ("generated", gallery.fake_points, PALETTE[3], "x-thin-open"),
    )
    return lines(
        "Real and generated images in feature space",
        f"{len(gallery.fake_points):,} images of either kind, drawn along the two directions in "
        "which the real ones differ most (principal axes of the real features). Where crosses have "
        "no circles, the generator may draw what the data lacks; where circles have no crosses, it "
        "misses something. Two directions cannot show all: sets that overlap here may differ "
        "elsewhere.",
        None,
        [Line(name, p[:, 1], p[:, 0], colour, mode="markers", symbol=symbol, opacity=0.6)
         for name, p, colour, symbol in sets],
        xaxis=f"first axis ({gallery.shares[0]:.0%} of the real variance)",
        yaxis=f"second axis ({gallery.shares[1]:.0%})",
        height=420,
    )  # fmt: skip


def _extremes(gallery: Gallery) -> ImagePanel:
    half = len(gallery.titles) // 2
    return ImagePanel(
        "Samples nearest to and farthest from the real images",
        f"Upper half: the {half} of {len(gallery.distances):,} samples whose features lie nearest "
        f"to those of a real image; lower half: the {half} that lie farthest, the farthest "
        "last: what the generator gets wrong, or does that the data does not. A sample "
        "very near to a real image may be a copy: the nearest-neighbour probe tells.",
        gallery.picture,
        alt=f"two groups of {half} generated images, the most and the least typical",
        scale=max(1, min(8, 640 // gallery.picture.shape[1])),
        recipe=gallery.recipe,
    )
