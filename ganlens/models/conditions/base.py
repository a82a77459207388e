"""Condition: what labels or words are to a network as rows, as Prior is of its latents."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganlens.models.conditions.table import Entry, Table


@dataclass(frozen=True)
class Condition(ABC):
    """The conditions of a network: one row of numbers for each image, and words for it.

    Attributes:
        kind: "classes", "attributes" or "text".
        table: how often the training data had what.
    """

    kind: ClassVar[str] = ""
    table: Table

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """What the data call their classes, their attributes' values, or their words."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """How many numbers a row has."""

    @abstractmethod
    def row(self, entry: Entry) -> Tensor:
        """Return the (dim,) float32 row of an entry of the table."""

    @abstractmethod
    def read(self, words: str) -> Tensor:
        """Return the (dim,) row that some words stand for.

        Raises:
            GanlensError: words that the data do not have, with those that it has.
        """

    @abstractmethod
    def name(self, row: Tensor) -> str:
        """Return the words of a (dim,) row; of a row that ``read`` gave, it reads them again."""

    def rows(self, entries: Iterable[Entry]) -> Tensor:
        """Return (N, dim) rows of entries."""
        found = [self.row(entry) for entry in entries]
        return torch.stack(found) if found else torch.empty(0, self.dim)

    def sample(self, seeds: Iterable[int]) -> Tensor:
        """Draw one (dim,) row per seed, as often as the training data had it: (N, dim)."""
        return self.rows(self.table.draw(seeds))

    @property
    def usual(self) -> Tensor:
        """The most frequent row: what is drawn where nothing is said."""
        return self.row(self.table.entries[0])

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values, which ``conditions.from_json`` reads again."""
