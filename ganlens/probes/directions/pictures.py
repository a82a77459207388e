"""Strips: a few samples, each moved along a direction by several amounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import images
from ganlens.directions import Direction, duplicates
from ganlens.edits import Edit
from ganlens.latents import Seeds
from ganlens.probes.base import Progress, Steps
from ganlens.recipe import Recipe, draw
from ganlens.subject import Subject


@dataclass(frozen=True)
class Strip:
    """The picture of one direction.

    Attributes:
        index: of the direction.
        edit: "move" in latent space, or "offset" of a layer's output.
        tiles: (seeds * amounts, H, W, C) uint8, one row of the picture per seed.
        recipe: what draws it again.
    """

    index: int
    edit: str
    tiles: np.ndarray
    recipe: dict[str, Any]


def strips(
    subject: Subject,
    directions: Sequence[Direction],
    seeds: tuple[int, ...],
    amounts: tuple[float, ...],
    shown: int,
) -> Steps[tuple[Strip, ...]]:
    """Draw the first directions of each method, the first GANSpace one as an offset too.

    A direction on the line of an earlier one is left out: its picture would be the same.
    """
    drawn: dict[str, int] = {}
    found = []
    for index, (one, same) in enumerate(zip(directions, duplicates(directions), strict=True)):
        if same is not None:
            continue
        drawn[one.method] = drawn.get(one.method, 0) + 1
        if drawn[one.method] > shown:
            continue
        yield Progress(index, len(directions), "pictures")
        edits: dict[str, Edit] = {"move": one.move(subject.prior, amounts)}
        if one.offset is not None and drawn[one.method] == 1:
            edits["offset"] = one.offset_edit(amounts)
        for name, edit in edits.items():
            recipe = Recipe.of(subject, Seeds(seeds), columns=len(amounts), edits=[edit])
            tiles = images.to_uint8(draw(subject, recipe))
            found.append(Strip(index, name, tiles, recipe.to_json()))
    return tuple(found)
