"""Tables of the neighbors probe: offenders, tests, controls, whole sets, duplicates."""

from typing import Any

import numpy as np

from ganlens.panels import TablePanel
from ganlens.probes.memorization.controls import COLLAPSED, MODES
from ganlens.probes.memorization.duplicates import Duplicates
from ganlens.probes.memorization.evidence import GENERATED, HELD_OUT
from ganlens.probes.memorization.result import NeighborsResult

CAUTION = (
    "These are several measurements, not one verdict: no single statistic separates copying from "
    "underfitting."
)


def offenders(result: NeighborsResult) -> TablePanel:
    """List the worst samples with their nearest train image in each space."""
    rows = []
    for i, names in zip(result.worst, result.train_names, strict=True):
        cells: list[Any] = [int(result.seeds[i]), bool(result.test.flagged[i])]
        for s, name in zip(result.spaces, names, strict=True):
            near = s.near[GENERATED]
            cells += [near.first[i], s.test.percentile[i], near.ratio[i], near.calibrated[i], name]
        rows.append(cells)
    columns = ("d1", "percentile", "d1/d2", "calibrated", "train image")
    return TablePanel(
        title="Worst offenders",
        caption="The samples of the first panel, left to right: whether it is flagged; distance d1 "
        "to the nearest train image; the share of held-out images (in %) that are at least as "
        "near; d1 over the distance to the second nearest; d1 over half the mean distance to the "
        "50 nearest (Carlini 2023; 2 where no train image stands out); and that train image.",
        columns=("seed", "flagged", *(f"{s.name}: {c}" for s in result.spaces for c in columns)),
        rows=rows,
    )


def evidence(result: NeighborsResult) -> TablePanel:
    """Compare samples with held-out images, in each space and over all."""
    rows: list[tuple[Any, ...]] = []
    for space in result.spaces:
        ours, null = space.near[GENERATED], space.near[HELD_OUT]
        medians = (np.median(v) for v in (ours.first, null.first, ours.ratio, null.ratio))
        rows.append((space.name, *_test(space.test), *map(float, medians)))
    if len(result.spaces) > 1:
        rows.append(("either", *_test(result.test), None, None, None, None))
    shifts = result.shifts
    moved = f" In pixels, shifts by up to {shifts} pixels each way are tried." if shifts else ""
    return TablePanel(
        title="Is it copying?",
        caption="Flagged: samples nearer to a train image than all but about 1 % of held-out "
        "images; p: exact (beta-binomial) probability of so many if samples were as held-out "
        "images are; p nearer: one-sided Mann-Whitney test over all distances. d1/d2 compares "
        "the nearest train image with the second nearest; far below 1 it singles one out. A "
        "small p with d1/d2 below the null's points to copying; look at the pictures."
        f"{moved} {CAUTION}",
        columns=(
            "space",
            "flagged, %",
            "expected, %",
            "p",
            "p nearer",
            "median d1",
            "held-out d1",
            "d1/d2",
            "held-out d1/d2",
        ),
        rows=rows,
    )


def _test(test: Any) -> tuple[float, ...]:
    return 100 * float(test.flagged.mean()), 100 * test.level, test.p_count, test.p_shift


def controls(result: NeighborsResult) -> TablePanel:
    """Tell whether copies are caught."""
    rows = [
        (
            kind,
            len(result.tests[kind].flagged),
            *(100 * float(s.tests[kind].flagged.mean()) for s in result.spaces),
            100 * share,
        )
        for kind, share in result.caught.items()
    ]
    verdict = (
        f"Too many {' and '.join(result.missed)} are missed: a clean result above means little."
        if result.missed
        else "They are caught: copies as exact as these do not pass. A copy drawn less exactly, "
        "with an error beyond the threshold below, can; compare it with how exactly the generator "
        "draws at all (`invert`)."
    )
    uncovered = [] if result.shifts else ["shifted"]
    uncovered += [] if result.flips else ["mirrored"]
    return TablePanel(
        title="Would a copy be caught?",
        caption="Copies of train images put through the same test: share flagged in each space and "
        f"over all; the last column must be near 100 %. {verdict} Copies that are "
        f"{', '.join([*uncovered, 'cropped or recoloured'])} are not covered.",
        columns=("copies", "number", *(f"in {s.name}, %" for s in result.spaces), "caught, %"),
        rows=rows,
    )


def sets(result: NeighborsResult) -> TablePanel:
    """Put the statistics of whole sets beside those of held-out images and of the controls."""
    shown = [k for k in (GENERATED, HELD_OUT, COLLAPSED) if k in result.sets]
    scores = [result.sets[kind] for kind in shown]
    name = result.frechet_name
    rows = [
        ("C_T", *(s.copying.value for s in scores), "far below 0; far above: underfitting"),
        ("AuthPct, %", *(100 * s.authentic for s in scores), "below held-out"),
        ("calibrated distance", *(s.calibrated for s in scores), "below held-out"),
        ("memorization distance", *(s.memorization for s in scores), "below held-out"),
        (f"{name} to train", *(s.frechet for s in scores), "below held-out"),
        (f"Mi{name}", *(s.mifd for s in scores), "up, if the penalty outweighs"),
        ("coverage of train", *(s.coverage for s in scores), "few modes: below held-out"),
    ]
    n, layer = scores[0].n_frechet, result["discriminator_layer"]
    where = f"features of the discriminator ({layer})" if layer else "pixels, as they are"
    return TablePanel(
        title="Whole sets against the training data",
        caption=f"In {where}; the last column says where copying moves a number. The control is "
        f"{MODES} train images drawn again and again with 2 % noise: a generator that copies and "
        "has lost all but few modes, which is why its Fréchet distance is high. C_T (Meehan 2020) "
        "compares distances to train with those of held-out images in each cell, in standard "
        "deviations; that of honest samples stays within about 2 (the held-out entry is one half "
        "of those images against the other). AuthPct (Alaa 2022): share farther from their nearest "
        "train image than any other train image is. Fréchet distance and coverage (k = 5) "
        f"against {n:,} train images, N = {n:,} on either side. {name} is no FID. Mi{name}, that "
        "distance over the memorization distance where this is below 0.1 (Kaggle's threshold, "
        f"made for Inception), is no MiFID: copying lowers both parts of it. {CAUTION}",
        columns=("statistic", *shown, "copying moves it"),
        rows=rows,
    )


def duplicates(found: Duplicates) -> TablePanel:
    """Count twins in every set, and the planted ones that were found."""
    rows: list[tuple[Any, ...]] = [
        (kind, twins.n, twins.same_bytes, twins.same_hash, twins.near_hash)
        for kind, twins in found.twins.items()
    ]
    for way, (same, near) in found.planted.items():
        rows.append((f"planted: {way}, % found", None, None, 100 * same, 100 * near))
    rows.append(("random pairs, % taken for twins", found.n_random, None, None,
                 100 * found.random_near))  # fmt: skip
    return TablePanel(
        title="Duplicates",
        caption="Images with a twin among the (other) train images: the same bytes, the same hash, "
        f"or a hash at most {found.radius} of 128 bits away, half of what all but one in 10,000 "
        "random pairs of train images differ in. The hash is the code of a small de-noising "
        "autoencoder of the train images (Radford 2015, 4.1). A twin is alike in layout and colour "
        "and need not be a copy. Below, planted copies that were found, and other random pairs, "
        "which were not to be.",
        columns=("images", "number", "same bytes", "same hash", "near hash"),
        rows=rows,
    )
