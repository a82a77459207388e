"""Search for directions: which samples, which methods, which of the results."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlens.directions import (
    DUPLICATE,
    Direction,
    boundaries,
    conditional,
    extremes,
    ganspace,
    means_of_extremes,
    sefa,
)
from ganlens.directions.boundary import PER_COORDINATE
from ganlens.errors import GanlensError
from ganlens.probes.base import Progress
from ganlens.probes.directions.claims import Claim
from ganlens.probes.directions.scores import Scorer

if TYPE_CHECKING:
    from ganlens.subject import Subject

PCA_SAMPLES, REGRESSED = 1024, 2048  # samples behind GANSpace, at most: the PCA is what costs
REAL = 0.8  # held-out AUC from which a boundary is held still by the conditional ones


@dataclass(frozen=True)
class Search:
    """Settings of the search; fields as those of ``Directions``."""

    methods: tuple[str, ...]
    attributes: tuple[str, ...]
    count: int
    samples: int
    extreme: float
    measured: int
    conditional: bool
    seed: int
    batch_size: int


@dataclass(frozen=True)
class Found:
    """Every supervised direction, before a choice is made.

    Attributes:
        names: claim -> the attributes that it is about.
        boundaries: claim -> its boundary.
        means: claim -> its difference of means.
    """

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    boundaries: dict[str, Direction] = field(default_factory=dict)
    means: dict[str, Direction] = field(default_factory=dict)


def default_layer(subject: "Subject") -> str:
    """Return the last layer of the generator's second block; early enough to decide what is drawn.

    A generator without named blocks gives the layer a third of the way in.
    """
    names = subject.layers("generator")
    blocks = list(dict.fromkeys(name.split(".")[0] for name in names))
    if len(blocks) < 3 or len(blocks) == len(names):
        return names[len(names) // 3]
    return [name for name in names if name.split(".")[0] == blocks[1]][-1]


def supervised(
    subject: "Subject",
    scorer: Scorer,
    claims: Sequence[Claim],
    search: Search,
    about: dict[str, Any],
) -> Generator[Progress, None, Found]:
    """Score samples and fit a boundary and a difference of means to every claim."""
    z = subject.latents(range(search.samples))
    parts = []
    for start in range(0, len(z), search.batch_size):
        yield Progress(start, len(z), "samples scored")
        x = subject.generate(z[start : start + search.batch_size], batch_size=search.batch_size)
        parts.append(scorer.scores(subject, x, search.batch_size))
    scores, prior = np.concatenate(parts, axis=1), subject.prior
    texts = [claim.text for claim in claims]
    share, seed = search.extreme, search.seed
    yield Progress(0, 1, "boundaries")
    found = boundaries(z.numpy(), scores, texts, prior, share=share, seed=seed, provenance=about)
    least = PER_COORDINATE * prior.dim
    split = [extremes(row, share=share, least=least, seed=seed) for row in scores]
    means = [
        means_of_extremes(z.numpy(), ends, text, prior, provenance=about)
        for ends, text in zip(split, texts, strict=True)
    ]
    return Found(
        {claim.text: claim.names for claim in claims},
        dict(zip(texts, found, strict=True)),
        dict(zip(texts, means, strict=True)),
    )


def choose(found: Found, wanted: Sequence[Claim], search: Search) -> list[Direction]:
    """Return the directions that get a card: boundaries, conditional ones, means, best first."""
    if not found.boundaries:
        return []
    ranked = sorted(wanted, key=lambda one: -found.boundaries[one.text].metrics["auc"])
    if "auto" in search.attributes:  # the best value of each attribute
        best: dict[tuple[str, ...], Claim] = {}
        for one in ranked:
            best.setdefault(one.names, one)
        ranked = list(best.values())[: search.count]
    chosen: list[Direction] = []
    for method in search.methods:
        if method == "boundary":
            chosen += [found.boundaries[one.text] for one in ranked]
            if search.conditional:
                chosen += [held for one in ranked if (held := _held(found, one)) is not None]
        elif method == "means":
            chosen += [found.means[one.text] for one in ranked]
    return chosen


def _held(found: Found, claim: Claim) -> Direction | None:
    """Return the boundary with those of all other attributes held still, if anything is left.

    A boundary on the same line (|cos| above 0.9) says the same by another name: it cannot be held.
    """
    plain = found.boundaries[claim.text]
    others = [
        one
        for text, one in found.boundaries.items()
        if not set(found.names[text]) & set(claim.names) and one.metrics["auc"] >= REAL
        if abs(float(one.unit @ plain.unit)) <= DUPLICATE
    ]
    try:
        return conditional(plain, others) if others else None
    except GanlensError:
        return None


def unsupervised(
    subject: "Subject", search: Search, layer: str, about: dict[str, Any]
) -> Generator[Progress, None, list[Direction]]:
    """Return the directions that need no labels, in the order of the methods."""
    chosen: list[Direction] = []
    count = min(search.count, subject.prior.dim)
    for method in search.methods:
        if method == "sefa":
            yield Progress(0, 1, "the first layer's eigenvectors")
            chosen += sefa(subject.bound("generator"), count, provenance=about)
        elif method == "ganspace":
            first = search.samples + 9 * search.measured  # after all that is measured
            size = min(search.samples, REGRESSED)
            chosen += yield from ganspace(
                subject,
                layer,
                count,
                range(min(search.samples, PCA_SAMPLES)),
                range(first, first + size),
                batch_size=search.batch_size,
                provenance=about,
            )
    return chosen
