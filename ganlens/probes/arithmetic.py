"""Vector arithmetic: mean of A - mean of B + mean of C (Radford 2015, section 6.3.2)."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from ganlens import images
from ganlens.errors import GanlensError
from ganlens.latents import Mix, Seeds, Sum
from ganlens.probes.arithmetic_result import SIDES, ArithmeticResult
from ganlens.probes.base import Probe, Progress
from ganlens.probes.concepts import Concept, Condition, expected, parse
from ganlens.probes.exemplars import Judge, candidates, choose, fit_judge, pick, text
from ganlens.probes.identity import identity
from ganlens.probes.latent import expected_norm
from ganlens.recipe import Recipe, draw

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject


@dataclass(frozen=True)
class Arithmetic(Probe):
    """Calculate with concepts: mean latent of A, minus that of B, plus that of C.

    Exemplars are found, not hunted: linear probes on the discriminator's features, fitted to the
    data's attributes, score a pool of samples.

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
        probe_images: training images that the probes are fitted to, and held-out images that they
            are judged on, at most.
        feature_pool: the discriminator's maps are max-pooled to this many cells a side.
        seed: of the noise and of the choice of images.
        batch_size: images at a time.
    """

    title: ClassVar[str] = "Vector arithmetic"
    needs: ClassVar[frozenset[str]] = frozenset({"generator", "discriminator", "data", "labels"})

    a: str = "auto"
    b: str = "auto"
    c: str = "auto"
    exemplars: int = 3
    seeds_a: tuple[int, ...] = ()
    seeds_b: tuple[int, ...] = ()
    seeds_c: tuple[int, ...] = ()
    spread: float = 0.25
    pool: int = 2000
    probe_images: int = 3000
    feature_pool: int = 2
    seed: int = 0
    batch_size: int = 64

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        for name in ("exemplars", "probe_images", "feature_pool", "batch_size"):
            if getattr(self, name) < 1:
                raise GanlensError(f"{name} {getattr(self, name)} is too small: give at least 1")
        if self.pool < 3 * self.exemplars:
            raise GanlensError(
                f"a pool of {self.pool} is too small: give at least {3 * self.exemplars}"
            )
        if not 0 <= self.spread < float("inf"):
            raise GanlensError(f"spread {self.spread} is out of range: give 0 or more")
        groups = (self.seeds_a, self.seeds_b, self.seeds_c)
        if any(groups):
            self._check_seeds(groups)
        elif len({self.a == "auto", self.b == "auto", self.c == "auto"}) > 1:
            raise GanlensError('give all three of a, b and c, or leave all three at "auto"')

    def _check_seeds(self, groups: tuple[tuple[int, ...], ...]) -> None:
        if len({len(group) for group in groups}) > 1:
            raise GanlensError(
                f"{', '.join(str(len(g)) for g in groups)} seeds were given for A, B and C: "
                "give the same number for each"
            )
        for name, group in zip(("seeds_a", "seeds_b", "seeds_c"), groups, strict=True):
            object.__setattr__(self, name, Seeds(tuple(group)).seeds)
        # With exemplars given there is nothing left to look for in data.
        object.__setattr__(self, "needs", frozenset({"generator"}))

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, ArithmeticResult]:
        """Find the exemplars, calculate, and read what came out."""
        if self.seeds_a:
            groups = [list(g) for g in (self.seeds_a, self.seeds_b, self.seeds_c)]
            yield Progress(0, 1, "pictures")
            return self._result(subject, None, groups, (), None, {})
        if data is None or subject.discriminator is None:
            raise GanlensError(
                "exemplars are found with labelled data and a discriminator: give --data, or seeds "
                "for A, B and C"
            )
        judge = yield from self._judge(subject, data)
        margins = yield from self._score_pool(subject, judge)
        concepts = self._concepts(data) or choose(data, judge, margins, self.exemplars)
        scores = [judge.score(margins, concept) for concept in concepts]
        groups = pick(scores, range(self.pool), self.exemplars)
        return self._result(subject, data, groups, concepts, judge, margins)

    def _concepts(self, data: "ImageSet") -> tuple[Concept, ...]:
        return (
            () if self.a == "auto" else tuple(parse(one, data) for one in (self.a, self.b, self.c))
        )

    def _judge(self, subject: "Subject", data: "ImageSet") -> Generator[Progress, None, Judge]:
        concepts = self._concepts(data.part("train"))
        names = [one.name for concept in concepts for one in concept] or list(candidates(data))
        if not names:
            raise GanlensError(
                f"data {data.spec!r} has no attributes and no classes to calculate with: add an "
                "attributes.csv, or give seeds for A, B and C"
            )
        judge = yield from fit_judge(
            subject,
            data,
            dict.fromkeys(names),
            limit=self.probe_images,
            pool=self.feature_pool,
            seed=self.seed,
            batch_size=self.batch_size,
        )
        for one in (one for concept in concepts for one in concept):
            judge.readers[one.name].index(one.value)  # fail before the pool is drawn
        return judge

    def _score_pool(
        self, subject: "Subject", judge: Judge
    ) -> Generator[Progress, None, dict[str, np.ndarray]]:
        parts: list[dict[str, np.ndarray]] = []
        for start in range(0, self.pool, self.batch_size):
            yield Progress(start, self.pool, "samples scored")
            stop = min(start + self.batch_size, self.pool)
            x = subject.generate(subject.latents(range(start, stop)), self.batch_size)
            parts.append(judge.margins(subject, x, self.batch_size))
        return {name: np.concatenate([part[name] for part in parts]) for name in judge.readers}

    def _recipes(self, subject: "Subject", groups: list[list[int]]) -> dict[str, Recipe]:
        means = [Sum.mean(group) for group in groups]
        result = means[0] + Sum.mean(groups[1], -1) + means[2]
        width = self.spread * subject.prior.std * 3**0.5  # 3**-0.5 is the std of U(-1, 1)
        noisy = [result + Sum(((groups[0][0], 0.0),), (self.seed + i, width)) for i in range(8)]
        rows = [
            one
            for group, mean in zip(groups, means, strict=True)
            for one in [*(Sum.mean([seed]) for seed in group), mean]
        ]
        return {
            "exemplars": Recipe.of(subject, Mix(tuple(rows)), columns=len(groups[0]) + 1),
            "grid": Recipe.of(subject, Mix((*noisy[:4], result, *noisy[4:])), columns=3),
            "control": Recipe.of(subject, Mix((*means, result), "pixels"), columns=4),
        }

    def _result(
        self,
        subject: "Subject",
        data: "ImageSet | None",
        groups: list[list[int]],
        concepts: tuple[Concept, ...],
        judge: Judge | None,
        margins: dict[str, np.ndarray],
    ) -> ArithmeticResult:
        recipes = self._recipes(subject, groups)
        drawn = {name: draw(subject, recipe) for name, recipe in recipes.items()}
        wanted = expected(*concepts) if concepts else ()
        hits = np.zeros((9, 0), dtype=bool)
        control_hits, base_rate = np.zeros(0, dtype=bool), None
        if judge and wanted:
            both = torch.cat([drawn["grid"], drawn["control"][3:]])
            read = _read(judge, judge.margins(subject, both, self.batch_size), wanted)
            hits, control_hits = read[:9], read[9]
            base_rate = float(_read(judge, margins, wanted).all(axis=1).mean())
        latents = recipes["grid"].latents.latents(subject.prior)
        norms = _norms(subject, groups, latents[4])
        supply = [judge.score(margins, one) > 0 for one in concepts] if judge else []
        return ArithmeticResult(
            concepts=tuple(text(concept) for concept in concepts),
            expected=tuple(one.text for one in wanted),
            seeds=np.array(groups),
            **{name: images.to_uint8(x) for name, x in drawn.items()},
            latents=latents.numpy(),
            norms=norms,
            hits=hits,
            control_hits=control_hits,
            base_rate=base_rate,
            supply=tuple(int(one.sum()) for one in supply),
            readers=_rows(judge) if judge else (),
            pool=self.pool if judge else 0,
            recipes={name: recipe.to_json() for name, recipe in recipes.items()},
            notes=tuple(self._notes(norms, supply)),
            about={
                **identity(subject, data),
                "extractor": f"discriminator, all layers, {self.feature_pool}x{self.feature_pool}"
                if judge
                else None,
                "seed": self.seed,
                "exemplars": len(groups[0]),
            },
        )

    def _notes(self, norms: dict[str, float], supply: list[np.ndarray]) -> Iterator[str]:
        for side, shown in zip(SIDES, supply, strict=False):
            if shown.sum() < self.exemplars:
                yield (
                    f"Only {int(shown.sum())} of {self.pool:,} samples are read as showing {side}: "
                    "its other exemplars are merely the nearest to it."
                )
        if not 0.8 < norms["the result"] / norms["a latent of the prior, on average"] < 1.25:
            yield "The result lies off the prior: its picture may be washed out or exaggerated."


def _read(
    judge: Judge, margins: dict[str, np.ndarray], wanted: tuple[Condition, ...]
) -> np.ndarray:
    return np.stack([judge.of(margins, one) > 0 for one in wanted], axis=1)


def _norms(subject: "Subject", groups: list[list[int]], result: torch.Tensor) -> dict[str, float]:
    means = [subject.latents(group).mean(0) for group in groups]
    named = {f"the mean of {s}": float(m.norm()) for s, m in zip(SIDES, means, strict=True)}
    return {
        **named,
        "the result": float(result.norm()),
        "a latent of the prior, on average": expected_norm(subject.prior),
    }


def _rows(judge: Judge) -> tuple[tuple[Any, ...], ...]:
    return tuple(
        (one.name, ", ".join(one.classes), one.accuracy, one.balanced_accuracy, one.majority,
         one.n_fit, one.n_held_out)
        for one in judge.readers.values()
    )  # fmt: skip
