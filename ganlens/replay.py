"""Pictures drawn again from what they carry.

A picture of samples carries a ``Recipe``. A picture that shows more than samples (filters, feature
maps, training images) carries a ``PanelRecipe``: which panel of which probe it was, with every
setting, so that running the probe again gives it again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlens.errors import GanlensError, one_of
from ganlens.images import as_rgb, enlarge
from ganlens.panels import PANEL, ImagePanel, Panel
from ganlens.probes import PROBES
from ganlens.probes.base import Probe
from ganlens.progress import finish
from ganlens.recipe import Recipe, check_subject, render

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
        texts = ("checkpoint", "hash", "weights", "probe", "panel", "fingerprint")
        for name in texts:
            if not isinstance(getattr(self, name), str):
                raise GanlensError(f"the recipe's {name} {getattr(self, name)!r} must be text")
        if self.data is not None and not isinstance(self.data, str):
            raise GanlensError(f"the recipe's data {self.data!r} must be text")
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
) -> np.ndarray:
    """Draw a recipe of either kind: (H, W, 3) uint8, the same pixels as before.

    Args:
        subject: the checkpoint that the recipe names.
        recipe: what to draw.
        open_images: opens the data of a SPEC at the subject's size and channels.
        kept: what earlier calls found; several pictures of one run of a probe cost one run.

    Raises:
        GanlensError: another checkpoint or other data than the recipe's, or a probe that no longer
            has the panel.
    """
    if isinstance(recipe, Recipe):
        return render(subject, recipe)
    kept = {} if kept is None else kept
    key = json.dumps(replace(recipe, panel="", scale=1).to_json(), sort_keys=True)
    if key not in kept:
        kept[key] = _run(subject, recipe, open_images)
    if recipe.panel not in kept[key]:
        raise one_of(f"picture of {recipe.probe}", recipe.panel, kept[key] or ("none",))
    return enlarge(as_rgb(kept[key][recipe.panel].image[None])[0], recipe.scale)


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
    subject: "Subject", recipe: PanelRecipe, open_images: Callable[[str], "ImageSet"]
) -> Pictures:
    check_subject(subject, recipe.checkpoint, recipe.hash, recipe.weights)
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


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
