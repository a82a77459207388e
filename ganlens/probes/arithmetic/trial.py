"""Trial of one formula: calculated many times over, and measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.attributes import AttributeClassifier
from ganlens.latents import Mix, Sum
from ganlens.probes.arithmetic.score_result import Formula, Score
from ganlens.probes.concepts import Concept, expected, meets, share, text
from ganlens.probes.exemplars import Concepts
from ganlens.recipe import Recipe, draw
from ganlens.subject import Subject

SHOWN = 10  # calculations per formula that are shown
PAPER = 3  # exemplars per concept in the paper: what the pictures and the pixel control use
UNLIKELY = 0.05  # a picture is implausible where D scores it below this quantile of the samples


@dataclass(frozen=True)
class Trial:
    """The repeated calculation of one formula.

    Attributes:
        subject: whose latents are calculated with.
        network: the attribute classifier that measures the results.
        concepts: A, B and C.
        shortlists: seeds of the samples of A, B and C that exemplars are drawn from.
        showing: seeds of all samples that show A, B and C, however plainly.
        seed: of the draws.
        draws: how many.
        random: (draws, C, H, W) random samples, the control.
    """

    subject: Subject
    network: AttributeClassifier
    concepts: Concepts
    shortlists: list[np.ndarray]
    showing: list[np.ndarray]
    seed: tuple[int, int]
    draws: int
    random: Tensor

    @property
    def wanted(self) -> Concept:
        """The conditions that the results should meet."""
        return expected(*self.concepts)

    def picks(self, count: int, *, of_any: bool = False) -> np.ndarray:
        """Draw exemplars: (draws, 3, count) seeds, none twice within a concept.

        They are drawn from the shortlists, or ``of_any`` samples that show their concept.
        """
        lists, key = (self.showing, (1,)) if of_any else (self.shortlists, ())
        rng, draws = np.random.default_rng((*self.seed, count, *key)), range(self.draws)
        return np.array([[rng.choice(s, count, replace=False) for s in lists] for _ in draws])

    def meets(self, x: Tensor) -> np.ndarray:
        """Return (N, E) bool: which images meet each expected condition."""
        return meets(self.network.predict(x), self.wanted)

    @cached_property
    def least_plausible(self) -> float:
        """The score of the discriminator below which only few of the random samples lie."""
        return float(np.quantile(self.subject.discriminate(self.random).numpy(), UNLIKELY))

    def measured(self, x: Tensor) -> Score:
        """Measure (N, C, H, W) results."""
        hits = self.meets(x)
        every: np.ndarray = np.all(hits, axis=1)
        plausible = self.subject.discriminate(x).numpy() >= self.least_plausible
        return {
            "success": share(every),
            "success_and_plausible": share(every & plausible),
            "plausible": float(plausible.mean()),
            "per_condition": hits.mean(axis=0),
        }

    def score(self, count: int) -> tuple[Score, Score, Score | None]:
        """Measure the results at one count.

        As they come, brought to the prior's length, and those of ``score_of_any``.
        """
        z = sums(self.subject.latents, self.picks(count))
        plain, scaled = map(self.subject.generate, (z, self.subject.prior.project(z)))
        return self.measured(plain), self.measured(scaled), self.score_of_any(count)

    def score_of_any(self, count: int) -> Score | None:
        """Measure random exemplars that merely show their concept; None if there are too few."""
        if min(map(len, self.showing)) < count:
            return None
        z = sums(self.subject.latents, self.picks(count, of_any=True))
        return self.measured(self.subject.generate(z))

    def formula(self, scores: Sequence[tuple[Score, Score, Score | None]]) -> Formula:
        """Return the scores, one ``score`` per count, with their controls and some pictures."""
        picks = self.picks(PAPER)
        pixels = sums(lambda seeds: self.subject.generate(self.subject.latents(seeds)), picks)
        means = [Sum.mean(a) + Sum.mean(b, -1) + Sum.mean(c) for a, b, c in picks[:SHOWN].tolist()]
        recipe = Recipe.of(self.subject, Mix(tuple(means)), columns=SHOWN)
        drawn = draw(self.subject, recipe)
        plain, scaled, merely = zip(*scores, strict=True)
        lists = zip(self.shortlists, self.showing, strict=True)
        return Formula(
            terms=tuple(map(text, self.concepts)),
            wanted=self.wanted,
            plain=plain,
            scaled=scaled,
            merely=merely,
            pixels=self.measured(pixels.clamp(-1, 1)),
            random=self.measured(self.random),
            shortlists=tuple(map(len, self.shortlists)),
            shown=tuple(int(np.isin(best, showing).sum()) for best, showing in lists),
            showing=tuple(map(len, self.showing)),
            pictures=images.to_uint8(drawn),
            right=np.all(self.meets(drawn), axis=1),
            recipe=recipe.to_json(),
        )


def sums(vectors: Callable[[Sequence[int]], Tensor], picks: np.ndarray) -> Tensor:
    """Return mean of A - mean of B + mean of C for (N, 3, k) seeds.

    ``vectors`` maps seeds to what is summed, latents or images, one per seed.
    """
    seeds, places = np.unique(picks, return_inverse=True)
    found = vectors(seeds.tolist()).double()
    means = found[torch.from_numpy(places.reshape(picks.shape))].mean(2)
    return (means[:, 0] - means[:, 1] + means[:, 2]).float()
