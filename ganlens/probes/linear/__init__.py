"""The linear probe: what can be read off the discriminator's features with a straight line?"""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ganlens.activations import capture
from ganlens.errors import GanlensError
from ganlens.models.prior import check_seed
from ganlens.probes.base import Probe, Progress, images_for
from ganlens.probes.identity import identity
from ganlens.probes.linear.fitting import (
    Scores,
    balanced_accuracy,
    choose_cost,
    confusion,
    majority,
    score,
)
from ganlens.probes.linear.fitting import accuracy as share_right
from ganlens.probes.linear.result import LinearProbeResult
from ganlens.probes.linear.targets import Target, find_targets
from ganlens.subject import CALIBRATION

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

__all__ = ["LinearProbe", "LinearProbeResult"]

BATCH = 512


@dataclass(frozen=True)
class LinearProbe(Probe):
    """Predict labels from the discriminator's features with a linear SVM (Radford 2015, sec. 5.1).

    The outputs of all convolution blocks are max-pooled to a small grid, flattened and
    concatenated; a one-vs-rest L2-SVM (squared hinge) learns from train images and is judged on
    test images. The same network untrained, raw pixels and the majority class are the controls;
    each layer is also judged alone.

    Attributes:
        target: what to predict: auto (the labels, or every categorical attribute), class, or an
            attribute.
        n_train: train images, drawn at random; none takes all.
        n_test: test images, drawn at random; none takes all.
        c_grid: costs C of the SVM to choose from, for features scaled to a mean squared norm of 1.
        validation: share of the train images on which C is chosen, 0 to 1.
        pool: each feature map is max-pooled to a pool x pool grid.
        controls: also judge raw pixels and the same network untrained.
        seed: of the draw of images and of the untrained network.
    """

    title: ClassVar[str] = "Linear probe"
    needs: ClassVar[frozenset[str]] = frozenset({"discriminator", "data", "labels"})

    target: str = "auto"
    n_train: int | None = 2000
    n_test: int | None = None
    c_grid: tuple[float, ...] = (0.1, 1.0, 10.0)
    validation: float = 0.2
    pool: int = 4
    controls: bool = True
    seed: int = 0

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, LinearProbeResult]:
        """Judge the discriminator, its layers and the controls, one set of features at a time.

        Raises:
            GanlensError: no data, no discriminator, nothing to predict, a setting out of range.
        """
        train, test, targets = self._materials(subject, data)
        layers = list(subject.discriminator.feature_layers)  # type: ignore[union-attr]
        total, done, scores = 2 + len(layers) + 2 * self.controls, 1, {}
        yield Progress(0, total, "discriminator features")
        x, x_test = (self._features(subject, part) for part in (train, test))
        yield Progress(done, total, "all layers")
        scores["all layers"] = self._judge(x, x_test, targets)
        best, sizes = scores["all layers"].cost, {"all layers": x.shape[1]}
        for name, columns in zip(layers, self._slices(subject, layers), strict=True):
            done += 1
            yield Progress(done, total, f"layer {name}")
            scores[name] = score(x[:, columns], x_test[:, columns], targets, best)
            sizes[name] = columns.stop - columns.start
        del x, x_test  # before the next array of the same size is filled
        missing = ""
        for name in ("untrained", "pixels") if self.controls else ():
            done += 1
            yield Progress(done, total, f"control: {name}")
            try:
                pair = self._control(name, subject, train, test)
            except GanlensError as error:
                missing = str(error)
                continue
            scores[name], sizes[name] = self._judge(*pair, targets), pair[0].shape[1]
            del pair
        assert data is not None  # checked with the rest
        about = {
            **identity(subject, data),
            **self._about(subject, data, train, test),
            "no_untrained": missing or None,
        }
        return _result(scores, sizes, targets, tuple(layers), about)

    def _materials(
        self, subject: "Subject", data: "ImageSet | None"
    ) -> tuple["ImageSet", "ImageSet", list[Target]]:
        """Check what can fail before the long work; return train, test and what to predict."""
        if subject.discriminator is None:
            raise GanlensError(f"{subject.name} has no discriminator: choose another checkpoint")
        data = images_for(subject, data, "a linear probe")
        if not 0 < self.validation < 1:
            raise GanlensError(
                f"validation {self.validation} is not a share: choose from 0.05 to 0.5"
            )
        if not self.c_grid or not all(0 < c < math.inf for c in self.c_grid):
            raise GanlensError(f"c_grid {self.c_grid} is not valid: give positive, finite numbers")
        largest = _largest_pool(subject)
        if not 1 <= self.pool <= largest:
            raise GanlensError(
                f"pool {self.pool} is out of range: give 1 to {largest}, the side of the smallest"
                " map; a finer grid would repeat it"
            )
        check_seed(self.seed)
        parts = [data.part("train"), data.part("test")]
        sizes = (self.n_train, self.n_test)
        train, test = (_draw(p, n, self.seed) for p, n in zip(parts, sizes, strict=True))
        if len(train) < 10:
            raise GanlensError(f"{len(train)} train images are too few: give at least 10")
        return train, test, find_targets(train, test, self.target)

    def _features(self, subject: "Subject", part: "ImageSet") -> np.ndarray | Tensor:
        """(N, D) float32, filled batch by batch so that there is only ever one copy."""
        out: np.ndarray | None = None
        for start in range(0, len(part), BATCH):
            found = subject.features(
                part.batch(slice(start, start + BATCH)), pool=self.pool
            ).numpy()
            if out is None:
                out = np.empty((len(part), found.shape[1]), np.float32)
            out[start : start + len(found)] = found
        assert out is not None
        return torch.from_numpy(out).to(subject.device) if subject.device.type == "cuda" else out

    def _slices(self, subject: "Subject", layers: list[str]) -> Iterator[slice]:
        """Yield the columns of each layer in the concatenation of all."""
        start, blank = 0, torch.zeros(1, *subject.image_shape)
        for name in layers:
            width = subject.features(blank, layers=[name], pool=self.pool).shape[1]
            yield slice(start, start + width)
            start += width

    def _judge(
        self, x: np.ndarray | Tensor, x_test: np.ndarray | Tensor, targets: list[Target]
    ) -> Scores:
        held = max(1, round(self.validation * len(x)))
        best = np.full(len(targets), self.c_grid[0])
        if len(self.c_grid) > 1:
            best = choose_cost(x, targets, self.c_grid, held)
        return score(x, x_test, targets, best)

    def _control(
        self, name: str, subject: "Subject", train: "ImageSet", test: "ImageSet"
    ) -> tuple[np.ndarray | Tensor, np.ndarray | Tensor]:
        if name == "pixels":
            return train.images.reshape(len(train), -1), test.images.reshape(len(test), -1)
        other = subject.untrained(self.seed, train.batch(slice(0, CALIBRATION)))
        return self._features(other, train), self._features(other, test)

    def _about(
        self, subject: "Subject", data: "ImageSet", train: "ImageSet", test: "ImageSet"
    ) -> dict[str, Any]:
        return {
            "extractor": "discriminator, all convolution layers, max-pooled to "
            f"{self.pool}x{self.pool}",
            "extractor_hash": subject.provenance.get("hash"),
            "n_train": len(train),
            "n_train_available": len(data.part("train")),
            "n_test": len(test),
            "n_test_available": len(data.part("test")),
            "split": f"fitted to train, judged on test ({train.split_source})",
            "pool": self.pool,
            "c_grid": list(self.c_grid),
            "validation": self.validation,
            "scaling": "each feature to mean 0 and variance 1/D over the train images",
            "seed": self.seed,
        }


