"""Arithmetic-score probe: how often A - B + C gives what it should, and how often its controls."""

from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Annotated

import numpy as np

from ganlens.attributes import attribute_classifier
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.limits import Count, Limits, Seed
from ganlens.probes.arithmetic.classifiers import classifiers
from ganlens.probes.arithmetic.score_panels import panels
from ganlens.probes.arithmetic.score_result import ArithmeticScoreResult, Formula
from ganlens.probes.arithmetic.trial import PAPER, Trial
from ganlens.probes.base import RADFORD, Progress, Steps
from ganlens.probes.concepts import expected, parse, split_formula
from ganlens.probes.exemplars import (
    Concepts,
    ExemplarProbe,
    Pool,
    extractor_name,
    labelled_data,
    ranked,
    score_pool,
)
from ganlens.probes.identity import identity
from ganlens.subject import Subject

MOST_FORMULAS = 3  # that are chosen where none is given


@dataclass(frozen=True)
class ArithmeticScore(ExemplarProbe):
    """Repeat A - B + C over many random draws of exemplars and count how often it works.

    Exemplars of a draw are taken at random from a shortlist of the samples that show the concept
    most plainly by linear classifiers on the discriminator's features, and beside it at random from
    all samples that show it at all. The result is measured by
    a network on pixels that was trained on real images and had no part in the choice.

    Attributes:
        formulas: such as "mouth=smile & hair=long - mouth=neutral & hair=long + mouth=neutral &
            hair=short"; by default up to three that the data suggest, each moving another
            attribute.
        counts: exemplars per concept; 1 is the control without averaging, the paper takes 3.
        draws: calculations per formula and count.
        shortlist: the samples that a draw's exemplars come from, per concept, at most.
        pool: samples that are scored in search of exemplars: seeds 0 to pool - 1.
        probe_images: training images that the linear classifiers are fitted to, and held-out
            images that their accuracy is of, at most.
        feature_pool: the discriminator's maps are max-pooled to this many cells a side.
        seed: of the draws and of the choice of images.
        batch_size: images at a time.
    """

    title = "How often arithmetic works"
    group = "Latent space"
    help = "how often such arithmetic succeeds, with controls"
    headline = (
        "means of three succeed in {success_3:.0%} of draws",
        "of any exemplars that show the concept in {success_3_any_that_show:.0%}",
        "single exemplars in {success_1:.0%}",
        "random samples in {success_random:.0%}",
    )
    reading = (
        "Compare the success of means of three with that of single exemplars and of random "
        "samples: only what lies clearly above random samples was calculated."
    )
    papers = (RADFORD,)
    demo = MappingProxyType(
        {
            "formulas": (
                "mouth=smile & hair=long - mouth=neutral & hair=long + mouth=neutral & hair=short",
                "glasses=dark & hair=long - glasses=none & hair=long + glasses=none & hair=short",
                "glasses=clear & hair=long - glasses=none & hair=long + glasses=none & hair=short",
            )
        }
    )

    formulas: tuple[str, ...] = ()
    counts: Annotated[tuple[int, ...], Limits(low=1, length=(1, None))] = (1, 2, 3, 5, 8, 12)
    draws: Count = 200
    shortlist: Count = 30
    pool: Count = 10_000
    probe_images: Count = 3000
    feature_pool: Count = 4
    seed: Seed = 0
    batch_size: Count = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "counts", tuple(sorted(set(self.counts))))
        for formula in self.formulas:
            split_formula(formula)
        if self.shortlist < max(*self.counts, PAPER):
            raise GanlensError(
                f"a shortlist of {self.shortlist} is too small: give at least "
                f"{max(*self.counts, PAPER)}, the largest count"
            )
        if self.pool < self.shortlist:
            raise GanlensError(
                f"a pool of {self.pool} is too small: give at least {self.shortlist}, the shortlist"
            )

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[ArithmeticScoreResult]:
        """Find shortlists, draw, and measure."""
        data = labelled_data(subject, data)
        wanted = [self._concepts(formula, data) for formula in self.formulas]
        pool = yield from score_pool(subject, data, chain(*wanted), self)
        found = wanted or self._chosen(data, pool)
        network = yield from attribute_classifier(data, device=subject.device)
        random = subject.generate(subject.latents(range(self.draws)), batch_size=self.batch_size)
        formulas: list[Formula] = []
        for index, concepts in enumerate(found):
            best = [np.argsort(-pool.score(one), kind="stable") for one in concepts]
            trial = Trial(
                subject, network, concepts,
                shortlists=[seeds[: self.shortlist] for seeds in best],
                showing=[np.flatnonzero(pool.shows(one)) for one in concepts],
                seed=(self.seed, index), draws=self.draws, random=random,
            )  # fmt: skip
            scores = []
            for done, count in enumerate(self.counts):
                what = f"exemplars per concept, formula {index + 1}"
                yield Progress(done, len(self.counts), what)
                scores.append(trial.score(count))
            formulas.append(trial.formula(scores))
        return ArithmeticScoreResult(
            formulas=tuple(formulas),
            counts=np.array(self.counts),
            classifiers=classifiers(pool, network, chain(*found)),
            draw=panels,
            about={
                **identity(subject, data),
                **network.about(),
                "extractor": extractor_name(self.feature_pool),
                "draws": self.draws,
                "shortlist": self.shortlist,
                "pool": self.pool,
                "seed": self.seed,
            },
        )

    def _concepts(self, formula: str, data: ImageSet) -> Concepts:
        a, b, c = (parse(one, data) for one in split_formula(formula))
        if not expected(a, b, c):
            raise GanlensError(
                f"formula {formula!r} has no expected value: let B share all but one attribute "
                "with A, and all but another with C"
            )
        return a, b, c

    def _chosen(self, data: ImageSet, pool: Pool) -> list[Concepts]:
        if chosen := [one for one in ranked(data, pool, PAPER) if expected(*one)]:
            return chosen[:MOST_FORMULAS]
        raise GanlensError(
            f"data {data.spec!r} has no two attributes to calculate with: give formulas"
        )
