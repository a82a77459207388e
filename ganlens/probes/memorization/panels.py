"""Panels of the neighbors probe: pictures beside their nearest train images, and distances."""

import numpy as np

from ganlens import images
from ganlens.figures import Line, lines
from ganlens.panels import FigurePanel, ImagePanel, Panel, picture_scale
from ganlens.probes.memorization import tables
from ganlens.probes.memorization.comparison import GENERATED, HELD_OUT, Space
from ganlens.probes.memorization.result import NeighborsResult

NAMES = {"pixels": "pixels", "discriminator": "discriminator features"}


def panels(result: NeighborsResult) -> list[Panel]:
    """Return pictures, tests, controls, set statistics, duplicates and distances."""
    found: list[Panel] = [_samples(result), _held_out(result), tables.offenders(result)]
    found += [tables.comparison(result), tables.few_copies(result)]
    found += [tables.controls(result), tables.sets(result)]
    if result.duplicates is not None and result.duplicates_pairs is not None:
        found.append(tables.duplicates(result["duplicates"]))
        if result.duplicates_pairs.size:
            found.append(_pairs(result.duplicates_pairs, result.duplicates["radius_bits"]))
    return [*found, *(_distances(space) for space in result.spaces)]


def _samples(result: NeighborsResult) -> ImagePanel:
    seeds = ", ".join(str(s) for s in result.seeds[result.worst])
    return _columns(
        "The samples nearest to the training data",
        f"Top row: the {len(result.worst)} generated images of "
        f"{len(result.seeds):,} that come nearest to a train image, worst first (seeds "
        f"{seeds}); below, {_rows(result)}. A copy shows the same picture twice; sharing only a "
        "colour or a pose is what any good sample does.",
        result.pictures,
        "generated images above their nearest train images",
    )


def _held_out(result: NeighborsResult) -> ImagePanel:
    return _columns(
        "The same for held-out images",
        "Real images that were never in training, picked the same way: the nearest of "
        f"{len(result.held_out_order):,}; below, {_rows(result)}. Samples are suspicious where "
        "they resemble train images more than these do.",
        result.held_out_pictures,
        "held-out images above their nearest train images",
    )


def _rows(result: NeighborsResult) -> str:
    return ", then ".join(f"the nearest train image in {NAMES[s.name]}" for s in result.spaces)


def _pairs(pairs: np.ndarray, radius: int) -> ImagePanel:
    return _columns(
        "Train images that look like duplicates",
        "Each column is a pair of train images with nearly equal hashes, at most "
        f"{radius} of 128 bits apart; up to 8 of the most alike pairs. Whether they are "
        "duplicates is for your eye to say.",
        pairs,
        "pairs of train images with nearly equal hashes",
    )


def _columns(title: str, caption: str, pictures: np.ndarray, alt: str) -> ImagePanel:
    """Show (R, N, H, W, C) pictures in R rows."""
    sheet = images.grid(pictures.reshape(-1, *pictures.shape[2:]), pictures.shape[1])
    return ImagePanel(title, caption, sheet, alt, picture_scale(pictures[0]))


def _distances(space: Space) -> FigurePanel:
    curves = []
    for kind in (GENERATED, HELD_OUT):
        values = np.sort(space.near[kind].first)
        share = 100 * np.arange(1, len(values) + 1) / len(values)
        curves.append(Line(kind, share, values, steps=True))
    test = space.test
    return lines(
        f"How near to the training data, in {NAMES[space.name]}",
        "Share of images whose nearest train image is at most this far. A generator that copies "
        "part of its data lifts the blue curve's lower left end above the orange one; a blue curve "
        "wholly to the left can also mean smoother, plainer pictures, and one wholly to the right "
        "means samples farther from the train images than new real images are: noise, blur or "
        "errors of drawing.",
        None,
        curves,
        xaxis={"title": f"distance to the nearest train image ({tables.UNITS[space.name]})",
               "rangemode": "tozero"},
        yaxis={"title": "share of images (%)", "range": [0, 101]},
        places={f"flagged below ({test.level:.1%} of held-out)": test.threshold},
    )  # fmt: skip
