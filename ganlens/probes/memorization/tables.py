"""Tables of the neighbors probe: offenders, tests, controls, whole sets, duplicates."""

from collections.abc import Mapping
from typing import Any

from ganlens.panels import TablePanel
from ganlens.probes.memorization.comparison import GENERATED, HELD_OUT
from ganlens.probes.memorization.controls import COLLAPSED, MODES
from ganlens.probes.memorization.result import FEW_WEIGHT, NeighborsResult

CAUTION = (
    "These are several measurements, not one verdict: no single statistic separates copying from "
    "underfitting."
)
UNITS = {"pixels": "RMS, brightness range", "discriminator": "RMS, feature units"}  # of distances


def offenders(result: NeighborsResult) -> TablePanel:
    """List the worst samples with their nearest train image in each space."""
    worst = result.worst
    columns = {"seed": result.seeds[worst], "flagged": result.test.flagged[worst]}
    for space, names in zip(result.spaces, zip(*result.train_names, strict=True), strict=True):
        near = space.near[GENERATED]
        found = {
            f"d1 ({UNITS[space.name]})": near.first[worst],
            "percentile (%)": space.test.percentile[worst],
            "d1/d2": near.ratio[worst],
            "calibrated": near.calibrated[worst],
            "train image": names,
        }
        columns |= {f"{space.name}: {name}": values for name, values in found.items()}
    return TablePanel.of(
        "Worst offenders",
        "The samples of the first panel, left to right: whether it is flagged; distance d1 "
        "to the nearest train image; the share of held-out images that are at least as "
        "near; d1 over the distance to the second nearest; d1 over half the mean distance to the "
        "50 nearest (Carlini 2023; 2 where no train image stands out); and that train image.",
        columns,
    )


def comparison(result: NeighborsResult) -> TablePanel:
    """Compare samples with held-out images, in each space and over all."""
    summary, shifts = result.summary(), result.about["shifts"]
    tests = {s.name: (summary[f"too_near_in_{s.name}"], summary[s.name]) for s in result.spaces}
    if len(tests) > 1:
        tests["either"] = (summary["too_near"], summary)
    moved = f" In pixels, shifts by up to {shifts} pixels each way are tried."
    units = "; ".join(f"in {s.name}: {UNITS[s.name]}" for s in result.spaces)
    return TablePanel.of(
        "Is it copying?",
        "Flagged: samples nearer to a train image than all but about 1 % of held-out "
        "images; p: exact (beta-binomial) probability of so many if samples were as held-out "
        "images are; p nearer: one-sided Mann-Whitney test over all distances. d1 is the distance "
        f"to the nearest train image ({units}); d1/d2 compares it with the second nearest; far "
        "below 1 it singles one out. A small p with d1/d2 below the null's points to copying; "
        f"look at the pictures.{moved if shifts else ''} {CAUTION}",
        [
            {
                "space": name,
                "flagged (%)": 100 * share,
                "expected (%)": 100 * one["expected_share"],
                "p": one["p_flagged"],
                "p nearer": one["p_nearer_than_held_out"],
                "median d1": one.get("median_distance_generated"),
                "held-out d1": one.get("median_distance_held_out"),
                "d1/d2": one.get("median_ratio_generated"),
                "held-out d1/d2": one.get("median_ratio_held_out"),
            }
            for name, (share, one) in tests.items()
        ],
    )


def few_copies(result: NeighborsResult) -> TablePanel:
    """Tell whether a few samples are nearer than the held-out images, and whether 1 % would be."""
    few, n = result.few, result.few.relative.shape[1]
    mirrored = (
        "Mirrored copies are looked for."
        if few.flips
        else f"The mirror images of {few.mirrored:.0%} of the train images are train images "
        "themselves, so mirrored copies are not looked for separately."
    )
    short = (
        f" With so few held-out images {few.fewest:,} copies are needed for a p of 0.01."
        if few.fewest > few.n_planted
        else ""
    )
    rows: list[Any] = [(f"the {n:,} samples", 0, few.p, min(1.0, few.p / FEW_WEIGHT))]
    rows += [(f"with copies, {kind}", few.n_planted, p, min(1.0, p / FEW_WEIGHT))
             for kind, p in few.planted.items()]  # fmt: skip
    return TablePanel(
        title="A few copies among many samples?",
        caption=f"The lowest distances of samples and of {few.null.shape[1]:,} held-out images "
        "together: p is the probability that so many of them are samples', if samples are as "
        "held-out images are (random labels, over several depths at once). "
        f"{len(few.nearer):,} samples are nearer than every held-out image. Distances "
        "are between images of one brightness and contrast, with smoothed colours, as they are "
        "and averaged over 3x3 pixels, and each is divided by half the mean of the 50 nearest "
        "(Carlini 2023). "
        f"{mirrored} Below, the same test when some samples are replaced by copies: p must be "
        f"small.{short} With the test of the share flagged this makes one p-value of copying "
        f"(Bonferroni with weights 0.9 and 0.1): {result.p_copying:.2g}. "
        "Samples of a kind that the training data have too often come nearer without being "
        "copies: look at the pictures.",
        columns=("set", "copies", "p", "p, for two tests"),
        rows=rows,
    )


