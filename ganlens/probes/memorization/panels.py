"""Panels of the neighbors probe: pictures beside their nearest train images, and distances."""

import numpy as np

from ganlens import images
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, figure
from ganlens.probes.memorization import tables
from ganlens.probes.memorization.duplicates import Duplicates
from ganlens.probes.memorization.evidence import GENERATED, HELD_OUT, Space
from ganlens.probes.memorization.result import NeighborsResult


def panels(result: NeighborsResult) -> list[Panel]:
    """Return pictures, evidence, controls, set statistics, duplicates and distances."""
    found: list[Panel] = [_grid(result), _held_out_grid(result), tables.offenders(result)]
    found += [tables.evidence(result), tables.controls(result), tables.sets(result)]
    if result.duplicates is not None:
        found.append(tables.duplicates(result.duplicates))
        if result.duplicates.pairs.shape[1]:
            found.append(_pairs(result.duplicates))
    return [*found, *(_distances(space) for space in result.spaces)]


def _pairs(found: Duplicates) -> ImagePanel:
    return ImagePanel(
        title="Train images that look like duplicates",
        caption="Each column is a pair of train images with nearly equal hashes, at most "
        f"{found.radius} of 128 bits apart; up to 8 of the most alike pairs. Whether they are "
        "duplicates is for your eye to say.",
        image=_sheet(found.pairs),
        alt="pairs of train images with nearly equal hashes",
        scale=_scale(found.pairs),
    )


def _rows(result: NeighborsResult) -> str:
    named = {"pixels": "in pixels", "discriminator": "in discriminator features"}
    return ", then ".join(f"the nearest train image {named[s.name]}" for s in result.spaces)


def _grid(result: NeighborsResult) -> ImagePanel:
    seeds = ", ".join(str(s) for s in result.seeds[result.worst])
    return ImagePanel(
        title="The samples nearest to the training data",
        caption=f"Top row: the {len(result.worst)} generated images of "
        f"{len(result.seeds):,} that come nearest to a train image, worst first (seeds "
        f"{seeds}); below, {_rows(result)}. A copy shows the same picture twice; sharing only a "
        "colour or a pose is what any good sample does.",
        image=_sheet(result.pictures),
        alt="generated images above their nearest train images",
        scale=_scale(result.pictures),
    )


def _held_out_grid(result: NeighborsResult) -> ImagePanel:
    return ImagePanel(
        title="The same for held-out images",
        caption="Real images that were never in training, picked the same way: the nearest of "
        f"{len(result.held_out_order):,}; below, {_rows(result)}. Samples are suspicious where "
        "they resemble train images more than these do.",
        image=_sheet(result.held_out_pictures),
        alt="held-out images above their nearest train images",
        scale=_scale(result.held_out_pictures),
    )


def _distances(space: Space) -> FigurePanel:
    unit = "brightness range" if space.name == "pixels" else "feature units"
    chart = figure(
        xaxis={
            "title": f"distance to the nearest train image (RMS, {unit})",
            "rangemode": "tozero",
        },
        yaxis={"title": "share of images, %", "range": [0, 101]},
        legend={"orientation": "h", "y": 1.15},
    )
    kinds = ((GENERATED, space.near[GENERATED], 0), (HELD_OUT, space.near[HELD_OUT], 1))
    for name, near, colour in kinds:
        values = np.sort(near.first)
        share = 100 * np.arange(1, len(values) + 1) / len(values)
        chart.add_scatter(
            x=values,
            y=share,
            mode="lines",
            name=name,
            line={"color": PALETTE[colour], "shape": "hv"},
        )
    chart.add_vline(
        space.test.threshold,
        line_dash="dot",
        line_color="#666666",
        annotation_text=f"flagged below ({space.test.level:.1%} of held-out)",
    )
    return FigurePanel(
        title=f"How near to the training data, in {_long(space.name)}",
        caption="Share of images whose nearest train image is at most this far. A generator "
        "that copies part of its data lifts the blue curve's lower left end above the orange "
        "one; a blue curve wholly to the left can also mean smoother, plainer pictures, and "
        "one wholly to the right means samples farther from the train images than new real "
        "images are: noise, blur or errors of drawing.",
        figure=chart,
    )


def _long(space: str) -> str:
    return "discriminator features" if space == "discriminator" else space


def _sheet(pictures: np.ndarray) -> np.ndarray:
    rows, columns = pictures.shape[:2]
    return images.grid(pictures.reshape(rows * columns, *pictures.shape[2:]), columns)


def _scale(pictures: np.ndarray) -> int:
    """Enlargement that shows pictures at about 64 pixels a side."""
    return max(1, round(64 / pictures.shape[2]))
