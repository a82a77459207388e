"""Exemplars: generated samples that show a concept, found by scoring instead of by hand."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from ganlens.errors import GanlensError
from ganlens.probes.base import Progress
from ganlens.probes.concepts import (
    Concept,
    Condition,
    Reader,
    categorical,
    column,
    fit_reader,
    parse,
)

if TYPE_CHECKING:
    from torch import Tensor

    from ganlens.data import ImageSet
    from ganlens.subject import Subject

ENOUGH = 20  # training images that a value, or a pair of values, needs to be chosen automatically


@dataclass(frozen=True)
class Judge:
    """Reads attributes off images through the discriminator's features.

    Attributes:
        readers: one linear probe per attribute.
        pool: the features' pooling grid.
    """

    readers: dict[str, Reader]
    pool: int

    def margins(self, subject: "Subject", x: "Tensor", batch_size: int) -> dict[str, np.ndarray]:
        """Return, for (N, C, H, W) images, each attribute's (N, K) margins."""
        features = subject.features(x, "all", self.pool, batch_size).numpy()
        return {name: reader.margins(features) for name, reader in self.readers.items()}

    def of(self, margins: dict[str, np.ndarray], condition: Condition) -> np.ndarray:
        """Return the (N,) margins of one condition: above 0 where it is read as true."""
        reader = self.readers[condition.name]
        return margins[condition.name][:, reader.index(condition.value)]

    def score(self, margins: dict[str, np.ndarray], concept: Sequence[Condition]) -> np.ndarray:
        """Return (N,): the margin of the worst of the concept's conditions."""
        return np.min([self.of(margins, one) for one in concept], axis=0)


def fit_judge(
    subject: "Subject",
    data: "ImageSet",
    names: Iterable[str],
    *,
    limit: int,
    pool: int,
    seed: int,
    batch_size: int,
) -> Generator[Progress, None, Judge]:
    """Fit one reader per name to at most ``limit`` train images; judge it on test images."""
    parts = [_sample(data.part(split), limit, seed) for split in ("train", "test")]
    total, done = sum(len(rows) for _, rows in parts), 0
    features: list[np.ndarray] = []
    for part, rows in parts:
        found: list[np.ndarray] = []
        for start in range(0, len(rows), batch_size):
            yield Progress(done + start, total, "images")
            x = part.batch(rows[start : start + batch_size])
            found.append(subject.features(x, "all", pool, batch_size).numpy())
        features.append(np.concatenate(found))
        done += len(rows)
    readers: dict[str, Reader] = {}
    for name in names:
        yield Progress(len(readers), len(readers) + 1, "linear probes")
        (train, fit), (test, held) = parts
        readers[name] = fit_reader(
            name, (features[0], column(name, train)[fit]), (features[1], column(name, test)[held])
        )
    return Judge(readers, pool)


def _sample(part: "ImageSet", limit: int, seed: int) -> tuple["ImageSet", np.ndarray]:
    rng = np.random.default_rng(seed)
    return part, np.sort(rng.permutation(len(part))[:limit])


def candidates(data: "ImageSet") -> dict[str, tuple[Condition, Condition]]:
    """Return the attributes that can be tried unasked, with a rarer and a commoner value each.

    Of a categorical attribute these are its two most frequent values; a numeric one is cut at its
    median. Classes are taken only where there are no attributes.
    """
    train, found = data.part("train"), {}
    columns = categorical(train)
    if set(columns) != {"class"} or train.attributes:
        columns.pop("class", None)
    for name, values in columns.items():
        kinds, counts = np.unique(values, return_counts=True)
        order = np.argsort(-counts)[:2]
        if len(order) == 2 and counts[order[1]] >= ENOUGH:
            common, rare = (_equals(name, str(kinds[i])) for i in order)
            found[name] = (rare, common)
    for name, values in train.attributes.items():
        if values.dtype.kind == "f" and len(values) >= 2 * ENOUGH and np.ptp(values) > 0:
            cut = f"{_quoted(name)} > {float(np.median(values)):g}"
            high, low = parse(cut, train)[0], Condition(cut, "no", f"!({cut})")
            if ENOUGH <= len(train.select(cut)) <= len(train) - ENOUGH:
                found[cut] = (high, low)
    return found


def _equals(name: str, value: str) -> Condition:
    return Condition(name, value, f"{_quoted(name)}={_quoted(value)}")


def _quoted(word: str) -> str:
    return f'"{word}"' if set(word) & set("&|!()<>=") else word


Concepts = tuple[Concept, Concept, Concept]


def choose(
    data: "ImageSet", judge: Judge, margins: dict[str, np.ndarray], exemplars: int
) -> Concepts:
    """Choose A, B and C: two attributes that are read well and that the samples show together.

    Pairs are ranked by the worse of their balanced accuracies, in steps of 5 %, then by how many
    samples show the rarest of the three concepts.

    Raises:
        GanlensError: the data have too few attributes or classes.
    """
    tried = {name: pair for name, pair in candidates(data).items() if name in judge.readers}
    if set(tried) == {"class"}:
        return _three_classes(judge.readers["class"])
    train, best = data.part("train"), (-1.0, -1.0)
    chosen: Concepts | None = None
    for first, second in permutations(tried, 2):
        (present, absent), (one, other) = tried[first], tried[second]
        concepts = (present, one), (absent, one), (absent, other)
        cells = [*concepts, (present, other)]
        if min(len(train.select(text(cell))) for cell in cells) < ENOUGH:
            continue
        worse = min(judge.readers[name].balanced_accuracy for name in (first, second))
        supply = min(int((judge.score(margins, concept) > 0).sum()) for concept in concepts)
        rank = (round(worse * 20), min(supply, 10 * exemplars))
        if rank > best:
            best, chosen = rank, concepts
    if chosen is None:
        raise GanlensError(
            f"data {data.spec!r} has no two attributes whose values occur together at least "
            f"{ENOUGH} times: give the concepts as expressions, or seeds for the exemplars"
        )
    return chosen


def _three_classes(reader: Reader) -> Concepts:
    if len(reader.classes) < 3:
        raise GanlensError(
            "2 classes and no attributes are too little for A - B + C: add an attributes.csv, use "
            "data with 3 classes, or give seeds for the exemplars"
        )
    order = np.argsort(-np.nan_to_num(reader.recalls), kind="stable")[:3]
    a, b, c = ((_equals("class", reader.classes[i]),) for i in order)
    return a, b, c


def text(concept: Sequence[Condition]) -> str:
    """Write a concept as an expression that ``parse`` reads back."""
    return " & ".join(one.text for one in concept)


def pick(scores: Sequence[np.ndarray], seeds: Sequence[int], count: int) -> list[list[int]]:
    """Return the ``count`` best seeds of each concept; no seed serves two of them."""
    used: set[int] = set()
    groups = []
    for score in scores:
        ranked = [seeds[i] for i in np.argsort(-score, kind="stable") if seeds[i] not in used]
        groups.append(ranked[:count])
        used.update(groups[-1])
    return groups