def controls(result: NeighborsResult) -> TablePanel:
    """Tell whether copies are caught."""
    summary, names = result.summary(), [space.name for space in result.spaces]
    rows = [
        (kind, len(result.tests[kind].flagged),
         *(100 * summary[name]["controls_flagged"][kind] for name in names), 100 * share)
        for kind, share in summary["controls_flagged"].items()
    ]  # fmt: skip
    verdict = (
        f"Too many {' and '.join(result.missed)} are missed: a clean result above means little."
        if result.missed
        else "They are caught: copies as exact as these do not pass. A copy drawn less exactly, "
        "with an error beyond the threshold below, can; compare it with how exactly the generator "
        "draws at all (`invert`)."
    )
    covered = {
        "shifted": result.about["shifts"],
        "mirrored": result.about["flips"],
        "cropped or recoloured": False,
    }
    return TablePanel(
        title="Would a copy be caught?",
        caption="Copies of train images put through the same test: share flagged in each space and "
        f"over all; the last column must be near 100 %. {verdict} Copies that are "
        f"{', '.join(kind for kind, one in covered.items() if not one)} are not covered here; the "
        "test for a few copies is for moved, mirrored and darker ones too.",
        columns=("copies", "N", *(f"in {name} (%)" for name in names), "caught (%)"),
        rows=rows,
    )


def sets(result: NeighborsResult) -> TablePanel:
    """Put the statistics of whole sets beside those of held-out images and of the controls."""
    summary = result.summary()
    kinds, name = (GENERATED, HELD_OUT, COLLAPSED), summary["set_frechet_name"]
    statistics = {
        "C_T": ("C_T (standard deviations)", "far below 0; far above: underfitting"),
        "authentic_percent": ("AuthPct (%)", "below held-out"),
        "median_calibrated_distance": ("calibrated distance, median", "below held-out"),
        "memorization_distance": ("memorization distance (cosine)", "below held-out"),
        "frechet_distance_to_train": (f"{name} to train", "below held-out"),
        "memorization_informed_frechet_distance": (f"Mi{name}", "up, if the penalty outweighs"),
        "coverage_of_train": ("coverage of train (share)", "few modes: below held-out"),
    }
    rows = [
        (label, *(summary["sets"][kind][key] for kind in kinds), moves)
        for key, (label, moves) in statistics.items()
    ]
    n, layer = result.sets[GENERATED]["n_frechet"], summary["discriminator_layer"]
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
        columns=("statistic", *kinds, "copying moves it"),
        rows=rows,
    )


def duplicates(found: Mapping[str, Any]) -> TablePanel:
    """Count twins in every set, and the planted ones that were found."""
    same, near = (found[f"planted_found_{how}"] for how in ("by_equal_hash", "within_radius"))
    return TablePanel(
        title="Duplicates",
        caption="Images with a twin among the (other) train images: the same bytes, the same hash, "
        f"or a hash at most {found['radius_bits']} of 128 bits away, half of what all but one in "
        "10,000 random pairs of train images differ in. The hash is the code of a small de-noising "
        "autoencoder of the train images (Radford 2015, 4.1). A twin is alike in layout and colour "
        "and need not be a copy. Below, planted copies that were found, and other random pairs, "
        "which were not to be.",
        columns=("images", "N", "same bytes", "same hash", "near hash"),
        rows=[
            *((kind, *found[kind].values()) for kind in ("train", "held-out", "generated")),
            *((f"planted: {kind}, found (%)", None, None, 100 * same[kind], 100 * near[kind])
              for kind in same),
            ("random pairs, taken for twins (%)", found["n_random_pairs"], None, None,
             100 * found["random_pairs_within_radius"]),
        ],
    )  # fmt: skip
