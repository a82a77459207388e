"""Drawing a recipe: the identical pixels each time."""

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.activations import edit
from ganlens.edits import LatentEdit, LayerEdit, columns
from ganlens.errors import GanlensError
from ganlens.latents import Mix
from ganlens.recipe.layout import arranged
from ganlens.recipe.pictures import Pictures, source_role
from ganlens.recipe.value import Recipe

if TYPE_CHECKING:
    from ganlens.subject import Subject
    from ganlens.subject.inputs import ConditionLike


def draw(subject: "Subject", recipe: Recipe) -> Tensor:
    """Draw a recipe's pictures, before they are laid out: (N, C, H, W) float32 in [-1, 1].

    Edits with several amounts draw each latent once per amount, side by side.

    Raises:
        GanlensError: another checkpoint than the recipe's, or an edit that does not fit it.
    """
    recipe.check(subject)
    count, source = columns(recipe.edits), recipe.latents
    if isinstance(source, Pictures) and source_role(subject, source.network) == "translator":
        return _translated(subject, recipe, source)
    inside = any(isinstance(one, LayerEdit) for one in recipe.edits)
    if inside or (isinstance(source, Mix) and source.space == "pixels"):
        drawn = [_column(subject, recipe, column) for column in range(count)]
        return torch.stack(drawn, 1).flatten(0, 1)
    z = latents_of(subject, recipe)
    moved = [edited(z, subject, recipe, column) for column in range(count)]
    conditions = _conditions(recipe, count)
    return subject.generate(
        torch.stack(moved, 1).flatten(0, 1), conditions
    )  # few batches, full ones


def _conditions(recipe: Recipe, repeats: int = 1) -> "ConditionLike | None":
    """Return the conditions: that of each latent as often as it is drawn."""
    if len(recipe.condition) < 2:
        return recipe.condition[0] if recipe.condition else None
    return [words for words in recipe.condition for _ in range(repeats)]


def latents_of(subject: "Subject", recipe: Recipe) -> Tensor:
    """Return the (N, d) latents before any edit; of source pictures, those that are read off."""
    source = recipe.latents
    if isinstance(source, Pictures):
        return subject.encode(source.images(subject))
    return source.latents(subject.prior)


def _translated(subject: "Subject", recipe: Recipe, source: Pictures) -> Tensor:
    if recipe.edits:
        raise GanlensError(
            f"{subject.name} translates pictures and has no latents to edit: leave the edits out"
        )
    network = source.network or "translator"
    return subject.translate(source.images(subject), _conditions(recipe), network=network)


def _column(subject: "Subject", recipe: Recipe, column: int) -> Tensor:
    """Draw one amount of edits inside the generator, or of a mix of pictures."""
    source, conditions = recipe.latents, _conditions(recipe)
    with ExitStack() as stack:
        for one in recipe.edits:
            if isinstance(one, LayerEdit):
                change = partial(one.activations, column=column)
                stack.enter_context(edit(subject.generator, one.layer, change))
        if not isinstance(source, Mix) or source.space != "pixels":
            return subject.generate(
                edited(latents_of(subject, recipe), subject, recipe, column), conditions
            )
        z = edited(subject.latents(source.seeds), subject, recipe, column)
        one_for_all = conditions if isinstance(conditions, str) else None
        vectors = dict(zip(source.seeds, subject.generate(z, one_for_all), strict=True))
        return torch.stack([one.of(vectors) for one in source.sums]).clamp(-1, 1)


def edited(z: Tensor, subject: "Subject", recipe: Recipe, column: int = 0) -> Tensor:
    """Return (N, d) latents after the recipe's edits of latents, at one of their amounts."""
    for one in recipe.edits:
        if isinstance(one, LatentEdit):
            z = one.latents(z, subject.prior, column)
    return z


def pictures(subject: "Subject", recipe: Recipe) -> np.ndarray:
    """Draw a recipe's pictures in the order of its sheet, source pictures too where it shows them.

    Returns:
        (M, H, W, C) uint8.

    Raises:
        GanlensError: as ``draw``.
    """
    drawn = images.to_uint8(draw(subject, recipe))
    if not recipe.layout.sources or not isinstance(recipe.latents, Pictures):
        return drawn
    return arranged(images.to_uint8(recipe.latents.images(subject)), drawn)


def render(subject: "Subject", recipe: Recipe) -> np.ndarray:
    """Draw a recipe: (H, W, 3) uint8, the same pixels each time.

    Raises:
        GanlensError: as ``draw``; or a sheet that is too large.
    """
    count, amounts = recipe.latents.count, columns(recipe.edits)
    recipe.layout.check_area(count, amounts, *subject.image_shape[1:])
    return recipe.layout.sheet(pictures(subject, recipe), count, amounts)
