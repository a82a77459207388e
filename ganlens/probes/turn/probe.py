"""Turn probe: a vector for a continuous attribute, and what changes along it."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.attributes import AttributeClassifier, Predictions, attribute_classifier
from ganlens.data import ImageSet
from ganlens.data.kinds import A_TABLE
from ganlens.edits import Move
from ganlens.errors import GanlensError, one_of
from ganlens.latents import Seeds
from ganlens.limits import Count, Limits, Seed
from ganlens.probes.base import RADFORD, Progress, Steps
from ganlens.probes.concepts import numeric
from ganlens.probes.exemplars import ExemplarProbe, Pool, extractor_name, labelled_data, score_pool
from ganlens.probes.identity import identity
from ganlens.probes.turn.panels import panels
from ganlens.probes.turn.result import TurnResult
from ganlens.recipe import Recipe, draw
from ganlens.subject import Subject

SHOWN = 6  # samples that are shown
FIRST = 1_000_000  # seed of the first sample that is turned: far from those that exemplars are of


@dataclass(frozen=True)
class Turn(ExemplarProbe):
    """Move samples along one vector and measure how evenly a continuous attribute follows.

    The vector is the mean latent of the samples with the most of the attribute, minus that of those
    with the least (Radford 2015, section 6.3.2: faces that look left and right). Samples are sorted
    by a linear regressor on the discriminator's features; what happens is measured by a network on
    pixels that was trained on real images.

    Attributes:
        attribute: a numeric attribute of the data, or "auto": the one that is predicted best.
        exemplars: samples at either end that the vector is made of.
        samples: how many other samples are moved.
        reach: they are moved from -reach to +reach times the vector.
        positions: how many stops on the way, at least 3.
        pool: samples that are scored in search of exemplars: seeds 0 to pool - 1.
        probe_images: training images that the linear regressors are fitted to, and held-out images
            that their correlation is of, at most.
        feature_pool: the discriminator's maps are max-pooled to this many cells a side.
        seed: of the choice of images and of the random control.
        batch_size: images at a time.
    """

    title = "Turn vector"
    group = "Latent space"
    help = "one vector for a continuous attribute, measured"
    headline = (
        "{attribute} follows with a rank correlation of {spearman_mean:.3f}",
        "{slope_mean:.3g} per unit of the vector",
        "random vectors {spearman_random_vectors:.2f}",
    )
    reading = (
        "The curve should rise evenly with the amount while all other attributes stay; the dotted"
        " line of random vectors shows what rises by chance."
    )
    papers = (RADFORD,)
    demo = MappingProxyType({"attribute": "tilt"})

    attribute: str = "auto"
    exemplars: Count = 50
    samples: Annotated[int, Limits(low=2)] = 100
    reach: Annotated[float, Limits(above=0)] = 1.0
    positions: Annotated[int, Limits(low=3)] = 9
    pool: Count = 10_000
    probe_images: Count = 3000
    feature_pool: Count = 4
    seed: Seed = 0
    batch_size: Count = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if 2 * self.exemplars > self.pool:
            raise GanlensError(
                f"a pool of {self.pool} is too small: give at least {2 * self.exemplars}"
            )

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[TurnResult]:
        """Sort the pool, make the vector, move the samples, and measure."""
        data = labelled_data(subject, data)
        if not (known := numeric(data)):
            raise GanlensError(
                f"data {data.spec!r} has no numeric attribute to turn: add one to {A_TABLE}"
            )
        if self.attribute not in ("auto", *known):
            raise one_of("attribute", self.attribute, ("auto", *known))
        pool = yield from score_pool(subject, data, (), self)
        linear = pool.models.regressors
        name = self.attribute
        if name == "auto":
            name = max(known, key=lambda one: np.nan_to_num(linear[one].correlation))
        network = yield from attribute_classifier(data, device=subject.device)
        vector, ends = self._vector(subject, pool, name)
        stream = torch.Generator().manual_seed(self.seed)
        random = torch.randn(self.samples, len(vector), generator=stream)
        random *= vector.norm() / random.norm(dim=1, keepdim=True)  # as long, one for each sample
        moved = yield from self._moved(subject, network, vector)
        control = yield from self._moved(subject, network, random)
        shown = Seeds(tuple(range(FIRST, FIRST + min(SHOWN, self.samples))))
        move = Move.along(vector, self.amounts.tolist(), name)
        recipe = Recipe.of(subject, shown, columns=self.positions, edits=[move])
        others = tuple(network.classes)
        return TurnResult(
            attribute=name,
            amounts=self.amounts,
            vector=vector.numpy(),
            measured=np.stack([one.number(name) for one in moved], axis=1),
            control=np.stack([one.number(name) for one in control], axis=1),
            others=others,
            unchanged=_same(moved, others),
            unchanged_control=_same(control, others),
            pictures=images.to_uint8(draw(subject, recipe)),
            ends=ends,
            regressor_correlation=linear[name].correlation,
            sigmas=float(vector.norm()) / subject.prior.std,
            recipe=recipe.to_json(),
            classifier_correlation=network.correlations.get(name),
            draw=panels,
            about={
                **identity(subject, data),
                **network.about(),
                "extractor": extractor_name(self.feature_pool),
                "exemplars": self.exemplars,
                "samples": self.samples,
                "pool": self.pool,
                "seed": self.seed,
                "first_seed": FIRST,
            },
        )

    def _vector(
        self, subject: Subject, pool: Pool, name: str
    ) -> tuple[Tensor, tuple[float, float]]:
        """Return the (d,) vector, and the mean prediction at either end."""
        order = np.argsort(pool.numbers[name], kind="stable")
        low, high = order[: self.exemplars], order[-self.exemplars :]
        means = [subject.latents(rows.tolist()).mean(0) for rows in (high, low)]
        ends = (float(pool.numbers[name][low].mean()), float(pool.numbers[name][high].mean()))
        return means[0] - means[1], ends

    @property
    def amounts(self) -> np.ndarray:
        """The (P,) positions, in units of the vector."""
        return np.linspace(-self.reach, self.reach, self.positions)

    def _moved(
        self, subject: Subject, network: AttributeClassifier, vector: Tensor
    ) -> Steps[list[Predictions]]:
        """Predict all samples at every position; ``vector`` is (d,), or (N, d) for one each."""
        z = subject.latents(range(FIRST, FIRST + self.samples))
        found = []
        for done, amount in enumerate(self.amounts):
            yield Progress(done, self.positions, "positions")
            x = subject.generate(z + float(amount) * vector, batch_size=self.batch_size)
            found.append(network.predict(x))
        return found


def _same(predicted: list[Predictions], names: Sequence[str]) -> np.ndarray:
    """Return (P, A) shares of samples whose other attributes are as at the middle position."""
    found = [[one.probabilities[name].argmax(1) for name in names] for one in predicted]
    values = np.array(found).reshape(len(predicted), len(names), -1)  # (P, A, N)
    same: np.ndarray = values == values[len(values) // 2]
    return same.mean(axis=2)
