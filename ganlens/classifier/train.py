"""Training a classifier: a yardstick made from the data's labels and attributes."""

import math
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.calibration import calibrate
from ganlens.classifier.targets import UNKNOWN, numbers_of, targets_of
from ganlens.errors import GanlensError
from ganlens.images import from_uint8
from ganlens.models.classifier import Classifier, ClassifierConfig
from ganlens.models.prior import check_seed

if TYPE_CHECKING:
    from ganlens.data import ImageSet

CALIBRATION = 4096  # training images, evenly spaced, that settle the batch-norm statistics


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is trained.

    Attributes:
        epochs: passes over the training images.
        batch_size: images per step.
        lr: peak of the one-cycle learning rate (Smith and Topin 2018) of AdamW.
        weight_decay: decoupled decay of the weights.
        width: feature maps of the first block.
        augment: flip half of the images and shift all by up to an eighth: for photographs, not for
            targets that a mirror changes.
        seed: of the initial weights, the order and the augmentation.
    """

    epochs: int = 8
    batch_size: int = 64
    lr: float = 5e-3
    weight_decay: float = 0.01
    width: int = 16
    augment: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "lr", "width"):
            if not 0 < getattr(self, name) < math.inf:
                raise GanlensError(f"{name} {getattr(self, name)} must be above 0 and finite")
        check_seed(self.seed)


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
        accuracies: target -> share named right of the held-out images whose class is known.
        majority: target -> the same for always naming the commonest training class.
        correlations: number -> Pearson correlation of what is read with the truth, held out; NaN
            where fewer than 2 held-out images have a value.
        n_train: training images.
        n_test: held-out images.
        settings: how it was trained.
        data: SPEC and fingerprint of the training images, and where the split comes from.
    """

    model: Classifier
    accuracies: dict[str, float]
    majority: dict[str, float]
    correlations: dict[str, float]
    n_train: int
    n_test: int
    settings: ClassifierSettings
    data: dict[str, Any]


def train_classifier(
    data: "ImageSet", settings: ClassifierSettings | None = None, **changes: Any
) -> Generator[ClassifierEpoch, None, TrainedClassifier]:
    """Train on the labels and all attributes of ``data.part("train")``, numeric ones included.

    The same settings give the same weights on one machine with one number of threads.

    Args:
        data: the whole ImageSet; accuracy is measured on ``data.part("test")``.
        settings: how to train.
        **changes: single settings by name, such as ``epochs=5``.

    Yields:
        One ClassifierEpoch per epoch.

    Returns:
        The TrainedClassifier.

    Raises:
        GanlensError: nothing to classify, or an unusable setting.
    """
    settings = ClassifierSettings(**{**asdict(settings or ClassifierSettings()), **changes})
    targets, numbers = targets_of(data), numbers_of(data)
    answers = torch.from_numpy(np.stack([t for _, t in targets.values()], 1))
    truth = _Truth(answers, torch.from_numpy(numbers.values))
    channels, size, _ = data.image_shape
    names = {name: classes for name, (classes, _) in targets.items()}
    config = ClassifierConfig(size, channels, names, settings.width, numbers=numbers.scales)
    model = _build(config, settings.seed)
    train, test = (truth.rows(slice(*data.bounds[split])) for split in ("train", "test"))
    yield from _fit(model, data.part("train").images, train, settings)
    _calibrate(model, data.part("train"))
    right, correlations = _judge(model, data.part("test"), test)
    majority = _majority(train.answers, test.answers)
    return TrainedClassifier(
        model,
        dict(zip(names, right.tolist(), strict=True)),
        dict(zip(names, majority.tolist(), strict=True)),
        dict(zip(numbers.scales, correlations, strict=True)),
        len(train.answers),
        len(test.answers),
        settings,
        {
            "spec": data.spec,
            "fingerprint": data.part("train").fingerprint,
            "split": data.split_source,
        },
    )


@dataclass(frozen=True)
class _Truth:
    """What is true of N images: (N, T) class indices and (N, K) standardised numbers, or NaN."""

    answers: Tensor
    numbers: Tensor

    def rows(self, chosen: Any) -> "_Truth":
        return _Truth(self.answers[chosen], self.numbers[chosen])


def _build(config: ClassifierConfig, seed: int) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Classifier(config).to(memory_format=torch.channels_last)