def _largest_pool(subject: "Subject") -> int:
    """Return the side of the smallest map; 4, the paper's grid, is let through in any case."""
    network: Any = subject.discriminator
    with capture(network, list(network.feature_layers)) as maps:
        subject.discriminate(torch.zeros(1, *subject.image_shape))
    return max(4, min((min(m.shape[2:]) for m in maps.values() if m.ndim == 4), default=4))


def _draw(part: "ImageSet", count: int | None, seed: int) -> "ImageSet":
    """Return rows of a part in random order, at most ``count``: the head of a draw is a draw."""
    if count is not None and count < 1:
        raise GanlensError(
            f"{count} {part.split} images are too few: give at least 1, or none for all"
        )
    rows = np.random.default_rng(seed).permutation(len(part))[:count]
    return replace(
        part,
        images=part.images[rows],
        labels=None if part.labels is None else part.labels[rows],
        attributes={name: column[rows] for name, column in part.attributes.items()},
        names=part.names[rows],
    )


def _result(
    scores: dict[str, Scores],
    sizes: dict[str, int],
    targets: list[Target],
    layers: tuple[str, ...],
    about: dict[str, Any],
) -> LinearProbeResult:
    def table(measure: Any) -> np.ndarray:
        pairs = [zip(targets, s.predicted, strict=True) for s in scores.values()]
        return np.array([[measure(t.test, guess) for t, guess in row] for row in pairs])

    guesses = scores["all layers"].predicted
    return LinearProbeResult(
        targets=tuple(t.name for t in targets),
        classes=tuple(t.classes for t in targets),
        features=tuple(scores),
        layers=layers,
        sizes=np.array([sizes[name] for name in scores]),
        accuracy=table(share_right),
        balanced=table(balanced_accuracy),
        cost=np.array([s.cost for s in scores.values()]),
        majority=np.array([majority(t) for t in targets]),
        known=np.array([(t.test >= 0).sum() for t in targets]),
        confusion=tuple(
            confusion(t.test, g, len(t.classes)) for t, g in zip(targets, guesses, strict=True)
        ),
        gap=max(s.gap for s in scores.values()),
        about=about,
    )
