"""Generators that differ in their upsampling layers only, trained alike: what each one draws."""

import numpy as np

from ganlens import images
from ganlens.panels import ImagePanel, Panel, TablePanel
from ganlens.probes.artifacts.measure import Measurement
from ganlens.probes.artifacts.pictures import fine_structure
from ganlens.probes.artifacts.result import ArtifactsResult
from ganlens.probes.artifacts.tables import with_interval


def panels(result: ArtifactsResult) -> list[Panel]:
    """Return a table and samples; nothing where there is nothing to compare with."""
    return [_table(result), _samples(result)] if result.beside else []


def _table(result: ArtifactsResult) -> TablePanel:
    measured = [*result.beside, result.own]
    return TablePanel(
        title="Three ways of upsampling, trained alike",
        caption="Small generators of the same width, trained with the same data, seed, settings "
        "and number of steps, that differ in their upsampling layers only; last the generator of "
        "this page, which was trained otherwise. Excesses in dB with 95 % intervals: over the "
        "surrounding frequencies, and over real images at the same place.",
        columns=("generator", "upsampling", "period (px)", "unevenness predicted", "excess",
                 "over real", "amplitude", "arises in"),
        rows=[row for one in measured for row in _rows(one)],
    )  # fmt: skip


def _rows(found: Measurement) -> list[tuple[object, ...]]:
    return [
        (
            found.name,
            stage.kind,
            stage.period,
            stage.unevenness,
            with_interval(found.alone[i]),
            with_interval(found.over[i]),
            found.grey_levels[i],
            found.verdict.layer if found.verdict.period == stage.period else None,
        )
        for i, stage in enumerate(found.stages)
    ]


def _samples(result: ArtifactsResult) -> ImagePanel:
    rows = [row for one in result.beside for row in (one.samples, fine_structure(one.samples))]
    tiles = np.concatenate([images.as_rgb(row) for row in rows])
    names = ", ".join(one.name for one in result.beside)
    return ImagePanel(
        title="Samples of each",
        caption=f"From top to bottom: {names}. Each row of samples (the same seeds, not chosen) "
        "has its fine structure below it: the samples less a 3x3 blur, strengthened; a "
        "checkerboard is a regular grid there.",
        image=images.grid(np.stack([images.enlarge(t, 2) for t in tiles]), len(rows[0])),
        alt="rows of samples of three generators, each above its high-passed view",
        scale=2,
    )
