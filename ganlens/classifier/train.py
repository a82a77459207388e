"""Training a classifier: a yardstick made from the data's labels and attributes."""

import math
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.augment import translation
from ganlens.calibration import calibrate
from ganlens.classifier.judging import (
    accuracies,
    confusions,
    correlations,
    hits,
    majorities,
    read,
)
from ganlens.classifier.targets import UNKNOWN, Truth, truth_of
from ganlens.data import ImageSet, prepared, split_overlap
from ganlens.devices import in_words, place_of
from ganlens.errors import GanlensError
from ganlens.images import from_uint8
from ganlens.initialisation import seeded
from ganlens.limits import Amount, Count, Limits, Seed, check_limits
from ganlens.models.classifier import Classifier, ClassifierConfig

CALIBRATION = 4096  # training images, evenly spaced, that settle the batch-norm statistics


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is trained.

    Attributes:
        epochs: passes over the training images.
        batch_size: images per step.
        lr: peak of the one-cycle learning rate (Smith and Topin 2018) of AdamW.
        weight_decay: decoupled decay of the weights.
        width: feature maps of the first block; every block doubles them.
        depth: convolutions in each of the four blocks.
        augment: flip half of the images and shift all by up to an eighth: for photographs, not for
            targets that a mirror changes.
        seed: of the initial weights, the order and the augmentation.
    """

    epochs: Count = 8
    batch_size: Count = 64
    lr: Annotated[float, Limits(above=0)] = 5e-3
    weight_decay: Amount = 0.01
    width: int = 16
    depth: int = 1
    augment: bool = False
    seed: Seed = 0

    def __post_init__(self) -> None:
        check_limits(self)
        ClassifierConfig(32, 3, width=self.width, depth=self.depth)  # it knows their limits


@dataclass(frozen=True)
class ClassifierEpoch:
    """What one epoch of training came to.

    Attributes:
        epoch: epochs done, 1 after the first.
        epochs: epochs in all.
        loss: mean over images and tasks of the cross-entropy (nats) of a target, or of half the
            squared error of a standardised number.
        accuracy: share of right answers over training images and targets, while they were learned.
    """

    epoch: int
    epochs: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class TrainedClassifier:
    """A trained classifier, in eval mode on the CPU, and what it can do.

    Attributes:
        model: the network.
        accuracies: target -> share named right of the held-out images whose class is known; NaN
            where it is known of none.
        majority: target -> the same for always naming the commonest training class.
        correlations: number -> Pearson correlation of what is read with the truth, held out; NaN
            where fewer than 2 held-out images have a value.
        confusions: target -> (true class, what it is read as, share of the true class's held-out
            images), the ten commonest.
        epochs: how the training went.
        n_train: training images.
        n_test: held-out images.
        settings: how it was trained.
        data: SPEC and fingerprint of the training images, and where the split comes from.
        device: what trained it, in words.
    """

    model: Classifier
    accuracies: dict[str, float]
    majority: dict[str, float]
    correlations: dict[str, float]
    confusions: dict[str, list[tuple[str, str, float]]]
    epochs: tuple[ClassifierEpoch, ...]
    n_train: int
    n_test: int
    settings: ClassifierSettings
    data: dict[str, Any]
    device: str = "cpu"


def train_classifier(
    data: ImageSet,
    settings: ClassifierSettings | None = None,
    device: torch.device | str = "cpu",
    **changes: Any,
) -> Generator[ClassifierEpoch, None, TrainedClassifier]:
    """Train on the labels and all attributes of ``data.part("train")``, numeric ones included.

    In float32. The same settings give the same weights on one machine with one number of threads.

    Args:
        data: the whole ImageSet; accuracy is measured on ``data.part("test")``.
        settings: how to train.
        device: where to train.
        **changes: single settings by name, such as ``epochs=5``.

    Yields:
        One ClassifierEpoch per epoch.

    Returns:
        The TrainedClassifier.

    Raises:
        GanlensError: nothing to classify, no training or held-out images, an unusable setting, or a
            training that diverges.
    """
    settings = ClassifierSettings(**{**asdict(settings or ClassifierSettings()), **changes})
    truth, train, test = truth_of(data), data.part("train"), data.part("test")
    train_truth, test_truth = (truth.rows(slice(*data.bounds[name])) for name in ("train", "test"))
    model = build(data.image_shape, truth, settings, torch.device(device))
    epochs = []
    for epoch in fit(model, train.images, train_truth, settings):
        epochs.append(epoch)
        yield epoch
    measure_norms(model, train.images)
    found = read(model, test)
    return TrainedClassifier(
        model.cpu(),
        accuracies(found, test_truth),
        majorities(train_truth, test_truth),
        correlations(found, test_truth),
        confusions(found, test_truth),
        tuple(epochs),
        len(train),
        len(test),
        settings,
        {
            "spec": data.spec,
            "fingerprint": train.fingerprint,
            "split": data.split_source,
            **prepared(data),
            **split_overlap(data),
        },
        in_words(torch.device(device)),
    )


def build(
    image_shape: tuple[int, int, int],
    truth: Truth,
    settings: ClassifierSettings,
    device: torch.device,
) -> Classifier:
    """Return an untrained classifier of (C, H, W) images, its weights drawn from the seed."""
    channels, size, _ = image_shape
    config = ClassifierConfig(
        size,
        channels,
        truth.targets,
        settings.width,
        numbers=truth.scales,
        depth=settings.depth,
    )
    with seeded(settings.seed):
        model = Classifier(config)
    return model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


class Descent:
    """AdamW on the mean loss of all tasks, its learning rate rising and falling once.

    Args:
        model: what is trained.
        settings: learning rate, decay, augmentation and seed.
        total: steps that there will be.

    Attributes:
        stream: of the order and the augmentation.
    """

    def __init__(self, model: Classifier, settings: ClassifierSettings, total: int) -> None:
        self.model, self.settings = model, settings
        self.stream = torch.Generator().manual_seed(settings.seed)
        self.optimizer = torch.optim.AdamW(
            model.parameters(), settings.lr, weight_decay=settings.weight_decay, fused=True
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, settings.lr, total + 1)

    def step(self, images: np.ndarray, truth: Truth) -> tuple[float, float]:
        """Take a step on (n, H, W, C) uint8 images; return the loss and the share of right answers.

        The model must be in training mode.
        """
        device = place_of(self.model)
        batch = from_uint8(np.array(images), device)
        if self.settings.augment:
            batch = _flip_and_shift(batch, self.stream)
        loss, share = _loss(self.model, batch, truth.to(device))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return float(loss.detach()), share


def fit(
    model: Classifier, images: np.ndarray, truth: Truth, settings: ClassifierSettings
) -> Iterator[ClassifierEpoch]:
    """Train on N uint8 images and what is true of them, and yield after every epoch.

    Raises:
        GanlensError: the training diverges.
    """
    size = min(settings.batch_size, len(images))
    descent = Descent(model, settings, settings.epochs * (len(images) // size))
    for epoch in range(settings.epochs):
        model.train()
        order = torch.randperm(len(images), generator=descent.stream)
        order = order[: len(images) // size * size]
        loss_sum, right, steps = 0.0, 0.0, len(order) // size
        for chosen in order.split(size):
            chosen = chosen.sort().values
            loss, share = descent.step(images[chosen.numpy()], truth.rows(chosen))
            loss_sum += loss
            right += share
        check_finite(loss_sum, f"epoch {epoch + 1}", settings)
        yield ClassifierEpoch(epoch + 1, settings.epochs, loss_sum / steps, right / steps)


def check_finite(loss: float, when: str, settings: ClassifierSettings) -> None:
    """Refuse a training that diverged.

    Raises:
        GanlensError: the loss is not finite.
    """
    if not math.isfinite(loss):
        raise GanlensError(f"the loss is not finite in {when}: give less than lr {settings.lr}")


def _loss(model: Classifier, batch: Tensor, truth: Truth) -> tuple[Tensor, float]:
    """Return the mean loss of the tasks, and the share of right answers."""
    found = model(batch)
    logits = [found[name] for name in truth.targets]
    losses = [
        F.cross_entropy(scores, true, ignore_index=UNKNOWN)
        for scores, true in zip(logits, truth.answers.unbind(1), strict=True)
        if (true != UNKNOWN).any()
    ]
    for name, value in zip(truth.scales, truth.numbers.unbind(1), strict=True):
        known = torch.isfinite(value)
        if known.any():
            losses.append(F.mse_loss(found[name][known], value[known]) / 2)
    nothing = logits[0].sum() * 0  # where all is unknown there is nothing to learn
    share = float(hits(logits, truth.answers).nanmean().nan_to_num())
    return torch.stack(losses or [nothing]).mean(), share


def measure_norms(model: Classifier, images: np.ndarray) -> None:
    """Measure the batch-norm statistics anew: the moving ones lag behind after a short training.

    The model is in eval mode afterwards, and its weights are fixed.
    """
    rows = np.unique(np.linspace(0, len(images) - 1, CALIBRATION).astype(np.int64))
    parts = [part for part in np.array_split(rows, -(-len(rows) // 256)) if len(part) > 1]
    device = place_of(model)
    batches = (from_uint8(np.array(images[part]), device) for part in parts)
    calibrate(model.requires_grad_(False), batches)
    model.eval()


def _flip_and_shift(batch: Tensor, stream: torch.Generator) -> Tensor:
    """Mirror half of the images, then shift each by up to an eighth, mid-grey beyond the edges."""
    mirrored = (torch.rand(len(batch), generator=stream) < 0.5).to(batch.device)
    return translation(torch.where(mirrored[:, None, None, None], batch.flip(3), batch), stream)
