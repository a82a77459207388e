"""Samples that were trained on, as a picture by class that can be drawn again."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.latents import Seeds
from ganlens.probes.useful.draws import Draw
from ganlens.probes.useful.materials import Materials
from ganlens.recipe import Recipe, draw
from ganlens.subject import Subject

ROWS, COLUMNS = 12, 8


@dataclass(frozen=True)
class Shown:
    """Samples of the first repeat that were trained on, by class.

    Attributes:
        pictures: (R * C, H, W, channels) uint8, row by row.
        rows: R classes.
        recipe: JSON-able description from which they are drawn again.
    """

    pictures: np.ndarray
    rows: tuple[str, ...]
    recipe: dict[str, Any]


def show(subject: Subject, drawn: Draw, materials: Materials) -> Shown:
    """Draw the first samples of GAN-train, a row for each class that has as many as any."""
    condition, answers = subject.condition, drawn.samples.answers[: len(drawn.some)]
    assert condition is not None
    groups = list[np.ndarray]()
    for column, classes in zip(answers.T, materials.targets.values(), strict=True):
        groups += [np.flatnonzero(column == i)[:COLUMNS] for i in range(len(classes))]
    columns = max(map(len, groups))
    kept = [i for i, group in enumerate(groups) if len(group) == columns][:ROWS]
    places = np.concatenate([groups[i] for i in kept])
    words = [condition.name(drawn.samples.rows[i]) for i in places]
    seeds = tuple(drawn.seeds[int(i)] for i in places)
    recipe = Recipe.of(subject, Seeds(seeds), columns=columns, condition=words)
    pictures = images.to_uint8(draw(subject, recipe))
    return Shown(pictures, tuple(materials.classes[i] for i in kept), recipe.to_json())
