"""A fresh reader of the codes: the classifier of the library, trained anew on samples.

A model's own reader is trained together with the generator, which learns to please it: it may see
what nobody else would, and miss what is plain. A linear model on pixels would miss a code that
leans or moves strokes. So this is a small convolutional network, the one that reads the data's
labels too, on samples as 8-bit pictures with their codes as labels.
"""

import hashlib

import numpy as np
import torch
from torch import Tensor

from ganlens.classifier import ClassifierSettings, train_classifier
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features.networks import evaluating
from ganlens.images import from_uint8, to_uint8
from ganlens.models.classifier import Classifier
from ganlens.probes.base import Progress, Steps
from ganlens.probes.codes.information import Read
from ganlens.probes.codes.parts import Codes
from ganlens.progress import relayed

SAID = "a convolutional classifier trained on {:,} samples, the codes as labels"
HELD_OUT = 8  # training samples, which the library's training would judge the classifier by
NOTHING = "nothing"  # a target that is there for the classifier's sake where no code is categorical


def fresh_reader(
    codes: Codes, z: Tensor, x: Tensor, device: torch.device, seed: int
) -> Steps[Classifier]:
    """Train a classifier to read the codes off samples.

    Args:
        codes: of the prior.
        z: (N, d) latents of the samples.
        x: (N, C, H, W) samples in [-1, 1].
        device: where to train.
        seed: of its weights and of the order.

    Raises:
        GanlensError: images of a shape that no classifier takes.
    """
    data = _labelled(codes, z, to_uint8(x))
    steps = train_classifier(data, ClassifierSettings(seed=seed), device)
    what = "epochs of the fresh reader"
    trained = yield from relayed(steps, lambda one: Progress(one.epoch, one.epochs, what))
    return trained.model.to(device)


@torch.inference_mode()
def reading(model: Classifier, codes: Codes, x: Tensor, device: torch.device) -> Read:
    """Let a fresh reader read the codes of (N, C, H, W) samples in [-1, 1]."""
    rows = from_uint8(to_uint8(x))
    with evaluating(model):
        parts = [model(part.to(device)) for part in rows.split(256)]
    found = {name: torch.cat([part[name] for part in parts]).float().cpu() for name in parts[0]}
    scales = model.config.numbers
    return Read(
        {p.name: found[p.name].softmax(1).numpy() for p in codes.categorical},
        {
            c.name: (found[c.name] * scales[c.name][1] + scales[c.name][0]).numpy()
            for c in codes.continuous
        },
    )


def _labelled(codes: Codes, z: Tensor, pictures: np.ndarray) -> ImageSet:
    """Return samples as a data set whose attributes are their codes."""
    n = len(z)
    columns = dict[str, np.ndarray]()
    for part in codes.categorical:
        index = codes.index(z, part).numpy()
        if len(np.unique(index)) < part.dim:
            raise GanlensError(
                f"{n:,} samples do not hold every value of {part.name}: give more samples"
            )
        columns[part.name] = np.array([f"{i:06d}" for i in index])  # sorted as the values are
    for one in codes.continuous:
        columns[one.name] = z[:, one.column].double().numpy()
    if not codes.categorical:
        columns[NOTHING] = np.array(["a", "b"])[np.arange(n) % 2]
    digest = hashlib.sha256(pictures.tobytes() + z.numpy().tobytes()).hexdigest()
    return ImageSet(
        spec="samples", images=pictures, labels=None, class_names=(), attributes=columns,
        names=np.array([str(i) for i in range(n)]), split="all",
        bounds={"train": (0, n - HELD_OUT), "test": (n - HELD_OUT, n)},
        split_source="declared", fingerprint=digest,
        fingerprints={split: f"{digest} {split}" for split in ("all", "train", "test")},
    )  # fmt: skip
