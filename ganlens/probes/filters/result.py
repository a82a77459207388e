"""Result of the filters probe: the weights at both ends of the pair, and its panels."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.panels import ImagePanel, Panel, TablePanel
from ganlens.probes.result import Number, Result

TITLES = {
    "first": "What the discriminator looks for first",
    "last": "What the generator draws with last",
}
TILES = {
    "first": "is one filter, the patch of picture that it answers to most",
    "last": "is the patch that one feature map stamps on the picture wherever it is on",
}


@dataclass(frozen=True)
class FiltersResult(Result):
    """The weights at both ends of the pair.

    Attributes:
        first: (F, k, k, C) uint8: what D's first layer looks for, each filter on its own scale.
        first_untrained: the same of an untrained D; (0, ...) where none can be built.
        last: (F, k, k, C) uint8: what each map of G's last layer stamps on the picture; empty
            without a generator.
        last_untrained: the same of an untrained G.
        smoothness: correlation of neighbouring weights of "first", "first untrained", "last" and
            "last untrained", None where it is undefined.
        layers: for each layer with weights its row of the table, by column.
        names: names of D's first and G's last layer.
        note: why there is nothing untrained to compare with, or empty.
    """

    first: np.ndarray
    first_untrained: np.ndarray
    last: np.ndarray
    last_untrained: np.ndarray
    smoothness: dict[str, float | None]
    layers: tuple[dict[str, Any], ...]
    names: tuple[str, str]
    note: str

    def numbers(self) -> list[Number]:
        """Return how many filters there are, how smooth they are, and counts of parameters."""
        counts: Counter[str] = Counter()
        for row in self.layers:
            counts[row["network"]] += row["parameters"]
        return [
            Number("first_layer_of_discriminator", self.names[0]),
            Number("filters", len(self.first)),
            Number("neighbour_correlation", self.smoothness),
            Number("neighbour_correlation_note", self.note or None),
            Number("parameters", counts),
        ]


def panels(result: FiltersResult) -> list[Panel]:
    """Return the filters of both ends and the table of layers."""
    ends = ["first", "last"] if len(result.last) else ["first"]
    table = TablePanel.of(
        "Weights, layer by layer",
        "Mean, standard deviation and norm of each layer's weights, beside the "
        "standard deviation at the start of training. The receptive field is the side of "
        "the square of input pixels that one position of a discriminator layer depends on.",
        result.layers,
    )
    return [*(_sheet(result, end) for end in ends), table]


def _sheet(result: FiltersResult, end: str) -> ImagePanel:
    trained, untrained = getattr(result, end), getattr(result, f"{end}_untrained")
    both = [trained, untrained] if len(untrained) else [trained]
    compared = result.note
    if len(untrained):
        compared = f"Left trained, right untrained. {_smooth(result, end)}"
    return ImagePanel(
        title=TITLES[end],
        caption=f"Weights of {result.names[end == 'last']}: each tile {TILES[end]}. "
        f"Every tile has its own scale (grey is 0). {compared}",
        image=images.beside([images.grid(one, padding=1) for one in both], gap=8),
        alt=f"{len(trained)} small weight patches"
        + (", trained and untrained" if len(untrained) else ""),
        scale=8,
    )


def _smooth(result: FiltersResult, end: str) -> str:
    trained, untrained = result.smoothness[end], result.smoothness[f"{end} untrained"]
    if trained is None or untrained is None:
        return ""
    return (
        f"Neighbouring weights correlate by {trained:.2f}, untrained by {untrained:.2f} "
        "(smooth edges and blobs come near 1, noise near 0, checkerboards below 0)."
    )
