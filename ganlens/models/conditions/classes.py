"""A condition of one class out of several."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.models.conditions.base import Condition
from ganlens.models.conditions.table import Entry, Table, named, nearest


@dataclass(frozen=True)
class Classes(Condition):
    """One-hot rows.

    Attributes:
        classes: their names, in the order of the data's labels.
        attribute: what the classes are of, such as "digit"; ``digit=7`` is then read as ``7``.
    """

    kind: ClassVar[str] = "classes"
    classes: tuple[str, ...] = ()
    attribute: str = "class"

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", named(self.classes, "classes"))
        if not isinstance(self.attribute, str):
            raise GanlensError(f"what classes are of is a word, not {self.attribute!r:.60}")
        known = {(index,) for index in range(len(self.classes))}
        if not set(self.table.entries) <= known:
            raise GanlensError("a condition of classes has an entry for a class without a name")

    @classmethod
    def of(cls, labels: np.ndarray, names: Sequence[str]) -> "Classes":
        """Count the classes of (N,) labels."""
        return cls(Table.count(np.asarray(labels)[:, None]), tuple(names))

    @classmethod
    def numbered(cls, count: int, usual: int = 0) -> "Classes":
        """Return classes that are known by number only, all as likely; ``usual`` stands first."""
        order = [usual, *(i for i in range(count) if i != usual)]
        table = Table(tuple((i,) for i in order), (1,) * count)
        return cls(table, tuple(map(str, range(count))))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.classes

    @property
    def dim(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def row(self, entry: Entry) -> Tensor:
        """Return the one-hot row of a class."""
        return torch.eye(self.dim)[int(entry[0])]

    def labels(self, labels: np.ndarray) -> Tensor:
        """Return (N, dim) one-hot rows of (N,) labels."""
        return torch.eye(self.dim)[torch.as_tensor(np.asarray(labels, np.int64))]

    def read(self, words: str) -> Tensor:
        """Return the row of "cat", of "class=cat", or of a label's number where no class has it.

        Raises:
            GanlensError: no such class, with the nearest one and the first twenty.
        """
        before, equals, after = words.partition("=")
        text = after.strip() if equals and before.strip() in ("class", self.attribute) else words
        # A class may be called "class=cat" or " cat": what is written exactly so comes first.
        for said, known in (
            (words, self.classes),
            (text.strip(), self.classes),
            (text.strip(), [name.strip() for name in self.classes]),
        ):
            if said in known:
                return self.row((known.index(said),))
        text = text.strip()
        shown = ", ".join(self.classes[:20]) + (" ..." if self.dim > 20 else "")
        raise GanlensError(
            f"class {text!r} is not known{nearest(text, self.classes)}: choose from {shown}"
            f"{self._spelling(text)}"
        )

    def _spelling(self, text: str) -> str:
        """Say how known classes are written that stand in the words, as in "digit=7" or "3,5"."""
        parts = re.split(r"[=,;|&\s]+", text)
        known = [part for part in parts if part in self.classes]
        if not known:
            return ""
        return f"; write {known[0]}" + (" alone" if len(known) == 1 else ", one class at a time")

    def name(self, row: Tensor) -> str:
        """Return the class with the largest number."""
        return self.classes[int(row.argmax())]

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        own = {"classes": list(self.classes), "attribute": self.attribute}
        return {"kind": self.kind, "table": self.table.to_json(), **own}
