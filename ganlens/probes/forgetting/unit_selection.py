"""Selections of maps that are compared, each as one edit."""

from dataclasses import dataclass

import numpy as np

from ganlens.edits import EVERYWHERE, Blend

PAPER = "all maps of positive weight, everywhere (the paper)"
FEWER = "as many maps, of the largest weights, everywhere"
PLACE = "as many maps, of the largest weights, in the concept's place"
WAYS = {  # by what maps are chosen, and where they are changed
    ("effect", "concept"): "maps chosen by their effect, in the concept's place",
    ("effect", "everywhere"): "maps chosen by their effect, everywhere",
    ("weights", "concept"): PLACE,
    ("weights", "everywhere"): FEWER,
}
CHANGED = 0.1  # strength from which a map counts as changed


@dataclass(frozen=True)
class Material:
    """What edits are made of.

    Attributes:
        layer: generator layer.
        box: the concept's place, in shares of the side.
        weights: (C,) of the unit classifier.
        levels: (C,) to which maps are brought.
        strengths: (C,) found by effect, or None.
        insert: whether the concept should come.
    """

    layer: str
    box: tuple[float, ...]
    weights: np.ndarray
    levels: np.ndarray
    strengths: np.ndarray | None
    insert: bool

    @property
    def order(self) -> np.ndarray:
        """(C,) all maps, the most important one first."""
        found = self.weights if self.strengths is None else self.strengths
        return np.argsort(-found, kind="stable")

    def replaced(self, channels: np.ndarray) -> Blend:
        """Replace maps by their levels in the concept's place."""
        return self._blend(channels, self.levels, self.box)

    def everywhere(self, channels: np.ndarray) -> Blend:
        """Drop maps everywhere; where a concept is inserted, bring them to their levels."""
        return self._blend(channels, self.levels if self.insert else None, EVERYWHERE)

    def _blend(
        self, channels: np.ndarray, levels: np.ndarray | None, box: tuple[float, ...],
        strengths: np.ndarray | None = None,
    ) -> Blend:  # fmt: skip
        """Bring maps to their levels, or to 0, with their strengths, or in full."""
        chosen = sorted(channels.tolist())
        level, strength = (
            () if values is None else tuple(map(float, values[chosen]))
            for values in (levels, strengths)
        )
        return Blend(self.layer, tuple(chosen), strength or (1.0,), level or (0.0,), box)

    def compared(self, own: str, maps: int) -> dict[str, Blend]:
        """Return the selections that are compared, as edits by name.

        Args:
            own: the selection of the settings; it comes first.
            maps: how many maps it changes; 0 takes those of a strength of a tenth or more, or those
                of positive weight.
        """
        by_weight = np.argsort(-self.weights, kind="stable")
        positive = by_weight[self.weights[by_weight] > 0]
        count = maps or len(positive)
        if self.strengths is not None:
            count = maps or max(1, int((self.strengths >= CHANGED).sum()))
        by_effect = self._blend(self.order[:count], self.levels, self.box, self.strengths)
        edits = {
            PLACE: self.replaced(by_weight[:count]),
            FEWER: self.everywhere(by_weight[:count]),
            PAPER: self.everywhere(positive),
        }
        return {own: edits.get(own, by_effect), **edits}

    def random(self, like: Blend, rng: np.random.Generator) -> Blend:
        """Return the same edit of equally many random maps: other than the chosen ones, if any."""
        count = len(self.weights)
        others = np.setdiff1d(np.arange(count), like.channels)
        pool = others if len(others) >= len(like.channels) else np.arange(count)
        chosen = rng.permutation(pool)[: len(like.channels)]
        replaced = len(like.levels) > 1 or like.levels != (0.0,)
        levels = tuple(self.levels[chosen].tolist()) if replaced else like.levels
        return Blend(self.layer, tuple(chosen.tolist()), like.strengths, levels, like.box)
