"""How often the training data had each condition: distinct entries and their counts."""

import hashlib
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from ganlens.errors import GanlensError
from ganlens.models.prior import check_seed

MOST_ENTRIES = 2_000  # a header stays small; of more distinct ones so many rows are drawn

Entry = tuple[float, ...]  # a class, values of attributes or tokens, as numbers


@dataclass(frozen=True)
class Table:
    """Distinct entries of the training data, the most frequent first.

    Attributes:
        entries: (M) tuples of equally many numbers.
        counts: (M) how often each was there.
        of: rows of the training data that they stand for; more than the counts' sum where the
            data had more than MOST_ENTRIES distinct ones, of which rows were then drawn.
    """

    entries: tuple[Entry, ...]
    counts: tuple[int, ...]
    of: int = 0

    def __post_init__(self) -> None:
        entries = tuple(tuple(map(_plain, entry)) for entry in self.entries)
        counts = tuple(operator.index(count) for count in self.counts)
        if not entries or len(entries) != len(counts) or min(counts) < 1:
            raise GanlensError("a condition's table needs entries, each with a count of 1 or more")
        if len({len(entry) for entry in entries}) > 1:
            raise GanlensError("a condition's table has entries of unequal length")
        object.__setattr__(self, "entries", entries)
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "of", max(self.of, sum(counts)))

    @classmethod
    def count(cls, rows: np.ndarray) -> "Table":
        """Count the distinct rows of an (N, A) array; ties are in the order of their numbers."""
        total = len(rows)
        entries, counts = np.unique(rows, axis=0, return_counts=True)
        if len(entries) > MOST_ENTRIES:
            drawn = np.random.default_rng(0).permutation(total)[:MOST_ENTRIES]
            entries, counts = np.unique(rows[drawn], axis=0, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return cls(tuple(map(tuple, entries[order].tolist())), tuple(counts[order].tolist()), total)

    def draw(self, seeds: Iterable[int]) -> list[Entry]:
        """Draw an entry for each seed, as often as the data had it; apart from the seed's latent.

        Raises:
            GanlensError: a seed that is no whole number from 0 to MAX_SEED.
        """
        edges = np.cumsum(self.counts)
        places = (_share(check_seed(seed)) * edges[-1] for seed in seeds)
        return [self.entries[int(np.searchsorted(edges, at, "right"))] for at in places]

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values, from which ``Table(**values)`` is an equal one."""
        entries = [list(entry) for entry in self.entries]
        return {"entries": entries, "counts": list(self.counts), "of": self.of}


def _plain(value: Any) -> float:
    number = float(value)
    return int(number) if number.is_integer() else number


def _share(seed: int) -> float:
    """Return a number from 0 to below 1 that a seed stands for; equal on every machine."""
    digest = hashlib.blake2b(f"condition/{seed}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def named(names: Any, what: str) -> tuple[str, ...]:
    """Return names, each of which words can tell from the others.

    Raises:
        GanlensError: they are no list of words, or one stands there twice.
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise GanlensError(f"{what} {names!r:.60} are no list of words")
    if len(set(names)) < len(tuple(names)):
        doubled = Counter(names).most_common(1)[0][0]
        raise GanlensError(f"{what} have {doubled!r} twice: words could not tell them apart")
    return tuple(map(str, names))  # NumPy's strings become plain ones


def nearest(word: str, known: Sequence[str]) -> str:
    """Return " (did you mean ...?)" for a misspelt name, or nothing."""
    near = get_close_matches(word, known, 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