def _fit(
    model: Classifier, images: np.ndarray, truth: _Truth, settings: ClassifierSettings
) -> Iterator[ClassifierEpoch]:
    stream = torch.Generator().manual_seed(settings.seed)
    size = min(settings.batch_size, len(images))
    total = settings.epochs * (len(images) // size)
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.lr, weight_decay=settings.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, total + 1)
    for epoch in range(settings.epochs):
        model.train()
        order = torch.randperm(len(images), generator=stream)[: len(images) // size * size]
        loss_sum, right, steps = 0.0, 0.0, len(order) // size
        for chosen in order.split(size):
            chosen = chosen.sort().values
            batch = from_uint8(np.array(images[chosen.numpy()]))
            if settings.augment:
                batch = _flip_and_shift(batch, stream)
            loss, hits = _loss(model, batch, truth.rows(chosen))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += float(loss.detach())
            right += float(hits.nanmean().nan_to_num())
        yield ClassifierEpoch(epoch + 1, settings.epochs, loss_sum / steps, right / steps)


def _loss(model: Classifier, batch: Tensor, truth: _Truth) -> tuple[Tensor, Tensor]:
    """Return the mean loss of the tasks, and which answers are right, see `_hits`."""
    found = model(batch)
    logits = [found[name] for name in model.config.targets]
    wanted = truth.answers.unbind(1)
    losses = [
        F.cross_entropy(scores, true, ignore_index=UNKNOWN)
        for scores, true in zip(logits, wanted, strict=True)
        if (true != UNKNOWN).any()
    ]
    for name, value in zip(model.config.numbers, truth.numbers.unbind(1), strict=True):
        known = torch.isfinite(value)
        if known.any():
            losses.append(F.mse_loss(found[name][known], value[known]) / 2)
    nothing = logits[0].sum() * 0  # where all is unknown there is nothing to learn
    return torch.stack(losses or [nothing]).mean(), _hits(logits, wanted)


def _calibrate(model: Classifier, training: "ImageSet") -> None:
    """Measure the batch-norm statistics anew: the moving ones lag behind after a short training."""
    rows = np.unique(np.linspace(0, len(training) - 1, CALIBRATION).astype(np.int64))
    parts = [part for part in np.array_split(rows, -(-len(rows) // 256)) if len(part) > 1]
    calibrate(model.requires_grad_(False), (training.batch(part) for part in parts))
    model.eval()


def _hits(logits: list[Tensor], wanted: tuple[Tensor, ...]) -> Tensor:
    """Which answers are right: (N, targets) of 0 and 1, NaN where the class is not known."""
    pairs = zip(logits, wanted, strict=True)
    right = torch.stack([(scores.argmax(1) == truth).double() for scores, truth in pairs], 1)
    return right.masked_fill(torch.stack(wanted, 1) == UNKNOWN, torch.nan)


def _majority(train: Tensor, test: Tensor) -> Tensor:
    """(T,) share of known test answers that the commonest train answer gets right; 0 for none."""
    shares = []
    for learned, asked in zip(train.unbind(1), test.unbind(1), strict=True):
        commonest = learned[learned != UNKNOWN].bincount(minlength=1).argmax()
        shares.append((asked[asked != UNKNOWN] == commonest).double().mean().nan_to_num())
    return torch.stack(shares)


@torch.inference_mode()
def _judge(model: Classifier, data: "ImageSet", truth: _Truth) -> tuple[Tensor, list[float]]:
    """Return the (T,) shares of right answers and the correlations of the numbers."""
    found = [model(batch) for batch in data.batches(256)]
    logits = [torch.cat([one[name] for one in found]) for name in model.config.targets]
    right = _hits(logits, truth.answers.unbind(1)).nanmean(0).nan_to_num()
    read = [torch.cat([one[name] for one in found]) for name in model.config.numbers]
    return right, list(map(_correlation, read, truth.numbers.unbind(1)))


def _correlation(read: Tensor, true: Tensor) -> float:
    known = torch.isfinite(true)
    if known.sum() < 2:
        return float("nan")
    return float(torch.corrcoef(torch.stack([read[known], true[known]]).double())[0, 1])


def _flip_and_shift(batch: Tensor, stream: torch.Generator) -> Tensor:
    """Mirror half of the images, then shift each by up to an eighth, edges repeated."""
    count, _, side, _ = batch.shape
    mirrored = torch.rand(count, generator=stream) < 0.5
    batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
    reach = side // 8
    moves = torch.randint(2 * reach + 1, (2, count), generator=stream)
    padded = F.pad(batch, [reach] * 4, mode="replicate").permute(0, 2, 3, 1)
    place = torch.arange(side)
    y, x = moves[0][:, None] + place, moves[1][:, None] + place
    moved = padded[torch.arange(count)[:, None, None], y[:, :, None], x[:, None, :]]
    return moved.permute(0, 3, 1, 2)
