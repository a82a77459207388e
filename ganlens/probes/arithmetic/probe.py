"""Vector arithmetic: mean of A - mean of B + mean of C (Radford 2015, section 6.3.2)."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.attributes import AttributeClassifier, attribute_classifier
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.latents import Mix, Seeds, Sum
from ganlens.limits import Amount, Count, Seed
from ganlens.probes.arithmetic.classifiers import classifiers
from ganlens.probes.arithmetic.panels import panels
from ganlens.probes.arithmetic.result import PRIOR, TERMS, ArithmeticResult
from ganlens.probes.base import RADFORD, Needs, Progress, Steps
from ganlens.probes.concepts import Concept, expected, meets, parse, text
from ganlens.probes.exemplars import (
    ExemplarProbe,
    extractor_name,
    labelled_data,
    pick,
    ranked,
    score_pool,
)
from ganlens.probes.identity import identity
from ganlens.probes.latent import expected_norm
from ganlens.recipe import Recipe, draw, latents_of
from ganlens.subject import Subject

RANDOM = 1000  # samples behind the base rate


@dataclass(frozen=True)
class Arithmetic(ExemplarProbe):
    """Calculate with concepts: mean latent of A, minus that of B, plus that of C.

    Exemplars are found, not hunted: linear classifiers on the discriminator's features,
    fitted to the data's attributes, score a pool of samples. What comes out is measured by another
    one: a small network on pixels, trained on the real images.

    Attributes:
        a: what A shows, for example "mouth=smile & hair=long"; "auto" chooses all three from
            the data.
        b: what B shows, for example "mouth=neutral & hair=long".
        c: what C shows, for example "mouth=neutral & hair=short".
        exemplars: samples per concept; the paper takes 3.
        seeds_a: exemplars of A given by hand; with all three given no data are needed.
        seeds_b: exemplars of B given by hand.
        seeds_c: exemplars of C given by hand.
        spread: half-width of the noise around the result for a uniform prior; for a normal one it
            is scaled by the ratio of the priors' standard deviations (0.25 becomes 0.43).
        pool: samples that are scored in search of exemplars: seeds 0 to pool - 1.
        probe_images: training images that the linear classifiers are fitted to, and held-out
            images that their accuracy is of, at most.
        feature_pool: the discriminator's maps are max-pooled to this many cells a side.
        seed: of the noise and of the choice of images.
        batch_size: images at a time.
    """

    title = "Vector arithmetic"
    group = "Latent space"
    help = "A - B + C with concepts, in latents and in pixels"
    headline = (
        "({a}) - ({b}) + ({c})",
        "{success_rate_of_9:.0%} of the nine pictures show the result",
        "of random samples {base_rate_of_random_samples:.0%}",
    )
    reading = (
        "The middle picture should show what A has and B lacks, on what C is; the row of pixel "
        "sums shows how little that means without a latent space."
    )
    papers = (
        RADFORD,
        ("Mikolov 2013", "https://arxiv.org/abs/1301.3781"),
    )
    demo = MappingProxyType(
        {
            "a": "mouth=smile & hair=long",
            "b": "mouth=neutral & hair=long",
            "c": "mouth=neutral & hair=short",
        }
    )

    a: str = "auto"
    b: str = "auto"
    c: str = "auto"
    exemplars: Count = 3
    seeds_a: tuple[int, ...] = ()
    seeds_b: tuple[int, ...] = ()
    seeds_c: tuple[int, ...] = ()
    spread: Amount = 0.25
    pool: Count = 10_000
    probe_images: Count = 3000
    feature_pool: Count = 4
    seed: Seed = 0
    batch_size: Count = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pool < 3 * self.exemplars:
            raise GanlensError(
                f"a pool of {self.pool} is too small: give at least {3 * self.exemplars}"
            )
        groups = (self.seeds_a, self.seeds_b, self.seeds_c)
        if len({len(group) for group in groups}) > 1:
            raise GanlensError(
                f"{', '.join(str(len(g)) for g in groups)} seeds were given for A, B and C: "
                "give the same number for each"
            )
        for name, group in zip(("seeds_a", "seeds_b", "seeds_c"), groups, strict=True):
            object.__setattr__(self, name, Seeds(group).seeds if group else ())
        if not any(groups) and len({self.a == "auto", self.b == "auto", self.c == "auto"}) > 1:
            raise GanlensError('give all three of a, b and c, or leave all three at "auto"')

    def needs(self) -> Needs:
        """Return what it cannot do without: exemplars given by hand need not be found in data."""
        if self.seeds_a:
            return Needs(frozenset({"generator"}))
        return super().needs()

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[ArithmeticResult]:
        """Find the exemplars, calculate, and measure what came out."""
        concepts, pool, network = tuple[Concept, ...](), None, None
        if self.seeds_a:
            groups = [list(g) for g in (self.seeds_a, self.seeds_b, self.seeds_c)]
            data = None
            yield Progress(0, 1, "pictures")
        else:
            data = labelled_data(subject, data, ", or seeds for A, B and C")
            given = () if self.a == "auto" else (self.a, self.b, self.c)
            concepts = tuple(parse(one, data.part("train")) for one in given)
            pool = yield from score_pool(subject, data, concepts, self)
            concepts = concepts or ranked(data, pool, self.exemplars)[0]
            groups = pick([pool.score(one) for one in concepts], range(self.pool), self.exemplars)
        wanted = expected(*concepts) if concepts else ()
        if data is not None and wanted:  # with nothing to measure, none need be trained
            network = yield from attribute_classifier(data, device=subject.device)
        recipes = self._recipes(subject, groups)
        drawn = {name: draw(subject, recipe) for name, recipe in recipes.items()}
        fields: dict[str, Any] = {name: images.to_uint8(x) for name, x in drawn.items()}
        results = torch.cat([drawn["grid"], drawn["control"][3:]])
        fields |= self._measured(subject, network, wanted, results)
        latents = latents_of(subject, recipes["grid"])
        means = {k: subject.latents(v).mean(0) for k, v in zip(TERMS, groups, strict=True)}
        return ArithmeticResult(
            concepts=tuple(text(concept) for concept in concepts),
            expected=tuple(one.text for one in wanted),
            seeds=np.array(groups),
            **fields,
            latents=latents.numpy(),
            norms={
                **{f"the mean of {one}": float(mean.norm()) for one, mean in means.items()},
                "the result": float(latents[4].norm()),
                PRIOR: expected_norm(subject.prior),
            },
            supply=tuple(int(pool.shows(one).sum()) for one in concepts) if pool else (),
            classifiers=classifiers(pool, network, concepts),
            draw=panels,
            pool=self.pool if pool else 0,
            recipes={name: recipe.to_json() for name, recipe in recipes.items()},
            about={
                **identity(subject, data),
                **(network.about() if network else {}),
                "extractor": extractor_name(self.feature_pool) if pool else None,
                "seed": self.seed,
                "exemplars": len(groups[0]),
            },
        )

    def _recipes(self, subject: Subject, groups: list[list[int]]) -> dict[str, Recipe]:
        means = [Sum.mean(group) for group in groups]
        result = means[0] + Sum.mean(groups[1], -1) + means[2]
        width = self.spread * subject.prior.std * 3**0.5  # 3**-0.5 is the std of U(-1, 1)
        noisy = [result + Sum(((groups[0][0], 0.0),), (self.seed + i, width)) for i in range(8)]
        rows = list[Sum]()
        for group, mean in zip(groups, means, strict=True):
            rows += [*(Sum.mean([seed]) for seed in group), mean]
        return {
            "exemplars": Recipe.of(subject, Mix(tuple(rows)), columns=len(groups[0]) + 1),
            "grid": Recipe.of(subject, Mix((*noisy[:4], result, *noisy[4:])), columns=3),
            "control": Recipe.of(subject, Mix((*means, result), "pixels"), columns=4),
        }

    def _measured(
        self, subject: Subject, network: AttributeClassifier | None, wanted: Concept, x: Tensor
    ) -> dict[str, Any]:
        """Measure the grid's 9 pictures, the sum of pixels, and random samples: fields."""
        if network is None:
            none = np.zeros((9, 0), dtype=bool)
            return {"hits": none, "control_hits": none[0], "base_rate": None}
        met = meets(network.predict(x), wanted)
        random = subject.generate(subject.latents(range(RANDOM)), batch_size=self.batch_size)
        rate = float(meets(network.predict(random), wanted).all(axis=1).mean())
        return {"hits": met[:9], "control_hits": met[9], "base_rate": rate}
