"""Conditional generators whose faults are planted, and a classifier that reads them without error.

They paint squares of 16 pixels: classes are levels of grey, and attributes are a hue (red or blue)
and a shade (dark or light), as in the fixture ``attribute_images``.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.attributes import AttributeClassifier
from ganlens.models.classifier import ClassifierConfig
from ganlens.models.conditions import Attributes, Classes, Condition
from ganlens.models.prior import Prior
from ganlens.subject import Subject

LEVELS = ("one", "two", "three", "four")
HUES, SHADES = ("blue", "red"), ("dark", "light")
Plan = Callable[[Tensor, Tensor], Tensor]  # asked (N, A) and luck (N,) in [0, 1) -> shown (N, A)


def obeys(asked: Tensor, luck: Tensor) -> Tensor:
    """Show what is asked for."""
    return asked


class Painter(nn.Module):
    """(N, 8) latents and (N, k) rows to (N, 3, 16, 16) images of what a plan makes of the rows."""

    image_shape = (3, 16, 16)

    def __init__(self, condition: Condition, plan: Plan = obeys, noise: float = 40) -> None:
        super().__init__()
        self.condition_dim, self.prior = condition.dim, Prior("normal", 8)
        self.classes = isinstance(condition, Classes)
        self.plan, self.noise = plan, noise
        basis = torch.randn(8, 3 * 16 * 16, generator=torch.Generator().manual_seed(0))
        self.register_buffer("basis", basis / basis.norm(dim=0))

    def forward(self, z: Tensor, rows: Tensor) -> Tensor:
        luck = _uniform(z[:, 0])
        noise = _uniform(z @ self.basis).view(-1, *self.image_shape) * self.noise
        parts = [rows] if self.classes else [rows[:, :2], rows[:, 2:4]]
        shown = self.plan(torch.stack([part.argmax(1) for part in parts], 1), luck)
        if self.classes:
            return (noise + 50 * shown[:, 0].view(-1, 1, 1, 1)) / 127.5 - 1
        pixels = noise + 60 * shown[:, 1].view(-1, 1, 1, 1)
        blue = (shown[:, 0] == 0).view(-1, 1, 1)
        pixels[:, 2] += 100 * blue
        pixels[:, 0] += 100 * ~blue
        return pixels / 127.5 - 1


def _uniform(x: Tensor) -> Tensor:
    return (1 + torch.erf(x / math.sqrt(2))) / 2


class Exact(nn.Module):
    """Reads the painted values off the means of the channels."""

    image_shape, feature_dim = (3, 16, 16), 6

    def __init__(self, targets: dict[str, tuple[str, ...]], numbers: Any = None) -> None:
        super().__init__()
        self.config = ClassifierConfig(16, 3, targets, numbers=numbers or {})
        self.anything = nn.Parameter(torch.zeros(1))

    def features(self, x: Tensor) -> Tensor:
        grey = (x + 1) * 127.5
        return torch.cat([grey.mean((2, 3)), grey[:, :, 0, 0]], 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        red, green, blue = ((x + 1) * 127.5).mean((2, 3)).unbind(1)
        values = {
            "hue": {"blue": blue > red, "red": red >= blue},
            "shade": {"dark": green < 57, "light": green >= 57},
            "class": {name: ((green - 20) / 50).round() == i for i, name in enumerate(LEVELS)},
        }
        found = {
            name: torch.stack([values[name][value].float() for value in classes], 1)
            for name, classes in self.config.targets.items()
        }
        for name, (mean, std) in self.config.numbers.items():
            found[name] = (green - mean) / std
        return found


def exact(targets: dict[str, tuple[str, ...]], numbers: Any = None) -> AttributeClassifier:
    known = dict.fromkeys(targets, 1.0)
    model: Any = Exact(targets, numbers)
    return AttributeClassifier(model, "e" * 64, "exact", known, known, {}, 100)


def given(classifier: AttributeClassifier) -> Callable[..., Any]:
    """Return what stands in for ``attribute_classifier``."""

    def steps(*_: Any, **__: Any) -> Iterator[Any]:
        return classifier
        yield

    return steps


def levels(classes: tuple[str, ...] = LEVELS) -> Classes:
    return Classes.of(np.arange(40) % len(classes), classes)


def hues_and_shades(without: tuple[str, str] | None = None) -> Attributes:
    """Return a condition whose training data lack one combination."""
    every = [(h, s) for h in HUES for s in SHADES if (h, s) != without]
    columns = {"hue": np.array([h for h, _ in every]), "shade": np.array([s for _, s in every])}
    return Attributes.of(columns, {"hue": HUES, "shade": SHADES})


def painted(condition: Condition, plan: Plan = obeys, noise: float = 40) -> Subject:
    """Return a subject that paints by a plan."""
    known = {"checkpoint": "painter", "hash": None, "weights": "raw"}
    networks = {"generator": Painter(condition, plan, noise)}
    return Subject(networks, known, condition=condition)
