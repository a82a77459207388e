"""Panels of the maximize probe: images with their controls, the ascent, the numbers."""

from collections.abc import Sequence

import numpy as np

from ganlens.figures import DASHES, Line, lines
from ganlens.panels import PALETTE, FigurePanel, ImagePanel, Panel, TablePanel
from ganlens.probes.maximize.result import MaximizeResult
from ganlens.probes.maximize.units import LOGIT
from ganlens.probes.tiles import labelled

MOST_CURVES = 12
WINDOW = 15  # steps that a point of a curve is the mean of


def panels(result: MaximizeResult) -> list[Panel]:
    """Return the images with their controls, the ascent, and the numbers."""
    return [_tiles(result), _curves(result), _table(result)]


def _tiles(result: MaximizeResult) -> ImagePanel:
    rows = [("maximised", result.trained.pictures), ("highest real image", result.real)]
    third = result.note
    if result.untrained is not None:
        rows.append(("maximised, untrained", result.untrained.pictures))
        third = (
            "The bottom row is made the same way for the network before training: what shows "
            "there too was not learned."
        )
    return ImagePanel(
        title="What excites these units most",
        caption=f"One column per unit{_kinds(result)}. The top row is made by gradient ascent "
        f"from an even colour; below it is the one of {result.about['n_real']:,} real images "
        f"with the highest activation. {third} A made image is not a sample: it exaggerates "
        "what the unit counts, and may look like nothing real.",
        image=labelled(result.names, rows),
        alt=f"{len(rows)} rows ({', '.join(name for name, _ in rows)}) of images for the "
        f"units {', '.join(result.names)}",
        scale=1,
    )


def _kinds(result: MaximizeResult) -> str:
    """Say what the names of the units stand for."""
    names = result.names
    known = (
        (LOGIT in names, f"`{LOGIT}` is how real the discriminator finds an image"),
        (any(":" in name for name in names), "`layer:9` is channel 9 of a layer"),
        (any("=" in name for name in names), "`target=class` is an output of the classifier"),
    )
    said = "; ".join(words for there, words in known if there)
    return f" ({said})" if said else ""


def _curves(result: MaximizeResult) -> FigurePanel:
    values = result.trained.scaled(result.trained.history)
    series = [
        Line(name, _smooth(values[:, i]), colour=PALETTE[i % 6], dash=DASHES[i % len(DASHES)])
        for i, name in enumerate(result.names[:MOST_CURVES])
        if np.isfinite(values[:, i]).all()
    ]
    moved = f"The curves are means over {WINDOW} steps."
    if result.about["shaken"]:
        moved = (
            "The image is moved at random before every step, so the curves are means over "
            f"{WINDOW} steps, and can lie below the score in the table, which is that of the image "
            "at rest."
        )
    return lines(
        "How the activation climbs",
        "Each unit on its own scale: 0 is its median over the real images, 1 the highest of them "
        f"(both dashed). {moved} Where a curve still rises at the end, more iterations "
        "would reach further.",
        np.arange(1, len(values) + 1),
        series,
        xaxis="step of gradient ascent",
        yaxis="activation (1: highest real image)",
        levels={"highest real image": 1, "median real image": 0},
        legend={"orientation": "h", "y": -0.25},
        height=400,
    )


def _table(result: MaximizeResult) -> TablePanel:
    units = result["units"]
    columns = {
        "reached": "reached",
        "highest real": "highest_real",
        "median real": "median_real",
        "highest noise": "highest_noise",
        "score": "score",
        "probability of the class": "probability",
        "untrained: reached": "reached_untrained",
        "untrained: highest real": "highest_real_untrained",
        "untrained: score": "score_untrained",
    }
    return TablePanel.of(
        "Activations reached",
        "Activations before the activation function. The score is 0 at the median "
        "real image and 1 at the highest; the noise has the data's colours and a natural "
        "spectrum. An untrained unit can be driven beyond real images too, so the score says "
        "how far ascent goes, and only the pictures say what was learned.",
        {"unit": units, "network": result.networks}
        | {name: [one[key] for one in units.values()] for name, key in columns.items()},
    )


def _smooth(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return running means over ``WINDOW`` values, fewer at the ends."""
    ones = np.ones(min(WINDOW, len(values)))
    return np.convolve(values, ones, "same") / np.convolve(np.ones(len(values)), ones, "same")
