"""What is asked for: conditions that training had, those that it never had, pairs to walk between.

An entry is a condition as its table has it: the index of a class, or a value's index or a number
for each attribute.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens.data import ImageSet
from ganlens.models.conditions import Attributes, Condition
from ganlens.probes.conditions.readable import UNREAD, Readable, Target

Combination = tuple[int, ...]  # a class, or the values of the categorical attributes
MOST_LISTED = 100_000  # combinations that are gone through; of more, some are drawn


@dataclass(frozen=True)
class Trained:
    """Which combinations training had.

    Attributes:
        combinations: those that it had; None where that is not known.
        possible: how many can be asked for.
        reason: why it is not known.
    """

    combinations: frozenset[Combination] | None
    possible: int
    reason: str = ""

    def to_json(self) -> dict[str, int | None]:
        """Return how many there can be, and how many training had."""
        known = self.combinations
        return {"possible": self.possible, "in_training": None if known is None else len(known)}


def sizes(condition: Condition) -> dict[int, int]:
    """Return the number of values at each place of an entry that holds no number."""
    if isinstance(condition, Attributes):
        return {i: len(a.values) for i, a in enumerate(condition.attributes) if a.values}
    return {0: condition.dim}


def combinations(condition: Condition, entries: np.ndarray) -> list[Combination]:
    """Return the combination of each of (N, A) entries."""
    return [tuple(map(int, row)) for row in entries[:, list(sizes(condition))]]


def trained_on(condition: Condition, provenance: Mapping[str, Any], data: ImageSet) -> Trained:
    """Tell which combinations training had: by the model's table, or else by the data itself.

    Args:
        condition: of the model.
        provenance: of the model.
        data: looked at only if its train split is what the model was trained on.
    """
    possible, table = math.prod(sizes(condition).values()), condition.table
    if table.of == sum(table.counts):
        found = combinations(condition, np.array(table.entries, np.float64))
        return Trained(frozenset(found), possible)
    part = data.part("train")
    if (provenance.get("data") or {}).get("fingerprint") == part.fingerprint:
        return Trained(frozenset(_combinations_of(condition, part)), possible)
    return Trained(
        None,
        possible,
        "the checkpoint keeps only some of the many conditions that training had, and the data"
        " given are not what it was trained on",
    )


def _combinations_of(condition: Condition, data: ImageSet) -> list[Combination]:
    assert isinstance(condition, Attributes), "a table holds every class"
    columns = []
    for place in sizes(condition):
        one = condition.attributes[place]
        known = {value: i for i, value in enumerate(one.values)}
        columns.append([known[value] for value in data.attributes[one.name].tolist()])
    return list(zip(*columns, strict=True))


def seen_entries(condition: Condition, count: int, seed: int) -> np.ndarray:
    """Return (count, A) entries that training had.

    Classes come equally often, one after the other; attributes as often as the training data had
    each row, drawn by the seeds from ``seed`` on.
    """
    if isinstance(condition, Attributes):
        return np.array(condition.table.draw(range(seed, seed + count)), np.float64)
    classes = sorted(int(entry[0]) for entry in condition.table.entries)
    return np.resize(np.array(classes, np.float64), count)[:, None]


def unseen_entries(
    condition: Condition, trained: Trained, readable: Readable, count: int, seed: int
) -> np.ndarray:
    """Return (count, A) entries whose combination training never had; none where there is none.

    Every such combination that the classifier can read comes as often as another; numbers are
    those of entries that training had.
    """
    if trained.combinations is None:
        return np.empty((0, len(condition.table.entries[0])))
    places = list(sizes(condition))
    every = _candidates(list(sizes(condition).values()), seed)
    fresh = np.array([one for one in every if one not in trained.combinations], np.float64)
    if not len(fresh):
        return np.empty((0, len(condition.table.entries[0])))
    rows = np.zeros((len(fresh), len(condition.table.entries[0])))
    rows[:, places] = fresh
    rows = rows[(readable.truth(rows) != UNREAD).all(1)]
    order = np.random.default_rng(seed).permutation(len(rows))
    rows = rows[np.resize(order, count if len(rows) else 0)]
    others = [i for i in range(rows.shape[1]) if i not in places]
    rows[:, others] = seen_entries(condition, len(rows), seed)[:, others]
    return rows


def never_trained(
    condition: Condition, trained: Trained, readable: Readable, labels: np.ndarray
) -> np.ndarray:
    """Tell which (N, T) columns are wholly known, and a combination that training never had."""
    if trained.combinations is None:
        return np.zeros(len(labels), bool)
    rows = np.zeros((len(trained.combinations), len(condition.table.entries[0])))
    rows[:, list(sizes(condition))] = np.array(sorted(trained.combinations), np.float64)
    known = set(map(tuple, readable.truth(rows).tolist()))
    return np.array([UNREAD not in row and tuple(row) not in known for row in labels.tolist()])


def _candidates(values: list[int], seed: int) -> list[Combination]:
    """List all combinations; of too many, draw some of them."""
    if math.prod(values) <= MOST_LISTED:
        return list(itertools.product(*map(range, values)))
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.integers(0, size, MOST_LISTED // 10) for size in values], 1)
    return list(dict.fromkeys(map(tuple, drawn.tolist())))


def different_entries(condition: Condition, count: int, seed: int) -> np.ndarray:
    """Return at most ``count`` different entries that training had, as (K, A).

    Classes come in their order; attributes as often as training had them, until there are enough.
    """
    drawn = seen_entries(condition, max(count, 50 * count), seed)
    _, first = np.unique(drawn, axis=0, return_index=True)
    return drawn[np.sort(first)[:count]]


@dataclass(frozen=True)
class Pair:
    """Two conditions that differ in one thing.

    Attributes:
        target: in what.
        ends: (2, A) entries.
        names: of the value at either end.
    """

    target: Target
    ends: np.ndarray
    names: tuple[str, str]


def pairs(condition: Condition, readable: Readable, count: int) -> list[Pair]:
    """Return at most ``count`` pairs to walk between.

    Of classes the first and second, the third and fourth, and so on; of attributes the most
    frequent condition and the same with another value of one attribute, the most frequent other.
    """
    entries = np.array(condition.table.entries, np.float64)
    counts, usual = np.array(condition.table.counts), entries[0]
    found = list[Pair]()
    for target in readable.targets:
        column = entries[:, target.place].astype(np.int64)
        often = np.bincount(column, counts, minlength=len(target.values))
        known = np.flatnonzero((often > 0) & (target.truth != UNREAD))
        if isinstance(condition, Attributes):
            here = int(usual[target.place])
            others = known[known != here]
            if here not in known or not len(others):
                continue
            couples = [(here, int(others[often[others].argmax()]))]
        else:
            couples = list(itertools.pairwise(known.tolist()))[::2]
        for couple in couples:
            ends = np.stack([usual, usual])
            ends[:, target.place] = couple
            names = (target.values[couple[0]], target.values[couple[1]])
            found.append(Pair(target, ends, names))
    return found[:count]
