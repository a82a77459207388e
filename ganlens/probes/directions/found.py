"""Search for directions: which samples, which methods, which of the results."""

from collections.abc import Sequence
from functools import partial
from typing import Any

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
    sefa_reads,
)
from ganlens.directions.boundary import PER_COORDINATE
from ganlens.errors import GanlensError
from ganlens.probes.base import Progress, Steps
from ganlens.probes.directions.claims import Claims
from ganlens.probes.directions.scores import Scorer
from ganlens.probes.directions.settings import DirectionSettings
from ganlens.probes.exemplars import scores_of
from ganlens.subject import Subject

PCA_SAMPLES, REGRESSED = 1024, 2048  # samples behind GANSpace, at most: the PCA is what costs
REAL = 0.8  # held-out AUC from which a boundary is held still by the conditional ones


# By method, "boundary" and "means": claim -> its direction, before a choice is made.
Found = dict[str, dict[str, Direction]]


def default_layer(subject: Subject) -> str:
    """Return the last layer of the generator's second block; early enough to decide what is drawn.

    A generator without named blocks gives the layer a third of the way in.
    """
    names = subject.layers("generator")
    blocks = list(dict.fromkeys(name.split(".")[0] for name in names))
    if len(blocks) < 3 or len(blocks) == len(names):
        return names[len(names) // 3]
    return [name for name in names if name.split(".")[0] == blocks[1]][-1]


def supervised(
    subject: Subject,
    scorer: Scorer,
    texts: Sequence[str],
    settings: DirectionSettings,
    about: dict[str, Any],
) -> Steps[Found]:
    """Score samples, and fit a boundary and a difference of means to every claim.

    The share ``extreme`` of them at either end is fitted to; the seed splits off the held-out ones.
    """
    z, prior = subject.latents(range(settings.samples)), subject.prior
    share, seed, size = settings.extreme, settings.seed, settings.batch_size
    score = partial(scorer.scores, subject, batch_size=size)
    scores = np.concatenate((yield from scores_of(subject, z, score, size)), axis=1)
    yield Progress(0, 1, "boundaries")
    found = boundaries(z.numpy(), scores, texts, prior, share=share, seed=seed, provenance=about)
    means = {}
    for text, row in zip(texts, scores, strict=True):
        ends = extremes(row, share=share, least=PER_COORDINATE * prior.dim, seed=seed)
        means[text] = means_of_extremes(z.numpy(), ends, text, prior, provenance=about)
    return {"boundary": dict(zip(texts, found, strict=True)), "means": means}


def choose(
    found: Found, wanted: Claims, every: Claims, settings: DirectionSettings
) -> list[Direction]:
    """Return the directions that get a card, the best first, method by method.

    They are about all ``wanted`` claims or, by "auto", about the ``count`` best attributes, each by
    its best value. Where it is asked for, boundaries are followed by those that hold still all
    other attributes of ``every``, the claims that have a boundary.
    """
    ranked = sorted(wanted, key=lambda text: -found["boundary"][text].metrics["auc"])
    if "auto" in settings.attributes:
        values: dict[tuple[str, ...], str] = {}
        for text in ranked:
            values.setdefault(wanted[text], text)
        ranked = list(values.values())[: settings.count]
    chosen: list[Direction] = []
    for method in (one for one in settings.methods if one in found):
        chosen += [found[method][text] for text in ranked]
        if method == "boundary" and settings.conditional:
            chosen += filter(None, (_held(found[method], every, text) for text in ranked))
    return chosen


def _held(boundaries: dict[str, Direction], names: Claims, claim: str) -> Direction | None:
    """Return the boundary with those of all other attributes held still, if anything is left.

    A boundary on the same line (|cos| above 0.9) says the same by another name: it cannot be held.
    """
    plain = boundaries[claim]
    others = [
        one
        for text, one in boundaries.items()
        if not set(names[text]) & set(names[claim]) and one.metrics["auc"] >= REAL
        if abs(float(one.unit @ plain.unit)) <= DUPLICATE
    ]
    try:
        return conditional(plain, others) if others else None
    except GanlensError:
        return None


def known_methods(subject: Subject, methods: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Return the methods that know this generator, and in words what is left out or assumed."""
    if "sefa" not in methods:
        return tuple(methods), ""
    words = sefa_reads(subject.unconditional("generator"))
    if words.startswith("not known"):
        left = tuple(one for one in methods if one != "sefa")
        return left, f"sefa left out: {words.removeprefix('not known: ')}"
    return tuple(methods), f"sefa {words}" if "not the latent itself" in words else ""


def unsupervised(
    subject: Subject,
    methods: Sequence[str],
    layer: str,
    settings: DirectionSettings,
    about: dict[str, Any],
) -> Steps[list[Direction]]:
    """Return ``count`` directions of each method that needs no labels, in their order."""
    chosen: list[Direction] = []
    count, n = min(settings.count, subject.prior.dim), settings.samples
    first = n + 9 * settings.measured  # after all that is measured
    for method in methods:
        if method == "sefa":
            yield Progress(0, 1, "the first layer's eigenvectors")
            chosen += sefa(subject.unconditional("generator"), count, provenance=about)
        elif method == "ganspace":
            components, fitted = range(min(n, PCA_SAMPLES)), range(first, first + min(n, REGRESSED))
            chosen += yield from ganspace(
                subject, layer, count, components, fitted,
                batch_size=settings.batch_size, provenance=about,
            )  # fmt: skip
    return chosen
