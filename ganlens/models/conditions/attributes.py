"""A condition of several attributes: one-hot values of categories, standardised numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.models.conditions.base import Condition
from ganlens.models.conditions.table import Entry, Table, named, nearest

DIGITS = 6  # significant digits of a number: its words then give the same row again


@dataclass(frozen=True)
class Attribute:
    """One attribute.

    Attributes:
        name: the data's name of it.
        values: of a category, in a fixed order; empty for a number.
        mean: of a number, over the training data.
        std: of a number, above 0.
    """

    name: str
    values: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise GanlensError(f"an attribute's name is a word, not {self.name!r:.60}")
        values = named(self.values, f"values of attribute {self.name!r}")
        object.__setattr__(self, "values", values)
        if not (math.isfinite(self.mean) and 0 < self.std < math.inf):
            raise GanlensError(f"attribute {self.name!r} needs a mean and a deviation above 0")

    @property
    def dim(self) -> int:
        """Numbers that it takes in a row."""
        return len(self.values) or 1

    def row(self, entry: float) -> Tensor:
        """Return its (dim,) part of a row: of a value's index, or of a number."""
        if self.values:
            return torch.eye(self.dim)[int(entry)]
        return torch.tensor([(entry - self.mean) / self.std], dtype=torch.float32)

    def word(self, row: Tensor) -> str:
        """Return the value in words."""
        if self.values:
            return self.values[int(row.argmax())]
        return f"{float(row[0]) * self.std + self.mean:.{DIGITS}g}"

    def entry(self, word: str) -> float:
        """Return a value's index, or a number.

        Raises:
            GanlensError: no value of it, or no number.
        """
        if self.values:
            for known in (self.values, [value.strip() for value in self.values]):
                if word in known:
                    return known.index(word)
            raise GanlensError(
                f"{self.name} {word!r} is not known{nearest(word, self.values)}: choose from"
                f" {', '.join(self.values)}"
            )
        try:
            number = rounded(float(word))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise GanlensError(
                f"{self.name} {word!r} is no number: give one, such as {self.mean:g}"
            )
        return number


