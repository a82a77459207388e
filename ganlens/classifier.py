"""Training, saving and opening classifiers: a yardstick made from the data's labels."""

import hashlib
import math
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.calibration import calibrate
from ganlens.checkpoints import (
    MODEL_FILE,
    Header,
    find_checkpoint,
    read_model_file,
    save_checkpoint,
)
from ganlens.errors import GanlensError
from ganlens.images import from_uint8
from ganlens.models.classifier import Classifier, ClassifierConfig, classifier_arguments
from ganlens.models.prior import check_seed

if TYPE_CHECKING:
    from ganlens.data import ImageSet

FAMILY = "classifier"
LABEL = "class"  # the target that stands for the labels of class folders
CALIBRATION = 4096  # training images, evenly spaced, that settle the batch-norm statistics
MOST_CLASSES = 1000  # an attribute with more values than this names images rather than kinds


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
        loss: mean cross-entropy over images and targets, in nats.
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
        accuracies: target -> share of held-out images named right.
        majority: target -> the same for always naming the commonest training class.
        n_train: training images.
        n_test: held-out images.
        settings: how it was trained.
        data: SPEC and fingerprint of the training images, and where the split comes from.
    """

    model: Classifier
    accuracies: dict[str, float]
    majority: dict[str, float]
    n_train: int
    n_test: int
    settings: ClassifierSettings
    data: dict[str, Any]


def targets_of(data: "ImageSet") -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Find what can be classified: the labels (as "class") and every categorical attribute.

    Args:
        data: the whole ImageSet.

    Returns:
        Target -> (its classes, (N,) int64 indices into them), for targets of 2 to 1,000 classes.

    Raises:
        GanlensError: there is no such target.
    """
    found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    if data.labels is not None and len(data.class_names) > 1:
        found[LABEL] = (tuple(data.class_names), np.asarray(data.labels, dtype=np.int64))
    for name, values in data.attributes.items():
        if np.asarray(values).dtype.kind in "fiu":
            continue
        classes, indices = np.unique(np.asarray(values).astype(str), return_inverse=True)
        if 2 <= len(classes) <= MOST_CLASSES:
            found[name] = (tuple(map(str, classes)), indices.reshape(-1).astype(np.int64))
    if not found:
        raise GanlensError(
            f"data {data.spec!r} has nothing to classify: give class folders, labels, or a "
            "categorical attribute with at least 2 values"
        )
    return found


def train_classifier(
    data: "ImageSet", settings: ClassifierSettings | None = None, **changes: Any
) -> Generator[ClassifierEpoch, None, TrainedClassifier]:
    """Train on the labels and all categorical attributes of ``data.part("train")``.

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
    targets, training = targets_of(data), data.part("train")
    rows = {split: slice(*data.bounds[split]) for split in ("train", "test")}
    answers = torch.from_numpy(np.stack([t for _, t in targets.values()], 1))
    channels, size, _ = data.image_shape
    names = {name: classes for name, (classes, _) in targets.items()}
    model = _build(ClassifierConfig(size, channels, names, settings.width), settings.seed)
    yield from _fit(model, training.images, answers[rows["train"]], settings)
    _calibrate(model, training)
    held_out = data.part("test")
    right = _right(model, held_out, answers[rows["test"]])
    commonest = answers[rows["train"]].mode(dim=0).values
    majority = (answers[rows["test"]] == commonest).double().mean(dim=0)
    about = {"spec": data.spec, "fingerprint": training.fingerprint, "split": data.split_source}
    return TrainedClassifier(
        model,
        dict(zip(names, right.tolist(), strict=True)),
        dict(zip(names, majority.tolist(), strict=True)),
        len(training),
        len(held_out),
        settings,
        about,
    )


def finish_classifier(
    steps: Generator[ClassifierEpoch, None, TrainedClassifier],
) -> TrainedClassifier:
    """Run ``train_classifier`` to its end."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def _build(config: ClassifierConfig, seed: int) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Classifier(config).to(memory_format=torch.channels_last)


def _fit(
    model: Classifier, images: np.ndarray, answers: Tensor, settings: ClassifierSettings
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
            logits = list(model(batch).values())
            wanted = answers[chosen].unbind(1)
            loss = torch.stack(list(map(F.cross_entropy, logits, wanted))).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += float(loss.detach())
            right += float(_hits(logits, wanted).mean())
        yield ClassifierEpoch(epoch + 1, settings.epochs, loss_sum / steps, right / steps)


def _calibrate(model: Classifier, training: "ImageSet") -> None:
    """Measure the batch-norm statistics anew: the moving ones lag behind after a short training."""
    rows = np.unique(np.linspace(0, len(training) - 1, CALIBRATION).astype(np.int64))
    parts = [part for part in np.array_split(rows, -(-len(rows) // 256)) if len(part) > 1]
    calibrate(model.requires_grad_(False), (training.batch(part) for part in parts))
    model.eval()


def _hits(logits: list[Tensor], wanted: tuple[Tensor, ...]) -> Tensor:
    """Which answers are right: (N, targets) of 0 and 1."""
    pairs = zip(logits, wanted, strict=True)
    return torch.stack([(scores.argmax(1) == truth).double() for scores, truth in pairs], 1)


@torch.inference_mode()
def _right(model: Classifier, data: "ImageSet", answers: Tensor) -> Tensor:
    hits, done = torch.zeros(answers.shape[1], dtype=torch.float64), 0
    for batch in data.batches(256):
        wanted = answers[done : done + len(batch)].unbind(1)
        hits += _hits(list(model(batch).values()), wanted).sum(0)
        done += len(batch)
    return hits / done


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


def save_classifier(folder: str | Path, trained: TrainedClassifier) -> Path:
    """Write a classifier as a ganlens checkpoint folder of the family "classifier".

    Raises:
        GanlensError: the file cannot be written.
    """
    model = trained.model
    metrics = {"accuracies": trained.accuracies, "majority": trained.majority, "n": trained.n_test}
    header = Header(
        family=FAMILY,
        arguments=classifier_arguments(model.config),
        prior={},
        data={**trained.data, "n": trained.n_train},
        training=asdict(trained.settings),
        step=trained.settings.epochs
        * (trained.n_train // min(trained.settings.batch_size, trained.n_train)),
        metrics=metrics,
    )
    return save_checkpoint(Path(folder), header, {FAMILY: model}, {})


def load_classifier(path: str | Path) -> tuple[Classifier, Header, str]:
    """Open a classifier's checkpoint folder. No code from the file is run.

    Returns:
        The network in eval mode on the CPU, what the file says of itself, and the file's sha256.

    Raises:
        GanlensError: nothing there, a damaged file, or another family.
    """
    file = find_checkpoint(path) / MODEL_FILE
    header, tensors = read_model_file(file)
    if header.family != FAMILY:
        raise GanlensError(f"{file} holds a {header.family!r} model where a classifier is needed")
    weights = {k.removeprefix(f"{FAMILY}."): v for k, v in tensors.items()}
    try:
        model = Classifier(ClassifierConfig(**header.arguments))
        model.load_state_dict(weights)
    except (TypeError, RuntimeError, GanlensError) as error:
        raise GanlensError(
            f"{file} describes a classifier that cannot be built: {error}"
        ) from error
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return model.requires_grad_(False).eval(), header, digest
