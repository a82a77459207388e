"""Training a classifier for a number of steps: sets of any size then cost, and learn, as long."""

import numpy as np
import torch

from ganlens.classifier.targets import Truth
from ganlens.classifier.train import ClassifierSettings, Descent, build, check_finite, measure_norms
from ganlens.models.classifier import Classifier
from ganlens.progress import Progress, Steps

OFTEN = 20  # steps between two reports of progress


def train_for_steps(
    images: np.ndarray,
    truth: Truth,
    settings: ClassifierSettings,
    steps: int,
    device: torch.device | str = "cpu",
) -> Steps[Classifier]:
    """Train for a number of steps, whatever the number of images; nothing is held out or measured.

    Every image comes once before any comes again. In float32; the same settings give the same
    weights on one machine with one number of threads.

    Args:
        images: (N, H, W, C) uint8, all of which are trained on; N at least 2.
        truth: what is true of them.
        settings: how to train; ``epochs`` is not looked at.
        steps: steps of ``settings.batch_size`` images each.
        device: where to train.

    Returns:
        The classifier, in eval mode on that device.

    Raises:
        GanlensError: the training diverges.
    """
    _, height, width, channels = images.shape
    model = build((channels, height, width), truth, settings, torch.device(device)).train()
    descent, size = Descent(model, settings, steps), settings.batch_size
    passes = -(-steps * size // len(images))
    orders = [torch.randperm(len(images), generator=descent.stream) for _ in range(passes)]
    for step, chosen in enumerate(torch.cat(orders)[: steps * size].split(size)):
        if step % OFTEN == 0:
            yield Progress(step, steps, "training steps")
        loss, _ = descent.step(images[chosen.numpy()], truth.rows(chosen))
        check_finite(loss, f"step {step + 1}", settings)
    measure_norms(model, images)
    return model
