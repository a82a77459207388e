"""Panels of the filters probe: weights as pictures, trained beside untrained, and a table."""

import numpy as np

from ganlens import images
from ganlens.panels import ImagePanel, Panel, TablePanel
from ganlens.probes.filters.result import FiltersResult


def panels(result: FiltersResult) -> list[Panel]:
    """Return the filters of both ends and the table of layers."""
    sheets = [_sheet(result, "first", result.first, result.first_untrained)]
    if len(result.last):
        sheets.append(_sheet(result, "last", result.last, result.last_untrained))
    return [*sheets, _table(result)]


def _sheet(
    result: FiltersResult, which: str, trained: np.ndarray, untrained: np.ndarray
) -> ImagePanel:
    beside = (
        f"Left trained, right untrained. {_smooth(result, which)}"
        if len(untrained)
        else result.note
    )
    titles = {
        "first": (
            "What the discriminator looks for first",
            f"Weights of {result.names[0]}: each tile is one filter, the patch of picture that "
            "it answers to most.",
        ),
        "last": (
            "What the generator draws with last",
            f"Weights of {result.names[1]}: each tile is the patch that one feature map stamps "
            "on the picture wherever it is on.",
        ),
    }
    title, what = titles[which]
    return ImagePanel(
        title=title,
        caption=f"{what} Every tile has its own scale (grey is 0). {beside}",
        image=_side_by_side(trained, untrained),
        alt=f"{len(trained)} small weight patches"
        + (", trained and untrained" if len(untrained) else ""),
        scale=8,
    )


def _smooth(result: FiltersResult, which: str) -> str:
    trained, untrained = result.smoothness[which], result.smoothness[f"{which} untrained"]
    if trained is None or untrained is None:
        return ""
    return (
        f"Neighbouring weights correlate by {trained:.2f}, untrained by {untrained:.2f} "
        "(smooth edges and blobs come near 1, noise near 0, checkerboards below 0)."
    )


def _table(result: FiltersResult) -> TablePanel:
    return TablePanel(
        title="Weights, layer by layer",
        caption="Mean, standard deviation and norm of each layer's weights, beside the "
        "standard deviation at the start of training. The receptive field is the side of "
        "the square of input pixels that one position of a discriminator layer depends on.",
        columns=(
            "network",
            "layer",
            "type",
            "shape",
            "parameters",
            "mean",
            "std",
            "std untrained",
            "norm",
            "receptive field (px)",
        ),
        rows=result.layers,
    )


def _side_by_side(trained: np.ndarray, untrained: np.ndarray) -> np.ndarray:
    left = images.grid(trained, padding=1)
    if len(untrained) == 0:
        return left
    gutter = np.full((len(left), 8, 3), 255, np.uint8)
    return np.concatenate([left, gutter, images.grid(untrained, padding=1)], axis=1)
