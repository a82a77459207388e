"""Draws of one repeat: the order of real images, the few among them, samples like them."""

from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from torch import Tensor

from ganlens.images import to_uint8
from ganlens.probes.base import Progress, Steps
from ganlens.probes.identity import untrained
from ganlens.probes.useful.arms import Arm
from ganlens.probes.useful.materials import Labelled, Materials
from ganlens.subject import Subject

AT_ONCE = 1024  # samples between two reports of progress


@dataclass(frozen=True)
class Sizes:
    """How many images of each kind a repeat takes.

    Attributes:
        n: samples of GAN-train, and real images beside them.
        pool: samples that all but the few real images share: at least n.
        few: most samples beside few real images.
        test: samples on which GAN-test is tested.
    """

    n: int
    pool: int
    few: int
    test: int

    @property
    def seeds(self) -> int:
        """Seeds that a repeat uses, each for one sample."""
        return self.pool + self.few + self.test


@dataclass(frozen=True, eq=False)
class Draw:
    """What one repeat trains and tests on.

    Attributes:
        some: n real images.
        few: so many real images of each class.
        samples: for the conditions of the real images, in the order of ``some``.
        few_samples: for the conditions of ``few``.
        shuffled: the first n samples, with the answers of others.
        blank: the same n of the untrained generator; None where there is none.
        test_samples: for the conditions of the held-out images.
        seeds: (n,) of the first samples.
    """

    some: Labelled
    few: Labelled
    samples: Labelled
    few_samples: Labelled
    shuffled: Labelled
    blank: Labelled | None
    test_samples: Labelled
    seeds: range

    def training(self, arm: Arm, materials: Materials) -> Labelled:
        """Return what an arm learns from."""
        real = {"some": self.some, "all": materials.train, "few": self.few}.get(arm.real)
        if real is None:
            found = {"shuffled": self.shuffled, "untrained": self.blank}.get(arm.source)
            return self.samples.pick(slice(len(self.some))) if found is None else found
        pool = self.few_samples if arm.real == "few" else self.samples
        count = round(arm.ratio * len(real))
        return real.with_(pool.pick(slice(count))) if count else real


def draw(
    subject: Subject,
    materials: Materials,
    sizes: Sizes,
    few: int,
    first: int,
    stream: np.random.Generator,
    control: int | None,
    most_few: float,
) -> Steps[Draw]:
    """Draw the materials of a repeat, and yield progress, counted in samples.

    Args:
        subject: a conditional generator.
        materials: the real images.
        sizes: how many of each kind.
        few: real images of each class in ``Draw.few``; 0: none.
        first: seed of the first sample; ``sizes.seeds`` follow on each other.
        stream: of the order of the real images and of shuffled labels.
        control: seed of the untrained generator; None leaves it out.
        most_few: the most samples to each of few real images.
    """
    train, order = materials.train, stream.permutation(len(materials.train))
    some = train.pick(order[: sizes.n])
    chosen = few_of_each(train.answers[order], few)
    little = train.pick(order[chosen])
    wanted = train.pick(np.resize(order, sizes.pool))
    samples = yield from _sampled(subject, wanted, first, "samples")
    count = ceil(most_few * len(little))
    many = np.resize(np.arange(len(little)), count) if count else np.arange(0)
    next_ = first + sizes.pool
    few_samples = yield from _sampled(
        subject, little.pick(many), next_, "samples beside few real images"
    )
    test_samples = yield from _sampled(
        subject, materials.test, next_ + sizes.few, "samples to test on"
    )
    head = samples.pick(slice(sizes.n))
    blank = None
    if control is not None:
        other, _ = untrained(subject, control)
        if other is not None:
            blank = yield from _sampled(other, head, first, "untrained samples")
    mixed = replace(head, answers=head.answers[stream.permutation(sizes.n)])
    seeds = range(first, first + sizes.pool)
    return Draw(some, little, samples, few_samples, mixed, blank, test_samples, seeds)


def few_of_each(answers: np.ndarray, count: int) -> np.ndarray:
    """Return the places of the first rows of (N, T) answers that give each class ``count``.

    A row is taken where one of its classes has fewer so far. Of one target each class then has
    ``count`` rows, or all that it has; of several it may have more.
    """
    seen: list[dict[int, int]] = [{} for _ in answers.T]
    places = []
    for place, row in enumerate(answers.tolist()):
        if any(known.get(one, 0) < count for known, one in zip(seen, row, strict=True)):
            places.append(place)
            for known, one in zip(seen, row, strict=True):
                known[one] = known.get(one, 0) + 1
    return np.array(places, np.int64)


def _sampled(subject: Subject, like: Labelled, first: int, what: str) -> Steps[Labelled]:
    """Draw a sample for the condition of each image, with seeds from ``first`` on."""
    parts = [like.images[:0]]
    for start in range(0, len(like), AT_ONCE):
        yield Progress(start, len(like), what)
        rows: Tensor = like.rows[start : start + AT_ONCE]
        z = subject.latents(range(first + start, first + start + len(rows)))
        parts.append(to_uint8(subject.generate(z, rows)))
    return replace(like, images=np.concatenate(parts))
