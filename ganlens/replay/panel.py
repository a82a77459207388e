"""PanelRecipe: which panel of which probe a picture is, with every setting."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ganlens.errors import GanlensError, one_of
from ganlens.panels import PANEL, ImagePanel, Panel
from ganlens.paths import paths_in
from ganlens.probes import PROBES
from ganlens.probes.base import Probe

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
        condition: that of the networks where no other is given; empty without.
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

    def _given(self) -> dict[str, Any]:
        """Return the settings by their present names, lists as tuples."""
        if not isinstance(self.settings, Mapping):
            raise GanlensError(f"the recipe's settings {self.settings!r:.60} must be named values")
        renamed = PROBES[self.probe].renamed
        return {renamed.get(k, k): _tuples(v) for k, v in self.settings.items()}

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

    def paths(self) -> list[str]:
        """Return the names of the settings that name a file or a folder.

        Raises:
            GanlensError: the settings are not named values.
        """
        return paths_in(PROBES[self.probe], self._given())

    def build(self, files: Mapping[str, Sequence[str | Path]] = MappingProxyType({})) -> Probe:
        """Return the probe with its settings.

        A recipe may come from anywhere, so no path that it names is ever looked at: what stands in
        its place is what the caller gives.

        Args:
            files: name of a setting -> the paths to take in place of those that the recipe names.

        Raises:
            GanlensError: settings that the probe does not take, or that name paths for which
                ``files`` has none; it is the same whether or not there is something at the path.
        """
        kind, given = PROBES[self.probe], self._given()
        for name in paths_in(kind, given):
            if name not in files:
                raise GanlensError(
                    f"the recipe's {name} is a path, and a recipe opens none: name the file"
                    f" yourself, with ganlens replay PICTURE --files {name}=FILE"
                )
            chosen, several = tuple(map(str, files[name])), isinstance(given[name], tuple)
            given[name] = chosen if several or len(chosen) != 1 else chosen[0]
        try:
            return kind(**given)
        except (GanlensError, MemoryError):
            raise
        except Exception as error:  # a probe may trip over a value of the wrong kind in any way
            raise GanlensError(
                f"the recipe's settings do not fit the probe {self.probe!r}: {error}"
            ) from error


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


def _are_sources(values: Any) -> bool:
    """Whether values name images as ``subject.sources.described`` does; nothing does too."""
    if not isinstance(values, Mapping):
        return False
    named = all(isinstance(value, str) for value in values.values())
    return named and set(values) in (set(), {"spec", "split", "fingerprint"})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
