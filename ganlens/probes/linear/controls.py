"""What the discriminator's features are compared with: sets of features that no GAN has learned."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganlens import patches, svm
from ganlens.probes.linear.supervised import train_supervised
from ganlens.probes.linear.targets import Target
from ganlens.progress import Progress
from ganlens.subject import CALIBRATION

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

CONTROLS = ("untrained", "pixels", "k-means", "supervised")  # in the order of the tables
LEARN = 4000  # train images from which the patches of k-means are drawn
Read = Callable[[Callable[[Tensor], Tensor], "ImageSet"], svm.Features]


@dataclass(frozen=True)
class Control:
    """Features of the train and the test images.

    Attributes:
        x: (N, D) of the train images.
        x_test: (M, D) of the test images.
        settings: how they were made, JSON-able.
    """

    x: svm.Features
    x_test: svm.Features
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Controls:
    """Makes the controls that are wanted, one at a time.

    Attributes:
        subject: the GAN that they stand beside.
        train: the images to learn from.
        test: the images to be tested on.
        targets: what is predicted.
        pool: side of the grid to which feature maps are pooled.
        basic: whether "untrained" and "pixels" are among them.
        kmeans_k: centroids of "k-means"; 0 leaves it out.
        epochs: of the training of "supervised"; 0 leaves it out.
        seed: of everything random.
        averaged: whether ``read`` averages features over copies of each image.
        held: rows at the end of ``train`` on which C is chosen.
        read: computes the features of all images of a part with a function of a batch.
    """

    subject: "Subject"
    train: "ImageSet"
    test: "ImageSet"
    targets: Sequence[Target]
    pool: int
    basic: bool
    kmeans_k: int
    epochs: int
    seed: int
    averaged: bool
    held: int
    read: Read

    def names(self) -> tuple[str, ...]:
        """Name the controls that are wanted, in the order of the tables."""
        settings = (self.basic, self.basic, self.kmeans_k, self.epochs)
        return tuple(name for name, wanted in zip(CONTROLS, settings, strict=True) if wanted)

    def make(self, name: str) -> Generator[Progress, None, Control]:
        """Make one control.

        Raises:
            GanlensError: the network cannot be built anew, or more centroids than patches.
        """
        if name == "pixels":
            return self._pixels()
        if name == "untrained":
            return self._untrained()
        if name == "k-means":
            return self._k_means()
        return (yield from self._supervised())

    def _pixels(self) -> Control:
        if self.averaged:
            return self._both(lambda batch: batch.flatten(1), {})
        x, x_test = (p.images.reshape(len(p), -1) for p in (self.train, self.test))
        return Control(x, x_test)  # as bytes: no copy

    def _both(self, function: Callable[[Tensor], Tensor], settings: dict[str, Any]) -> Control:
        return Control(self.read(function, self.train), self.read(function, self.test), settings)

    def _of(self, other: "Subject", settings: dict[str, Any]) -> Control:
        return self._both(lambda batch: other.features(batch, pool=self.pool), settings)

    def _untrained(self) -> Control:
        images = self.train.batch(slice(0, CALIBRATION))
        about = {"seed": self.seed, "batch_norm": f"measured on {len(images):,} train images"}
        return self._of(self.subject.untrained(self.seed, images), about)

    def _k_means(self) -> Control:
        learned = patches.learn_patches(self.train.batch(slice(0, LEARN)), self.kmeans_k, self.seed)
        about = {
            "k": self.kmeans_k,
            "patch": f"{patches.SIDE}x{patches.SIDE}, stride 1",
            "whitening": f"ZCA, {patches.ZCA} added to the eigenvalues",
            "activation": "triangle, summed over quadrants",
            "source": "Coates 2011",
            "seed": self.seed,
        }
        return self._both(learned, about)

    def _supervised(self) -> Generator[Progress, None, Control]:
        # Features of images whose labels the network knows would choose a C for them alone.
        cut = len(self.train) - self.held
        targets = [replace(target, train=target.train[:cut]) for target in self.targets]
        found = yield from train_supervised(
            self.subject, self.train, self.test, targets, self.epochs, self.seed
        )
        return self._of(found.subject, {**found.settings, "accuracy_of_its_own_head": found.head})
