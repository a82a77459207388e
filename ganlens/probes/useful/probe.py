"""The Useful probe: trains the same classifier on real images, on samples and on both."""

from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any, TypeVar

import numpy as np

from ganlens.classifier import ClassifierSettings
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.limits import Count, Limits, Seed
from ganlens.models.classifier import Classifier
from ganlens.models.prior import check_seed
from ganlens.probes.base import Needs, Probe, Progress, Steps, images_for
from ganlens.probes.identity import identity, untrained
from ganlens.probes.useful.arms import FEW, SHUFFLED, UNTRAINED, Arm, arms
from ganlens.probes.useful.draws import Draw, Sizes, draw, few_of_each
from ganlens.probes.useful.materials import Materials, materials
from ganlens.probes.useful.panels import panels
from ganlens.probes.useful.result import UsefulResult
from ganlens.probes.useful.shown import show
from ganlens.probes.useful.training import Tested, tested, trained
from ganlens.progress import relayed
from ganlens.subject import Subject

R = TypeVar("R")


@dataclass(frozen=True)
class Useful(Probe):
    """Train a small classifier on real images, on samples, and on both, and test it on real ones.

    GAN-train learns from samples only and is tested on held-out images; GAN-test learns from real
    images and is tested on samples. Then samples are added to all real images and to a few of each
    class, beside flips and shifts. Every classifier takes equally many steps, so that none wins by
    learning longer; each repeat has its own weights, order, images and samples, shared by its arms;
    differences are paired by repeat. The generator knows what all its training images taught it,
    beside few real images too.

    Attributes:
        targets: attributes to classify, of a generator that is given several; none takes all
            categorical ones.
        n: samples of GAN-train, and real images beside it; fewer where there are fewer real images.
        n_train: train images that count as all, drawn at random; none takes every one.
        n_test: held-out images to test on, drawn at random; none takes every one.
        few: real images of each class where few are trained on; 0 leaves that out.
        ratios: samples added to each of all real images, one classifier for each number.
        few_ratios: samples added to each of few real images.
        flips: also train on real images half of which are flipped, and all shifted by up to an
            eighth.
        controls: also train on samples with shuffled labels, and on the untrained generator's.
        repeats: of everything, each with weights, order, images and samples of its own.
        training_steps: of each classifier, whatever it learns from.
        batch_size: images of a step.
        seed: of all draws; samples have the seeds from here on.
    """

    title = "Useful"
    group = "Against the data"
    help = "do samples help to train a classifier of real images?"
    headline = (
        "trained on samples only {gan_train:.1%}",
        "on as many real images {real:.1%}",
        "samples read right by a classifier of real images {gan_test:.1%}",
        "{all_ratio:g} sample to each of all real images: {all_samples_verdict}",
        "{few_ratio:g} to each of few: {few_samples_verdict}",
    )
    reading = (
        "A classifier that learns from samples only should do nearly as well on real images as one "
        "that learns from real ones. Whether samples help beside real images is another question, "
        "and the answer is often no: look at flips and shifts too, which cost nothing."
    )
    papers = (
        ("Ravuri and Vinyals 2019", "https://arxiv.org/abs/1905.10887"),
        ("Shmelkov 2018", "https://arxiv.org/abs/1807.09499"),
    )
    requires = Needs(
        frozenset({"generator"}), "required", labels=True, conditions=("classes", "attributes")
    )
    on_request = "trains many classifiers, which takes minutes"

    targets: tuple[str, ...] = ()
    n: Annotated[int, Limits(low=2)] = 4000
    n_train: Annotated[int, Limits(low=2)] | None = 10_000
    n_test: Annotated[int, Limits(low=2)] | None = 2000
    few: Annotated[int, Limits(low=0)] = 20
    ratios: Annotated[tuple[float, ...], Limits(above=0)] = (0.5, 1.0, 2.0)
    few_ratios: Annotated[tuple[float, ...], Limits(above=0)] = (1.0, 2.0, 10.0)
    flips: bool = True
    controls: bool = True
    repeats: Annotated[int, Limits(low=2)] = 5
    training_steps: Count = 200
    batch_size: Annotated[int, Limits(low=2)] = 64
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        super().__post_init__()
        for name in ("ratios", "few_ratios"):
            given = getattr(self, name)
            if len({f"{ratio:g}" for ratio in given}) < len(given):
                raise GanlensError(f"{name} {given} names a number twice: give it once")

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[UsefulResult]:
        """Train and test all arms, one repeat after the other.

        Raises:
            GanlensError: no condition, no data, or data whose labels are not the model's.
        """
        if reason := self.requires.lacking_condition(subject):
            raise GanlensError(f"useful {reason}")
        condition = subject.condition
        assert condition is not None
        data = images_for(subject, data, "useful")
        found = materials(condition, data, self.targets, self.n_train, self.n_test, self.seed)
        sizes = self._sizes(found)
        check_seed(self.seed, self.repeats * sizes.seeds)
        yield Progress(0, 1, "untrained generator")
        chosen, missing = self._arms(subject, found, sizes)
        total = self.repeats * (1 + sum(one.tested == "real" for one in chosen))
        scores: list[list[Tested]] = []
        counts, shown = [], None
        for repeat in range(self.repeats):
            done = repeat * total // self.repeats
            said = f"repeat {repeat + 1} of {self.repeats}"
            made = yield from _said(
                self._draw(subject, found, sizes, repeat, UNTRAINED not in missing),
                done,
                total,
                said,
            )
            counts.append([self._counts(one, made, found) for one in chosen])
            where = (done + 1, total, said)
            scores.append((yield from self._repeat(chosen, made, found, subject, repeat, where)))
            shown = shown or show(subject, made, found)
        return UsefulResult(
            arms=tuple(chosen),
            classes=found.classes,
            accuracy=np.array([[one.accuracy for one in row] for row in scores]).T,
            by_target=np.array([[one.accuracies for one in row] for row in scores]).swapaxes(0, 1),
            by_class=np.array([[one.by_class for one in row] for row in scores]).swapaxes(0, 1),
            sizes=np.array(counts, float).mean(0),
            tested=np.concatenate([
                np.bincount(column, minlength=len(classes))
                for column, classes in zip(found.test.answers.T, found.targets.values(),
                                           strict=True)
            ]),
            majority=found.majority(),
            targets=tuple(found.targets),
            missing=missing,
            notes=found.notes,
            shown=shown,
            draw=panels,
            about=self._about(subject, data, found, sizes),
        )  # fmt: skip

    def _sizes(self, found: Materials) -> Sizes:
        real = len(found.train)
        n = min(self.n, real)
        most = min(real, self.few * sum(map(len, found.targets.values())))
        return Sizes(
            n=n,
            pool=max(n, ceil(max(self.ratios, default=0) * real)),
            few=ceil(max(self.few_ratios, default=0) * most),
            test=len(found.test),
        )

    def _arms(
        self, subject: Subject, found: Materials, sizes: Sizes
    ) -> tuple[list[Arm], dict[str, str]]:
        """Return the arms, and the keys of those that were left out with the reason."""
        missing, answers = {}, found.train.answers
        if not self.few:
            missing[FEW] = "few is 0"
        elif len(few_of_each(answers, self.few)) == len(answers):
            missing[FEW] = f"no class has more than {self.few} train images"
        controls = [SHUFFLED, UNTRAINED] if self.controls else []
        if not self.controls:
            missing |= dict.fromkeys((SHUFFLED, UNTRAINED), "controls are switched off")
        elif reason := untrained(subject, self.seed, calibrated=False)[1]:
            missing[UNTRAINED] = reason
            controls.remove(UNTRAINED)
        chosen = arms(
            whole=sizes.n == len(found.train), few=FEW not in missing, ratios=self.ratios,
            few_ratios=self.few_ratios, flips=self.flips, controls=controls,
        )  # fmt: skip
        return chosen, missing

    def _draw(
        self, subject: Subject, found: Materials, sizes: Sizes, repeat: int, control: bool
    ) -> Steps[Draw]:
        return draw(
            subject,
            found,
            sizes,
            self.few,
            self.seed + repeat * sizes.seeds,
            np.random.default_rng([self.seed, repeat]),
            self.seed + repeat if control else None,
            max(self.few_ratios, default=0),
        )

    def _repeat(
        self,
        chosen: list[Arm],
        drawn: Draw,
        found: Materials,
        subject: Subject,
        repeat: int,
        where: tuple[int, int, str],
    ) -> Steps[list[Tested]]:
        """Train and test every arm of a repeat: equal weights, equally many steps."""
        done, total, said = where
        models, scores = dict[str, Classifier](), list[Tested]()
        for one in chosen:
            if one.tested == "samples":
                scores.append(tested(models[one.against], drawn.test_samples, found))
                continue
            seed = int(np.random.default_rng([self.seed, repeat]).integers(2**31))
            settings = ClassifierSettings(batch_size=self.batch_size, augment=one.flips, seed=seed)
            given = drawn.training(one, found)
            training = trained(given, found, settings, self.training_steps, subject.device)
            at = done + len(models)
            models[one.key] = yield from _said(training, at, total, f"{said}, {one.words}")
            scores.append(tested(models[one.key], found.test, found))
        return scores

    def _counts(self, one: Arm, drawn: Draw, found: Materials) -> tuple[int, int]:
        """Return how many real images and samples an arm learns from."""
        sizes = {"some": len(drawn.some), "all": len(found.train), "few": len(drawn.few)}
        if not one.real:
            return 0, len(drawn.some)
        return sizes[one.real], round(one.ratio * sizes[one.real])

    def _about(
        self, subject: Subject, data: ImageSet, found: Materials, sizes: Sizes
    ) -> dict[str, Any]:
        settings = ClassifierSettings(batch_size=self.batch_size)
        last = self.seed + self.repeats * sizes.seeds - 1
        return {
            **identity(subject, data, drawn=True, sides=True),
            "condition": "those of the real images",
            "targets": list(found.targets),
            "n": sizes.n,
            "n_train": len(found.train),
            "n_train_available": found.available[0],
            "n_test": len(found.test),
            "n_test_available": found.available[1],
            "n_unlabelled": list(found.unlabelled),
            "split": f"trained on train, tested on test ({data.split_source})",
            "few_of_each_class": self.few,
            "repeats": self.repeats,
            "interval_method": f"Student's t over {self.repeats} repeats, 95 %, accuracies "
            "cut off at 0 and 1; differences paired",
            "classifier": f"ganlens classifier, width {settings.width}, depth {settings.depth}, "
            f"AdamW, one cycle to {settings.lr:g}, weight decay {settings.weight_decay:g}",
            "training_steps": self.training_steps,
            "batch_size": self.batch_size,
            "seeds": f"{self.seed} to {last}",
            "seed": self.seed,
        }


def _said(steps: Steps[R], done: int, total: int, said: str) -> Steps[R]:
    """Yield progress of a part as progress of the whole."""

    def of_the_whole(step: Progress) -> Progress:
        return Progress(done, total, f"{said}: {step.what} ({step.done:,} of {step.total:,})")

    return relayed(steps, of_the_whole)
