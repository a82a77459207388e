"""Linear probe: which features are fitted, in which order, under which settings."""

from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
import torch

from ganlens import svm
from ganlens.activations import capture
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.limits import Count, Limits, Seed
from ganlens.probes.base import RADFORD, Needs, Probe, Progress, Steps, images_for
from ganlens.probes.identity import identity
from ganlens.probes.linear.controls import CONTROLS, control
from ganlens.probes.linear.extract import extract
from ganlens.probes.linear.few import SEARCHES, check_counts, few_labels
from ganlens.probes.linear.fitting import Fit, choose_cost, collect, fit
from ganlens.probes.linear.panels import panels
from ganlens.probes.linear.result import LinearProbeResult
from ganlens.probes.linear.targets import Target, find_targets
from ganlens.subject import Subject

COSTS = (1e-10, 1e6)  # C that was solved to the gap in each of 4,300 small random problems
SCALED = {
    "standard": "each feature to mean 0 and variance 1/D over the train images",
    "norm": "all features by one factor, so that a row's mean squared norm is 1",
}


@dataclass(frozen=True)
class LinearProbe(Probe):
    """Predict labels from the discriminator's features with a linear SVM (Radford 2015, sec. 5.1).

    The outputs of all convolution blocks are max-pooled to a small grid, flattened and
    concatenated; a one-vs-rest L2-SVM (squared hinge) learns from train images and is tested on
    test images. The same network untrained, raw pixels and the majority class are the controls,
    and on request k-means features of patches and the same network trained with the labels; each
    layer is also fitted alone.

    Attributes:
        target: what to predict: auto (the labels, or every categorical attribute), class, or an
            attribute.
        n_train: train images, drawn at random; none takes all.
        n_test: test images, drawn at random; none takes all.
        labels_per_class: also learn from only so many labelled train images per class; several
            numbers give a learning curve.
        draws: of those labelled images, each tested on the test images; C is chosen on ten others.
        c_grid: costs C of the SVM to choose from, for features scaled to a mean squared norm of 1.
        validation: share of the train images on which C is chosen, 0.05 to 0.5.
        pool: each feature map is max-pooled to a pool x pool grid.
        scaling: standard (each feature to the same variance) or norm (all by one factor, as the
            authors' code has it).
        mirror: average each image's features with those of its mirror image, which is worth some
            points on photographs; not for targets that a mirror changes.
        shift: average them over nine copies, moved by so many pixels up or down, left or right,
            which is worth some points, too; 2 is good at 32 pixels. 0 leaves it out.
        half: keep features in float16, for half the disk where they do not fit into memory.
        controls: also fit raw pixels and the same network untrained.
        kmeans_k: also fit k-means features of patches (Coates 2011) with so many centroids.
        supervised_epochs: also fit the same network trained with labels for so many epochs.
        seed: of the draw of images and of the controls.
    """

    title = "Linear probe"
    group = "Against the data"
    help = "what the discriminator's features can tell apart"
    headline = (
        "accuracy {accuracy}",
        "untrained {accuracy_untrained}",
        "pixels {accuracy_pixels}",
        "guessing {accuracy_majority}",
    )
    reading = (
        "The more a straight line can tell apart in the discriminator's features, the more it has"
        " learned; what the untrained network reaches was not learned."
    )
    papers = (RADFORD, ("Coates and Ng 2011", "https://proceedings.mlr.press/v15/coates11a.html"))
    requires = Needs(frozenset({"discriminator"}), "required", labels=True)
    demo = MappingProxyType({"n_train": 1000})

    target: str = "auto"
    n_train: Count | None = 2000
    n_test: Count | None = None
    labels_per_class: Annotated[tuple[int, ...], Limits(low=1)] = ()
    draws: Count = 10
    c_grid: Annotated[tuple[float, ...], Limits(*COSTS, length=(1, None))] = (0.1, 1.0, 10.0)
    validation: Annotated[float, Limits(0.05, 0.5)] = 0.2
    pool: Count = 4
    scaling: Literal["standard", "norm"] = "standard"
    mirror: bool = False
    shift: Annotated[int, Limits(low=0)] = 0
    half: bool = False
    controls: bool = True
    kmeans_k: Annotated[int, Limits(low=0)] = 0
    supervised_epochs: Annotated[int, Limits(low=0)] = 0
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        super().__post_init__()
        counts = self.labels_per_class
        if len(set(counts)) < len(counts):
            raise GanlensError(f"labels_per_class {counts} names a number twice: give it once")

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[LinearProbeResult]:
        """Fit all features of the discriminator, each layer's and the controls', one set at a time.

        Raises:
            GanlensError: no data, no discriminator, nothing to predict, a setting out of range.
        """
        train, test, targets = self._materials(subject, data)
        layers = tuple(subject.discriminator.feature_layers)  # type: ignore[union-attr]
        wanted = (self.controls, self.controls, self.kmeans_k, self.supervised_epochs)
        controls = [name for name, one in zip(CONTROLS, wanted, strict=True) if one]
        total = 2 + len(layers) + len(controls)
        yield Progress(0, total, "discriminator features")
        features = partial(
            extract, mirror=self.mirror, shift=self.shift, half=self.half, device=subject.device
        )
        function = partial(subject.features, pool=self.pool)
        x, x_test = (features(function, part) for part in (train, test))
        yield Progress(1, total, "all layers")
        fits = {"all layers": (yield from self._fit(x, x_test, targets))}
        end, best, blank = 0, fits["all layers"].cost, torch.zeros(1, *subject.image_shape)
        for done, name in enumerate(layers, start=2):
            yield Progress(done, total, f"layer {name}")
            width = subject.features(blank, layers=[name], pool=self.pool).shape[1]
            own, end = slice(end, end + width), end + width
            fits[name] = fit(x[:, own], x_test[:, own], targets, best, self.scaling)
        del x, x_test  # before the next array of the same size is filled
        missing, settings = {}, {}
        for done, name in enumerate(controls, start=2 + len(layers)):
            yield Progress(done, total, f"control: {name}")
            try:
                made, about = yield from control(
                    name, subject, train, test, targets, pool=self.pool, k=self.kmeans_k,
                    epochs=self.supervised_epochs, seed=self.seed,
                    validation=self._validation_rows(len(train)),
                )  # fmt: skip
            except GanlensError as error:
                missing[name] = str(error)
                continue
            x, x_test = (features(made, part) for part in (train, test))
            fits[name], settings[name] = (yield from self._fit(x, x_test, targets)), about
            del x, x_test
        assert data is not None  # checked with the rest
        return LinearProbeResult(
            **collect(fits, targets),
            layers=layers,
            few_labels=np.array(self.labels_per_class, np.int64),
            missing=missing,
            settings=settings,
            draw=panels,
            about=self._about(subject, data, train, test),
        )

    def _materials(
        self, subject: Subject, data: ImageSet | None
    ) -> tuple[ImageSet, ImageSet, list[Target]]:
        """Check what can fail before the long work; return train, test and what to predict."""
        if subject.discriminator is None:
            raise GanlensError(f"{subject.name} has no discriminator: choose another checkpoint")
        data = images_for(subject, data, "a linear probe")
        largest = _largest_pool(subject)
        if self.pool > largest:
            raise GanlensError(
                f"pool {self.pool} is out of range: give 1 to {largest}, the side of the smallest"
                " map; a finer grid would repeat it"
            )
        side = min(subject.image_shape[1:])
        if self.shift >= side:
            raise GanlensError(
                f"shift {self.shift} is out of range: give 0 to {side - 1} pixels, less than a side"
            )
        train = _draw(data.part("train"), self.n_train, self.seed)
        test = _draw(data.part("test"), self.n_test, self.seed)
        if len(train) < 10:
            raise GanlensError(f"{len(train)} train images are too few: give at least 10")
        targets = find_targets(train, test, self.target)
        check_counts(targets, self.labels_per_class, self._validation_rows(len(train)))
        return train, test, targets

    def _validation_rows(self, n: int) -> int:
        """Count the rows at the end of the train images on which C is chosen."""
        return max(1, round(self.validation * n))

    def _fit(self, x: svm.Features, x_test: svm.Features, targets: list[Target]) -> Steps[Fit]:
        """Choose C, fit all train rows, and repeat it with few labels where wanted."""
        validation = self._validation_rows(len(x))
        best = np.full(len(targets), self.c_grid[0])
        if len(self.c_grid) > 1:
            best = choose_cost(x, targets, self.c_grid, validation, self.scaling)
        found = fit(x, x_test, targets, best, self.scaling)
        if not self.labels_per_class:
            return found
        cost, share = yield from few_labels(
            x, x_test, targets, self.labels_per_class, self.c_grid, draws=self.draws,
            validation=validation, scaling=self.scaling, seed=self.seed,
        )  # fmt: skip
        return replace(found, few_cost=cost, few_accuracy=share)

    def _about(
        self, subject: Subject, data: ImageSet, train: ImageSet, test: ImageSet
    ) -> dict[str, Any]:
        return {
            **identity(subject, data, sides=True),
            "extractor": "discriminator, all feature layers, max-pooled to "
            f"{self.pool}x{self.pool}",
            "extractor_hash": subject.provenance.get("hash"),
            "n_train": len(train),
            "n_train_available": len(data.part("train")),
            "n_test": len(test),
            "n_test_available": len(data.part("test")),
            "split": f"fitted to train, judged on test ({train.split_source})",
            "scaling": SCALED[self.scaling],
            "storage": "float16" if self.half else "float32",
            "draws": self.draws if self.labels_per_class else None,
            "draws_for_c": SEARCHES if self.labels_per_class else None,
            **{name: getattr(self, name)
               for name in ("pool", "c_grid", "validation", "mirror", "shift", "seed")},
        }  # fmt: skip


def _largest_pool(subject: Subject) -> int:
    """Return the side of the smallest map; 4, the paper's grid, is let through in any case."""
    network: Any = subject.discriminator
    with capture(network, list(network.feature_layers)) as maps:
        subject.discriminate(torch.zeros(1, *subject.image_shape))
    return max(4, min((min(m.shape[2:]) for m in maps.values() if m.ndim == 4), default=4))


def _draw(part: ImageSet, count: int | None, seed: int) -> ImageSet:
    """Return rows of a part in random order, at most ``count``: the head of a draw is a draw."""
    rows = np.random.default_rng(seed).permutation(len(part))[:count]
    return part.pick(rows)