@dataclass(frozen=True)
class Attributes(Condition):
    """Rows of several attributes side by side.

    Attributes:
        attributes: from left to right.
    """

    kind: ClassVar[str] = "attributes"
    attributes: tuple[Attribute, ...] = ()

    def __post_init__(self) -> None:
        given = (Attribute(**a) if isinstance(a, Mapping) else a for a in self.attributes)
        object.__setattr__(self, "attributes", tuple(given))
        if not self.attributes or len(self.table.entries[0]) != len(self.attributes):
            raise GanlensError("a condition of attributes has entries that do not fit its names")
        named([one.name for one in self.attributes], "attributes")
        for one, column in zip(self.attributes, zip(*self.table.entries, strict=True), strict=True):
            if one.values and not set(column) <= set(range(one.dim)):
                raise GanlensError(
                    f"attribute {one.name!r} has an entry for a value without a name"
                )

    @classmethod
    def of(
        cls, columns: Mapping[str, np.ndarray], values: Mapping[str, Sequence[str]]
    ) -> "Attributes":
        """Count the values of (N,) columns.

        Args:
            columns: name -> (N,) strings, or float64.
            values: categorical name -> every value that it may take.

        Raises:
            GanlensError: a number that is not finite.
        """
        known = tuple(_attribute(name, column, values) for name, column in columns.items())
        return cls(Table.count(_entries(known, columns)), known)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each number of a row: "mouth=smile", or "tilt"."""
        return tuple(
            name
            for one in self.attributes
            for name in ([f"{one.name}={value}" for value in one.values] or [one.name])
        )

    @property
    def dim(self) -> int:
        """Numbers of all attributes."""
        return sum(one.dim for one in self.attributes)

    def row(self, entry: Entry) -> Tensor:
        """Return the row of an entry: one number for each attribute."""
        parts = [one.row(value) for one, value in zip(self.attributes, entry, strict=True)]
        return torch.cat(parts)

    def encode(self, columns: Mapping[str, np.ndarray]) -> Tensor:
        """Return (N, dim) rows of (N,) columns.

        Raises:
            GanlensError: a column is missing, or has a value that is not known.
        """
        if missing := [one.name for one in self.attributes if one.name not in columns]:
            raise GanlensError(f"the data lacks the attribute {missing[0]!r}: give data with it")
        entries = _entries(self.attributes, columns)
        parts = []
        for one, column in zip(self.attributes, entries.T, strict=True):
            if one.values:
                parts.append(torch.eye(one.dim)[torch.from_numpy(column.astype(np.int64))])
            else:
                scaled = (column - one.mean) / one.std
                parts.append(torch.from_numpy(scaled.astype(np.float32))[:, None])
        return torch.cat(parts, 1)

    def read(self, words: str) -> Tensor:
        """Return the row of "mouth=smile & glasses=none".

        An attribute that is left out takes its most frequent value, a number its mean; ``name``
        says which.

        Raises:
            GanlensError: an unknown attribute or value, or one that is given twice.
        """
        given: dict[str, float] = {}
        known = {one.name: one for one in self.attributes}
        pieces = words.split("&") if words.strip() else []
        while pieces:
            one, entry, used = self._clause(pieces)
            if one.name in given:
                raise GanlensError(f"condition {words!r} gives {one.name} twice: decide on one")
            given[one.name] = entry
            pieces = pieces[used:]
        usual = self._marginal()
        return self.row(tuple(given.get(n, usual[i]) for i, n in enumerate(known)))

    def _clause(self, pieces: Sequence[str]) -> tuple[Attribute, float, int]:
        """Read the first NAME=VALUE of words that were split at each "&".

        Names and values are the data's own, with "&" and "=" in them perhaps: the longest run of
        pieces that is known as a whole counts.

        Returns:
            The attribute, its entry, and how many pieces say so.
        """
        for used in range(len(pieces), 0, -1):
            clause = "&".join(pieces[:used]).strip()
            for one in self.attributes:
                rest = clause.removeprefix(one.name.strip()).lstrip()
                if rest == clause or not rest.startswith("="):
                    continue
                word = rest[1:].strip()
                if used == 1 or word in map(str.strip, one.values):
                    return one, one.entry(word), used
        clause = pieces[0].strip()
        names = [one.name for one in self.attributes]
        raise GanlensError(
            f"condition {clause!r} is not known{nearest(clause.split('=')[0].strip(), names)}: "
            f"write NAME=VALUE & NAME=VALUE with {', '.join(names)}"
        )

    def _marginal(self) -> Entry:
        """Return every attribute's most frequent value by itself, of a number the mean."""
        entries = np.array(self.table.entries, dtype=np.float64)
        found: list[float] = []
        for column, one in zip(entries.T, self.attributes, strict=True):
            if one.values:
                index = column.astype(np.int64)
                found.append(int(np.bincount(index, np.array(self.table.counts)).argmax()))
            else:
                found.append(rounded(one.mean))
        return tuple(found)

    def name(self, row: Tensor) -> str:
        """Return every attribute's value: "mouth=smile & glasses=none & tilt=3.5"."""
        pieces = row.split([one.dim for one in self.attributes])
        return " & ".join(
            f"{one.name}={one.word(piece)}"
            for one, piece in zip(self.attributes, pieces, strict=True)
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        own = [
            {"name": a.name, "values": list(a.values), "mean": a.mean, "std": a.std}
            for a in self.attributes
        ]
        return {"kind": self.kind, "table": self.table.to_json(), "attributes": own}


def rounded(value: float) -> float:
    """Round a number to DIGITS significant digits."""
    return float(f"{value:.{DIGITS}g}")


def _attribute(name: str, column: np.ndarray, values: Mapping[str, Sequence[str]]) -> Attribute:
    if column.dtype.kind in "OSU":
        return Attribute(name, tuple(values.get(name) or sorted(set(column.tolist()))))
    if not np.isfinite(column).all():
        raise GanlensError(f"attribute {name!r} is not finite everywhere: leave it out")
    constant = column.min() == column.max()  # its computed deviation may be a rounding error
    mean, std = float(column.mean()), 0.0 if constant else float(column.std())
    lost = max(abs(rounded(value) - value) for value in column.tolist())
    if not constant and lost > std / 100:  # it would say next to nothing
        raise GanlensError(
            f"attribute {name!r} changes only beyond its first {DIGITS} digits, around {mean:.10g}:"
            f" subtract {rounded(mean):.10g} from it, or leave it out"
        )
    return Attribute(name, (), rounded(mean), rounded(std) or 1.0)


def _entries(known: Sequence[Attribute], columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return (N, A) numbers: indices of values, and numbers rounded to DIGITS digits."""
    found = []
    for one in known:
        column = columns[one.name]
        if one.values:
            places = {value: i for i, value in enumerate(one.values)}
            words = column.tolist()
            if unknown := sorted(set(words) - set(places)):
                one.entry(str(unknown[0]))  # raises, with the values that are known
            found.append(np.array([places[word] for word in words], np.float64))
        else:
            found.append(np.array([rounded(value) for value in column.tolist()]))
    return np.stack(found, 1)
