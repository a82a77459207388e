"""Features of networks of our own: a GAN's discriminator, or a classifier."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlens.activations import capture
from ganlens.devices import place_of
from ganlens.errors import GanlensError, one_of
from ganlens.features.base import check_shape, module_hash
from ganlens.models.classifier import Classifier

MOST_DIMENSIONS = 1024
POOLINGS = ("mean", "max")


class DiscriminatorExtractor:
    """Activations of a discriminator's layers, pooled to a grid, flattened and concatenated.

    The default is made for Fréchet distances: the mean of every feature map, as in Inception's last
    pooling layer. A mean over positions comes closest to the Gaussian that the distance assumes,
    and a few hundred numbers leave a covariance well determined by a few thousand images. Layers
    are taken from the deepest one backwards while their maps come to at most 1,024 together; a
    DCGAN of width 64 keeps all of them (448 at 32 pixels, 960 at 64). ``pooling="max", pool=4``
    with all layers is the linear probe's choice (Radford 2015, section 5.1).

    A discriminator is no neutral judge: it was trained against the generator that it is asked
    about. Compare only numbers from the same weights.

    Args:
        discriminator: has ``feature_layers`` and ``image_shape``; is put into eval mode only while
            it runs.
        hash: hash of the weights, by default computed from them.
        layers: names of the layers; None chooses as above, "all" takes every feature layer.
        pool: side of the grid.
        pooling: "mean" or "max" over each cell of the grid.

    Raises:
        GanlensError: unknown pooling or layer, or a grid of less than 1.
    """

    name = "discriminator"

    def __init__(
        self,
        discriminator: nn.Module,
        hash: str | None = None,
        layers: str | Sequence[str] | None = None,
        pool: int = 1,
        pooling: Literal["mean", "max"] = "mean",
    ) -> None:
        if pooling not in POOLINGS:
            raise one_of("pooling", pooling, POOLINGS)
        if pool < 1:
            raise GanlensError(f"pool {pool} is too small: give at least 1")
        self.network, self.pool, self.pooling = discriminator, pool, pooling
        self.image_shape: tuple[int, ...] = tuple(discriminator.image_shape)  # type: ignore[arg-type]
        self.hash = hash or module_hash(discriminator)
        every = tuple(discriminator.feature_layers)  # type: ignore[arg-type]
        names = every if layers in (None, "all") else _names(layers)
        widths = [part.shape[1] for part in self._parts(torch.zeros(1, *self.image_shape), names)]
        keep = _deepest(widths) if layers is None else len(names)
        self.layers = names[len(names) - keep :]
        self.dimensions = sum(widths[len(names) - keep :])

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return place_of(self.network)

    def describe(self) -> dict[str, Any]:
        """Return JSON-able settings."""
        return {
            "name": self.name,
            "weights": self.hash,
            "layer": ", ".join(self.layers),
            "pool": f"{self.pooling} over a {self.pool}x{self.pool} grid",
            "resize": "none",
            "quantisation": "none of its own",
            "dimensions": self.dimensions,
        }

    def __call__(self, batch: Tensor) -> Tensor:
        """Map (N, C, H, W) images in [-1, 1] to (N, D) float32 on the CPU, layers in order."""
        check_shape(batch, self.image_shape, self.name)
        return torch.cat(self._parts(batch, self.layers), dim=1).cpu()

    @torch.inference_mode()
    def _parts(self, batch: Tensor, names: Sequence[str]) -> list[Tensor]:
        with evaluating(self.network), capture(self.network, names) as found:
            self.network(batch.to(self.device))
        return [self._pooled(found[name].float()) for name in names]

    def _pooled(self, maps: Tensor) -> Tensor:
        if maps.ndim == 4:
            shrink = F.adaptive_avg_pool2d if self.pooling == "mean" else F.adaptive_max_pool2d
            maps = shrink(maps, self.pool)
        return maps.flatten(1)


class ClassifierExtractor:
    """The feature vector of a classifier that ganlens trained on labels or attributes.

    Args:
        classifier: the network; is put into eval mode only while it runs.
        hash: hash of the weights, by default computed from them.
    """

    name = "classifier"

    def __init__(self, classifier: Classifier, hash: str | None = None) -> None:
        self.network = classifier
        self.image_shape = classifier.image_shape
        self.hash = hash or module_hash(classifier)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return place_of(self.network)

    def describe(self) -> dict[str, Any]:
        """Return JSON-able settings."""
        return {
            "name": self.name,
            "weights": self.hash,
            "layer": "embed_act",
            "pool": "mean over positions",
            "resize": "none",
            "quantisation": "none of its own",
            "dimensions": self.network.feature_dim,
            "targets": list(self.network.config.targets),
        }

    @torch.inference_mode()
    def __call__(self, batch: Tensor) -> Tensor:
        """Map (N, C, H, W) images in [-1, 1] to (N, D) float32 on the CPU."""
        check_shape(batch, self.image_shape, self.name)
        with evaluating(self.network):
            return self.network.features(batch.to(self.device)).float().cpu()

    @torch.inference_mode()
    def logits(self, features: np.ndarray, target: str) -> np.ndarray:
        """Return what a target's head makes of features, without a second pass.

        Args:
            features: (N, D) as extracted.
            target: one of the classifier's targets; ``config.targets`` names its classes.

        Returns:
            (N, classes) float32.

        Raises:
            GanlensError: another target.
        """
        targets = list(self.network.config.targets)
        if target not in targets:
            raise one_of("target", target, targets)
        rows = torch.from_numpy(np.array(features, np.float32)).to(self.device)
        return self.network.heads[targets.index(target)](rows).cpu().numpy()


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into eval mode inside the block; afterwards every part is as it was."""
    modes = [(part, part.training) for part in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _names(layers: str | Sequence[str] | None) -> tuple[str, ...]:
    return (layers,) if isinstance(layers, str) else tuple(layers or ())


def _deepest(widths: Sequence[int]) -> int:
    """How many of the last layers have at most MOST_DIMENSIONS together; at least one."""
    kept, total = 0, 0
    for width in reversed(widths):
        total += width
        if kept and total > MOST_DIMENSIONS:
            break
        kept += 1
    return kept
