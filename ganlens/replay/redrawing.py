"""Drawing again what a picture carries the recipe of, of either kind."""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlens.errors import GanlensError, one_of
from ganlens.images import as_rgb, enlarge
from ganlens.models.base import source_shape
from ganlens.panels import PANEL, ImagePanel
from ganlens.probes.base import Probe
from ganlens.progress import finish
from ganlens.recipe import Pictures, Recipe, check_subject, render
from ganlens.replay.panel import PanelRecipe
from ganlens.subject.sources import opened_again

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

AnyRecipe = Recipe | PanelRecipe
Files = Mapping[str, Sequence[str | Path]]


def read(values: Mapping[str, Any]) -> AnyRecipe:
    """Read the recipe that a picture carries, of either kind.

    Raises:
        GanlensError: as ``Recipe.from_json`` and ``PanelRecipe.from_json``.
    """
    if isinstance(values, Mapping) and values.get("kind") == PANEL:
        return PanelRecipe.from_json(values)
    return Recipe.from_json(values)


PanelPictures = dict[str, ImagePanel]  # the pictures among a probe's panels, by title


def redraw(
    subject: "Subject",
    recipe: AnyRecipe,
    open_images: Callable[[str], "ImageSet"],
    cache: dict[str, PanelPictures] | None = None,
    sources: str | None = None,
    files: Files = MappingProxyType({}),
) -> np.ndarray:
    """Draw a recipe of either kind: (H, W, 3) uint8, the same pixels as before.

    Args:
        subject: the checkpoint that the recipe names.
        recipe: what to draw.
        open_images: opens the data of a SPEC at the subject's size and channels.
        cache: what earlier calls found; several pictures of one run of a probe cost one run.
        sources: where the source pictures are, if not at the place that the recipe names.
        files: of a probe's settings that are paths, see ``PanelRecipe.build``.

    Raises:
        GanlensError: another checkpoint or other data than the recipe's, a probe that no longer
            has the panel, or a setting that is a path and not in ``files``.
    """
    if isinstance(recipe, Recipe):
        return render(subject, elsewhere(recipe, sources))
    cache = {} if cache is None else cache
    key = json.dumps(replace(recipe, panel="", scale=1).to_json(), sort_keys=True)
    if key not in cache:
        cache[key] = _run(subject, recipe, open_images, sources, recipe.build(files))
    if recipe.panel not in cache[key]:
        raise one_of(f"picture of {recipe.probe}", recipe.panel, cache[key] or ("none",))
    return enlarge(as_rgb(cache[key][recipe.panel].image[None])[0], recipe.scale)


def specs_of(recipe: AnyRecipe) -> list[str]:
    """Return the SPECs of data that a recipe names: what a probe looks at, and source pictures."""
    if isinstance(recipe, Recipe):
        return [recipe.latents.spec] if isinstance(recipe.latents, Pictures) else []
    named = (recipe.data, recipe.sources.get("spec"))
    return [spec for spec in named if spec is not None]


def takes_pictures(recipe: AnyRecipe) -> bool:
    """Tell whether a recipe names source pictures."""
    if isinstance(recipe, PanelRecipe):
        return bool(recipe.sources)
    return isinstance(recipe.latents, Pictures)


def elsewhere(recipe: Recipe, sources: str | None) -> Recipe:
    """Return a recipe whose source pictures are at another place; None leaves it as it is.

    Raises:
        GanlensError: the recipe has no source pictures.
    """
    if sources is None:
        return recipe
    if not isinstance(recipe.latents, Pictures):
        raise GanlensError(f"the recipe draws latents and takes no pictures: leave out {sources}")
    return replace(recipe, latents=replace(recipe.latents, spec=sources))


def compare(old: np.ndarray, new: np.ndarray) -> dict[str, Any]:
    """Say whether two (H, W, 3) uint8 pictures are identical, or what differs."""
    if old.shape != new.shape:
        sizes = [f"{p.shape[1]}x{p.shape[0]}" for p in (old, new)]
        return {"identical": False, "verdict": f"differs in size: {sizes[0]} is now {sizes[1]}"}
    gap = np.abs(old.astype(np.int16) - new.astype(np.int16)).max(axis=-1)
    count, largest = int((gap > 0).sum()), int(gap.max())
    if not count:
        return {"identical": True, "verdict": "identical", "pixels_differing": 0}
    verdict = f"{count:,} of {gap.size:,} pixels differ, by at most {largest} of 255"
    return {
        "identical": False,
        "verdict": verdict,
        "pixels_differing": count,
        "largest_difference": largest,
    }


def _run(
    subject: "Subject",
    recipe: PanelRecipe,
    open_images: Callable[[str], "ImageSet"],
    sources: str | None,
    probe: Probe,
) -> PanelPictures:
    check_subject(subject, recipe.checkpoint, recipe.hash, recipe.weights)
    subject = _conditioned(subject, recipe, sources)
    data = None
    if recipe.data is not None:
        data = open_images(recipe.data)
        if data.fingerprint != recipe.fingerprint:
            raise GanlensError(
                f"the recipe needs data with fingerprint {recipe.fingerprint[:12]}, and "
                f"{recipe.data!r} now has {data.fingerprint[:12]}: the images have changed"
            )
    panels = finish(probe.steps(subject, data)).panels()
    return {one.title: one for one in panels if isinstance(one, ImagePanel)}


def _conditioned(subject: "Subject", recipe: PanelRecipe, sources: str | None) -> "Subject":
    """Return the subject under the recipe's condition, with its source pictures."""
    if not recipe.condition and subject.is_conditioned:
        raise GanlensError(
            f"the recipe was drawn without a condition, and {subject.title}: open it anew"
        )
    found = subject.with_condition(recipe.condition) if recipe.condition else copy(subject)
    if recipe.sources:
        shape = source_shape(found.network("translator"))
        found.sources = opened_again(recipe.sources, shape, sources)
    return found
