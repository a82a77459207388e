"""Pictures drawn again from what they carry.

A picture of samples carries a ``Recipe``. A picture that shows more than samples (filters, feature
maps, training images) carries a ``PanelRecipe``: which panel of which probe it was, with every
setting, so that running the probe again gives it again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlens.errors import GanlensError, one_of
from ganlens.images import as_rgb, enlarge
from ganlens.panels import PANEL, ImagePanel, Panel
from ganlens.probes import PROBES
from ganlens.probes.base import Probe
from ganlens.progress import finish
from ganlens.recipe import Pictures as SourcePictures
from ganlens.recipe import Recipe, check_subject, render
from ganlens.subject.sources import opened_again, source_shape

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

VERSION = 1


@dataclass(frozen=True)
class PanelRecipe:
    """Everything that determines one picture among a probe's panels.

    Attributes:
        checkpoint: name of the checkpoint, to find it by.
        hash: sha256 of its weights, to know it by.
        weights: which of its generators, "ema" or "raw".
        probe: its name in PROBES.
        settings: every setting of the probe, JSON-able.
        panel: the panel's title.
        data: SPEC of the images that it looked at, or None.
        fingerprint: of these images, to know them by; empty without data.
        condition: what the networks were told where nothing else is said; empty for nothing.
        sources: spec, split and fingerprint of the images that were translated, where some were
            given; empty takes the model's own.
        scale: enlargement of the picture, at least 1.
    """

    checkpoint: str
    hash: str
    weights: str
    probe: str
    settings: dict[str, Any]
    panel: str
    data: str | None = None
    fingerprint: str = ""
    condition: str = ""
    sources: dict[str, str] = field(default_factory=dict)
    scale: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values, from which ``from_json`` makes an equal recipe."""
        return {"version": VERSION, "kind": PANEL, **asdict(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PanelRecipe":
        """Read what ``to_json`` wrote.

        Raises:
            GanlensError: another version, a missing, unknown or wrong value.
        """
        given = {key: value for key, value in values.items() if key not in ("kind", "version")}
        if values.get("version") != VERSION:
            raise GanlensError(
                f"recipe version {values.get('version')!r} is not known: this ganlens reads "
                f"version {VERSION}"
            )
        known = {field.name: field.type for field in fields(cls)}
        if unknown := [key for key in given if key not in known]:
            raise one_of("in the recipe, key", unknown[0], known)
        try:
            recipe = cls(**given)
        except TypeError as error:
            raise GanlensError(f"the recipe is incomplete: {error}") from error
        recipe._check()
        return recipe

    def _check(self) -> None:
        texts = ("checkpoint", "hash", "weights", "probe", "panel", "fingerprint", "condition")
        for name in texts:
            if not isinstance(getattr(self, name), str):
                raise GanlensError(f"the recipe's {name} {getattr(self, name)!r} must be text")
        if self.data is not None and not isinstance(self.data, str):
            raise GanlensError(f"the recipe's data {self.data!r} must be text")
        if not _are_sources(self.sources):
            raise GanlensError(
                f"the recipe's sources {self.sources!r:.60} must be a spec, split and fingerprint"
            )
        whole = isinstance(self.scale, int) and not isinstance(self.scale, bool)
        if not whole or not 1 <= self.scale <= 32:
            raise GanlensError(f"the recipe's scale {self.scale!r} must be from 1 to 32")
        if self.probe not in PROBES:
            raise one_of("in the recipe, probe", self.probe, PROBES)

    def build(self) -> Probe:
        """Return the probe with its settings.

        Raises:
            GanlensError: settings that the probe does not take.
        """
        if not isinstance(self.settings, Mapping):
            raise GanlensError(f"the recipe's settings {self.settings!r:.60} must be named values")
        try:
            return PROBES[self.probe](**{k: _tuples(v) for k, v in self.settings.items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise GanlensError(
                f"the recipe's settings do not fit the probe {self.probe!r}: {error}"
            ) from error


AnyRecipe = Recipe | PanelRecipe


def signed(
    panels: Sequence[Panel],
    name: str,
    probe: Probe,
    subject: "Subject",
    data: "ImageSet | None",
) -> list[Panel]:
    """Return panels of which every picture carries a recipe."""
    known = subject.provenance
    common = PanelRecipe(
        checkpoint=str(known.get("checkpoint", subject.name)),
        hash=known.get("hash") or "",
        weights=str(known.get("weights", "raw")),
        probe=name,
        settings=probe.settings(),
        panel="",
        data=None if data is None else data.spec,
        fingerprint="" if data is None else data.fingerprint,
        condition=str(known.get("condition", "")),
        sources=dict(known.get("sources", {})),
    )
    return [
        replace(one, recipe=replace(common, panel=one.title).to_json())
        if isinstance(one, ImagePanel) and one.recipe is None
        else one
        for one in panels
    ]


def read(values: Mapping[str, Any]) -> AnyRecipe:
    """Read the recipe that a picture carries, of either kind.

    Raises:
        GanlensError: as ``Recipe.from_json`` and ``PanelRecipe.from_json``.
    """
    if isinstance(values, Mapping) and values.get("kind") == PANEL:
        return PanelRecipe.from_json(values)
    return Recipe.from_json(values)


Pictures = dict[str, ImagePanel]  # the pictures among a probe's panels, by title


def redraw(
    subject: "Subject",
    recipe: AnyRecipe,
    open_images: Callable[[str], "ImageSet"],
    kept: dict[str, Pictures] | None = None,
    sources: str | None = None,
) -> np.ndarray:
    """Draw a recipe of either kind: (H, W, 3) uint8, the same pixels as before.

    Args:
        subject: the checkpoint that the recipe names.
        recipe: what to draw.
        open_images: opens the data of a SPEC at the subject's size and channels.
        kept: what earlier calls found; several pictures of one run of a probe cost one run.
        sources: where the source pictures are, if not at the place that the recipe names.

    Raises:
        GanlensError: another checkpoint or other data than the recipe's, or a probe that no longer
            has the panel.
    """
    if isinstance(recipe, Recipe):
        return render(subject, elsewhere(recipe, sources))
    kept = {} if kept is None else kept
    key = json.dumps(replace(recipe, panel="", scale=1).to_json(), sort_keys=True)
    if key not in kept:
        kept[key] = _run(subject, recipe, open_images, sources)
    if recipe.panel not in kept[key]:
        raise one_of(f"picture of {recipe.probe}", recipe.panel, kept[key] or ("none",))
    return enlarge(as_rgb(kept[key][recipe.panel].image[None])[0], recipe.scale)


def takes_pictures(recipe: AnyRecipe) -> bool:
    """Tell whether a recipe names source pictures."""
    if isinstance(recipe, PanelRecipe):
        return bool(recipe.sources)
    return isinstance(recipe.latents, SourcePictures)


def elsewhere(recipe: Recipe, sources: str | None) -> Recipe:
    """Return a recipe whose source pictures are at another place; None leaves it as it is.

    Raises:
        GanlensError: the recipe has no source pictures.
    """
    if sources is None:
        return recipe
    if not isinstance(recipe.latents, SourcePictures):
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
) -> Pictures:
    check_subject(subject, recipe.checkpoint, recipe.hash, recipe.weights)
    subject = _told(subject, recipe, sources)
    probe, data = recipe.build(), None
    if recipe.data is not None:
        data = open_images(recipe.data)
        if data.fingerprint != recipe.fingerprint:
            raise GanlensError(
                f"the recipe needs data with fingerprint {recipe.fingerprint[:12]}, and "
                f"{recipe.data!r} now has {data.fingerprint[:12]}: the images have changed"
            )
    panels = finish(probe.steps(subject, data)).panels()
    return {one.title: one for one in panels if isinstance(one, ImagePanel)}


def _told(subject: "Subject", recipe: PanelRecipe, sources: str | None) -> "Subject":
    """Return the subject under the recipe's condition, with its source pictures."""
    if not recipe.condition and subject.is_told:
        raise GanlensError(
            f"the recipe was drawn without a condition, and {subject.title}: open it anew"
        )
    told = subject.told(recipe.condition) if recipe.condition else copy(subject)
    if recipe.sources:
        shape = source_shape(told.network("translator"))
        told.sources = opened_again(recipe.sources, shape, sources)
    return told


def _are_sources(values: Any) -> bool:
    """Whether values name images as ``subject.sources.described`` does; nothing does too."""
    if not isinstance(values, Mapping):
        return False
    named = all(isinstance(value, str) for value in values.values())
    return named and set(values) in (set(), {"spec", "split", "fingerprint"})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
