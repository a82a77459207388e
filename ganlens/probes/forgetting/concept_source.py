"""Linear classifiers on D's features that find a concept, and through which gradients flow."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ganlens.activations import edit
from ganlens.data import ImageSet
from ganlens.probes.base import Steps
from ganlens.probes.concepts import categorical, numeric
from ganlens.probes.exemplars import fit_attribute_models
from ganlens.probes.forgetting.target import Target
from ganlens.probes.linear_models import LinearModels
from ganlens.subject import Subject, pool_maps

GRID = 4  # the discriminator's maps are max-pooled to this many cells a side


@dataclass(frozen=True)
class ConceptSource:
    """Linear classifiers and regressors of every attribute on the discriminator's features.

    They find the samples and choose the maps; the outcome is measured by a network on pixels.

    Attributes:
        models: the fitted classifiers.
        target: the concept.
        units: (T,) what one unit of each output is: 1 for values, the spread for numbers.
    """

    models: LinearModels
    target: Target
    units: np.ndarray

    def shows(self, subject: Subject, x: Tensor, batch_size: int, rare: float) -> np.ndarray:
        """Return (N,) bool: which (N, C, H, W) images show the concept.

        Where fewer than a share ``rare`` do, or lack it, the upper half of the scores is taken:
        a classifier fitted to real images may have its zero elsewhere on generated ones.
        """
        features = subject.features(x, "all", GRID, batch_size=batch_size).numpy()
        lead = self.lead(torch.from_numpy(self.models.scores(features))).numpy()
        shows = lead > 0
        return shows if rare <= shows.mean() <= 1 - rare else lead > np.median(lead)

    def scores(self, subject: Subject, x: Tensor) -> Tensor:
        """Return the (N, T) outputs for images on the subject's device, with gradients."""
        network = subject.unconditional("discriminator")
        found: dict[str, Tensor] = {}

        def keep(name: str, output: Tensor) -> Tensor:
            found[name] = output
            return output

        names = list(network.feature_layers)
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(edit(network, name, partial(keep, name)))
            network(x)
        features = torch.cat([pool_maps(found[name], GRID) for name in names], dim=1)
        center, weights, bias = (
            torch.as_tensor(one, dtype=features.dtype, device=features.device)
            for one in (self.models.center, self.models.weights, self.models.bias)
        )
        return (features - center) @ weights + bias

    def lead(self, scores: Tensor) -> Tensor:
        """Return (N,) how far the best value of the concept leads over the best other one."""
        own = scores[:, self.models.places[self.target.name]]
        wanted = torch.tensor(self.target.wanted)
        return own[:, wanted].amax(1) - own[:, ~wanted].amax(1)

    def others_moved(self, before: Tensor, after: Tensor) -> Tensor:
        """Return how far all other outputs moved: the sum over attributes of mean squares."""
        units = torch.as_tensor(self.units, dtype=after.dtype, device=after.device)
        squares, places = (((after - before) / units) ** 2).mean(0), self.models.places
        others = [squares[at].mean() for name, at in places.items() if name != self.target.name]
        numbers = squares[max(at.stop for at in places.values()) :]
        return sum(others, numbers.sum())


def fit_concept_source(
    subject: Subject, data: ImageSet, target: Target, *, limit: int, seed: int, batch_size: int
) -> Steps[ConceptSource]:
    """Fit a classifier to every categorical attribute and a regressor to every number.

    Raises:
        GanlensError: as ``fit_attribute_models``.
    """
    train = data.part("train")
    names = [name for name, values in categorical(train).items() if len(np.unique(values)) > 1]
    models = yield from fit_attribute_models(
        subject, data, names, limit=limit, pool=GRID, seed=seed, batch_size=batch_size
    )
    regressors = [name for name in numeric(data) if name in models.regressors]
    spreads = [float(np.nanstd(train.attributes[name])) for name in regressors]
    values = sum(len(classifier.classes) for classifier in models.classifiers.values())
    return ConceptSource(models, target, np.array([1.0] * values + spreads, dtype=np.float32))
