"""Result of the directions probe: directions, and the numbers of their report cards."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.directions import Direction, directions_bytes, duplicates
from ganlens.probes.directions.card import Card
from ganlens.probes.result import Number, Result

FILE = "directions.safetensors"
MEANS = ("auc", "turned_on", "own_attribute_changed", "other_attributes_changed")


@dataclass(frozen=True)
class Strip:
    """The picture of one direction.

    Attributes:
        index: of the direction.
        edit: "move" in latent space, or "offset" of a layer's output.
        tiles: (seeds * amounts, H, W, C) uint8, one row of the picture per seed.
        recipe: what draws it again.
    """

    index: int
    edit: str
    tiles: np.ndarray
    recipe: dict[str, Any]


@dataclass(frozen=True)
class DirectionsResult(Result):
    """Directions, the report card of each, and pictures of the first ones.

    Attributes:
        directions: all that have a card, in the order of the table; random ones last.
        cards: one per direction.
        units: (n, d) float32, the directions as rows.
        names: claim -> the attributes that it is about.
        strips: pictures.
        amounts: (m,) of the pictures, in sigmas.
        distance: of the cards, in sigmas.
        measured: samples behind a card.
        probe_auc: claim -> held-out AUC of the linear probe that scored the samples.
        reason: why methods were left out; empty where none were.
    """

    directions: tuple[Direction, ...]
    cards: tuple[Card, ...]
    units: np.ndarray
    names: dict[str, tuple[str, ...]]
    strips: tuple[Strip, ...]
    amounts: np.ndarray
    distance: float
    measured: int
    probe_auc: dict[str, float]
    reason: str

    def files(self) -> dict[str, bytes]:
        """Return what is worth a file of its own: every direction but the random ones."""
        kept = [one for one in self.directions if one.method != "random"]
        return {FILE: directions_bytes(kept)} if kept else {}

    @property
    def same_as(self) -> list[str | None]:
        """For each direction the name of the first earlier one with |cos| > 0.9, or None."""
        found = duplicates(self.directions)
        return [None if i is None else title(self.directions[i]) for i in found]

    def attributes(self, index: int) -> tuple[str, ...]:
        """Return the attributes that a direction is about; without a claim, the most moved one."""
        claim = self.directions[index].claim
        if claim in self.names:
            return self.names[claim]
        changes = self.cards[index].changes
        return (max(changes, key=lambda name: changes[name]),) if changes else ()

    def of(self, method: str) -> Iterator[int]:
        """Yield the indices of the directions that a method found."""
        return (i for i, one in enumerate(self.directions) if one.method == method)

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON-able report card per direction."""
        found = zip(self.directions, self.cards, self.same_as, strict=True)
        return [
            {
                **{name: value for name, value in vars(card).items() if name != "changes"},
                "held_out_accuracy_of_extremes": one.metrics.get("accuracy"),
                "held_out_auc_of_extremes": one.metrics.get("auc"),
                "own_attribute_changed": card.own(self.attributes(i)),
                "other_attributes_changed": card.others(self.attributes(i)),
                "strength": one.strength,
                "same_as": same,
            }
            for i, (one, card, same) in enumerate(found)
        ]

    def numbers(self) -> list[Number]:
        """Return means per method, then the cards as columns, one entry per direction."""
        methods = list(dict.fromkeys(one.method for one in self.directions))
        claimed = [i for i in self.of("boundary") if self.cards[i].turned_on is not None]
        best = max(claimed, key=lambda i: self.cards[i].auc or 0, default=None)
        rows, none = self.rows(), "no boundary could be tried on fresh samples"

        def mean(method: str, key: str) -> float | None:
            known = [rows[i][key] for i in self.of(method) if rows[i][key] is not None]
            return float(np.mean(known)) if known else None

        return Number.each(
            {
                "n_directions": sum(one.method != "random" for one in self.directions),
                "duplicates": sum(same is not None for same in self.same_as),
                "left_out": self.reason or None,
                "best_boundary": None if best is None else self.directions[best].name,
                "best_boundary_auc": None if best is None else self.cards[best].auc,
                "best_boundary_turned_on": None if best is None else self.cards[best].turned_on,
                "means_per_method": {m: {key: mean(m, key) for key in MEANS} for m in methods},
                "directions": [title(one) for one in self.directions],
                **{key: [row[key] for row in rows] for key in rows[0]},
                "changed": {
                    name: [card.changes[name] for card in self.cards]
                    for name in self.cards[0].changes
                },
                "claims_probed": list(self.probe_auc),
                "probe_auc_held_out": list(self.probe_auc.values()),
            },
            dict.fromkeys(("best_boundary", "best_boundary_auc", "best_boundary_turned_on"), none),
        )


def title(one: Direction) -> str:
    """Name a direction so that it cannot be mistaken for one of another method."""
    if one.method in ("boundary", "means"):
        return f"{one.method}: {one.name}"
    if one.method == "conditional":
        return f"conditional: {one.claim}"
    return one.name
