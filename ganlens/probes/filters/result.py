"""Result of the filters probe: the weights at both ends of the pair, as pictures."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.probes.result import Number, Result


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
