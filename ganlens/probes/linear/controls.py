"""Controls of the linear probe: features that no GAN has learned."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor

from ganlens import patches
from ganlens.data import ImageSet
from ganlens.probes.base import Steps
from ganlens.probes.linear.extract import pixels
from ganlens.probes.linear.supervised import train_supervised
from ganlens.probes.linear.targets import Target
from ganlens.subject import CALIBRATION, Subject

CONTROLS = {  # in the order of the tables: control -> why it is not there unless wanted
    "untrained": "the setting controls is off",
    "pixels": "the setting controls is off",
    "k-means": "the setting kmeans_k is 0",
    "supervised": "the setting supervised_epochs is 0",
}
LEARN = 4000  # train images from which the patches of k-means are drawn


def control(
    name: str, subject: Subject, train: ImageSet, test: ImageSet,
    targets: Sequence[Target], *, pool: int, k: int, epochs: int, seed: int, validation: int,
) -> Steps[tuple[Callable[[Tensor], Tensor], dict[str, Any]]]:  # fmt: skip
    """Make one of CONTROLS for the subject.

    Maps are pooled to ``pool`` cells a side; ``k`` are the centroids of "k-means", ``epochs`` those
    of "supervised", which does not see the last ``validation`` train images: there C is chosen.

    Returns:
        A function of (n, C, H, W) images to (n, D) features; and how it was made, JSON-able.

    Raises:
        GanlensError: the network cannot be built anew, or more centroids than patches.
    """
    if name == "pixels":
        return pixels, {}
    if name == "k-means":
        learned = patches.learn_patches(train.batch(slice(0, LEARN)), k, seed)
        return learned, {
            "k": k,
            "patch": f"{patches.SIDE}x{patches.SIDE}, stride 1",
            "whitening": f"ZCA, {patches.ZCA} added to the eigenvalues",
            "activation": "triangle, summed over quadrants",
            "source": "Coates 2011",
            "seed": seed,
        }
    if name == "untrained":
        images = train.batch(slice(0, CALIBRATION))
        other: Subject = subject.untrained(seed, images)
        about = {"seed": seed, "batch_norm": f"measured on {len(images):,} train images"}
    else:
        # Features of images whose labels the network knows would choose a C for them alone.
        known = [replace(one, train=one.train[: len(train) - validation]) for one in targets]
        other, about = yield from train_supervised(subject, train, test, known, epochs, seed)
    return partial(other.features, pool=pool), about
