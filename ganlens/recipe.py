"""Recipe: everything that determines one picture, as plain values.

A picture that ganlens writes carries its recipe in a PNG text chunk; ``render`` draws the identical
pixels from it again (stylegan3's visualizer has the same idea: one value decides a picture).
"""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import MISSING, asdict, dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ganlens import images
from ganlens.activations import edit
from ganlens.edits import EDITS, Edit, LatentEdit, LayerEdit, columns
from ganlens.errors import GanlensError, one_of
from ganlens.latents import KINDS, Latents, Mix, Seeds, Stack, Sum
from ganlens.pictures import Pictures, reader

if TYPE_CHECKING:
    from ganlens.subject import Subject
    from ganlens.subject.inputs import Told

VERSION = 1
SOURCES: dict[str, Any] = {**KINDS, Pictures.kind: Pictures}
MOST_PIXELS = 89_478_485  # of a sheet; Pillow warns of larger pictures and then refuses them


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


@dataclass(frozen=True)
class Layout:
    """How pictures are laid out on the sheet.

    Attributes:
        columns: pictures per row, or None for a sheet as square as their number allows.
        padding: white pixels between them, 0 to 64.
        enlargement: every pixel is repeated this often both ways, 1 to 32.
    """

    columns: int | None = None
    padding: int = 2
    enlargement: int = 1

    def __post_init__(self) -> None:
        limits = {"columns": (1, 10_000), "padding": (0, 64), "enlargement": (1, 32)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not _whole(value, low, high) and not (name == "columns" and value is None):
                raise GanlensError(f"{name} {value!r} must be a whole number from {low} to {high}")


@dataclass(frozen=True)
class Recipe:
    """A frozen, JSON-able description of one picture.

    Attributes:
        checkpoint: name of the checkpoint, to find it by.
        hash: sha256 of its weights, to know it by.
        weights: which of its generators drew, "ema" or "raw".
        latents: what to draw, in order: latents, or source pictures.
        edits: what is done to the latents and inside the generator, in order.
        layout: how the pictures are put on one sheet.
        condition: what a conditional model is told, in words: once for all, or for each latent;
            empty takes the model's own default.
    """

    checkpoint: str
    hash: str
    latents: Latents | Pictures
    weights: str = "ema"
    edits: tuple[Edit, ...] = ()
    layout: Layout = Layout()
    condition: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("checkpoint", "hash", "weights"):
            if not isinstance(getattr(self, name), str):
                raise GanlensError(f"the recipe's {name} {getattr(self, name)!r} must be text")
        told = self.condition
        if isinstance(told, str) or not all(isinstance(words, str) for words in told):
            raise GanlensError(f"the recipe's condition {told!r:.60} must be a list of words")
        object.__setattr__(self, "condition", tuple(told))
        if len(told) not in (0, 1, self.latents.count):
            raise GanlensError(
                f"the recipe has {len(told)} conditions for {self.latents.count} pictures: give one"
                " for all, or one for each"
            )

    @classmethod
    def of(
        cls,
        subject: "Subject",
        latents: Latents | Pictures,
        *,
        columns: int | None = None,
        padding: int = 2,
        enlargement: int = 1,
        edits: Sequence[Edit] = (),
        condition: Sequence[str] | None = None,
    ) -> "Recipe":
        """Describe a picture of this subject; by default under the condition that it is told."""
        known = subject.provenance
        if condition is None:
            condition = (known["condition"],) if "condition" in known else ()
        return cls(
            checkpoint=str(known.get("checkpoint", subject.name)),
            hash=known.get("hash") or "",
            weights=str(known.get("weights", "raw")),
            latents=latents,
            edits=tuple(edits),
            layout=Layout(columns, padding, enlargement),
            condition=tuple(condition),
        )

    @classmethod
    def of_samples(
        cls,
        subject: "Subject",
        seeds: Sequence[int],
        condition: "Told | None" = None,
        **layout: Any,
    ) -> "Recipe":
        """Describe the picture of ``subject.sample(seeds, condition)``; ``layout`` as in ``of``."""
        words = condition_words(subject, seeds, condition)
        if subject.generator is not None:
            return cls.of(subject, Seeds(tuple(seeds)), condition=words, **layout)
        pictures = Pictures.of(subject.sources, tuple(seeds))
        return cls.of(subject, pictures, condition=words, **layout)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values, from which ``from_json`` makes an equal recipe."""
        return {
            "version": VERSION,
            "checkpoint": self.checkpoint,
            "hash": self.hash,
            "weights": self.weights,
            "latents": _to_json(self.latents),
            "edits": [_to_json(one) for one in self.edits],
            "layout": asdict(self.layout),
            **({"condition": list(self.condition)} if self.condition else {}),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | str) -> "Recipe":
        """Read what ``to_json`` wrote, as values or as text; nothing unknown is let through.

        Raises:
            GanlensError: no JSON, another version, a missing or unknown key, a value out of range.
        """
        given = dict(_mapping(_parse(values), "the recipe"))
        version = given.pop("version", None)
        if version != VERSION:
            raise GanlensError(
                f"recipe version {version!r} is not known: this ganlens reads version {VERSION}"
            )
        _check_keys(cls, given, "the recipe")
        given["latents"] = _kind(SOURCES, given["latents"], "latents")
        edits = given.get("edits", ())
        if not isinstance(edits, list | tuple):
            raise GanlensError("the recipe's edits must be a list")
        given["edits"] = tuple(_kind(EDITS, one, "edits") for one in edits)
        given["layout"] = _build(Layout, given.get("layout", {}), "layout")
        told = given.get("condition", ())
        if not isinstance(told, list | tuple):
            raise GanlensError("the recipe's condition must be a list of words")
        return cls(**given)

    def check(self, subject: "Subject") -> None:
        """Raise a GanlensError that says so if this subject is not the one the picture shows."""
        check_subject(subject, self.checkpoint, self.hash, self.weights)


def check_subject(subject: "Subject", checkpoint: str, hash: str, weights: str) -> None:
    """Raise a GanlensError that says what is needed if a subject is another one than named."""
    known = subject.provenance
    hash_ = known.get("hash") or ""
    if hash != hash_ or (not hash_ and checkpoint != subject.name):
        raise GanlensError(
            f"the recipe needs checkpoint {checkpoint!r} with hash {hash[:12] or 'unknown'}, not "
            f"{subject.name!r} with {hash_[:12] or 'unknown'}: load that one"
        )
    if weights != known.get("weights", "raw"):
        raise GanlensError(
            f"the recipe needs the {weights!r} weights of {checkpoint!r}, not the "
            f"{known.get('weights', 'raw')!r} ones: load those"
        )


def draw(subject: "Subject", recipe: Recipe) -> Tensor:
    """Draw a recipe's pictures, before they are laid out: (N, C, H, W) float32 in [-1, 1].

    Edits with several amounts draw each latent once per amount, side by side.

    Raises:
        GanlensError: another checkpoint than the recipe's, or an edit that does not fit it.
    """
    recipe.check(subject)
    count, source = columns(recipe.edits), recipe.latents
    if isinstance(source, Pictures) and reader(subject) == "translator":
        return _translated(subject, recipe, source)
    inside = any(isinstance(one, LayerEdit) for one in recipe.edits)
    if inside or (isinstance(source, Mix) and source.space == "pixels"):
        drawn = [_column(subject, recipe, column) for column in range(count)]
        return torch.stack(drawn, 1).flatten(0, 1)
    z = latents_of(subject, recipe)
    moved = [edited(z, subject, recipe, column) for column in range(count)]
    told = _told(recipe, count)
    return subject.generate(torch.stack(moved, 1).flatten(0, 1), told)  # few batches, full ones


def condition_words(
    subject: "Subject", seeds: Sequence[int], condition: "Told | None"
) -> tuple[str, ...]:
    """Return what ``subject.sample`` tells of each seed, in words; nothing if it tells nothing."""
    if subject.condition is None:
        return ()
    if condition is None and subject.is_told:
        condition = str(subject.provenance["condition"])
    if isinstance(condition, str):
        return (condition,)
    rows = subject.condition.sample(seeds) if condition is None else condition
    return tuple(one if isinstance(one, str) else subject.condition.name(one) for one in rows)  # type: ignore[arg-type]


def _told(recipe: Recipe, repeats: int = 1) -> "Told | None":
    """Return what the generator is told: for each latent as often as it is drawn."""
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
    return subject.translate(source.images(subject), _told(recipe), network=network)


def _column(subject: "Subject", recipe: Recipe, column: int) -> Tensor:
    """Draw one amount of edits inside the generator, or of a mix of pictures."""
    source, told = recipe.latents, _told(recipe)
    with ExitStack() as stack:
        for one in recipe.edits:
            if isinstance(one, LayerEdit):
                change = partial(one.activations, column=column)
                stack.enter_context(edit(subject.generator, one.layer, change))
        if not isinstance(source, Mix) or source.space != "pixels":
            return subject.generate(
                edited(latents_of(subject, recipe), subject, recipe, column), told
            )
        z = edited(subject.latents(source.seeds), subject, recipe, column)
        one_for_all = told if isinstance(told, str) else None
        vectors = dict(zip(source.seeds, subject.generate(z, one_for_all), strict=True))
        return torch.stack([one.of(vectors) for one in source.sums]).clamp(-1, 1)


def edited(z: Tensor, subject: "Subject", recipe: Recipe, column: int = 0) -> Tensor:
    """Return (N, d) latents after the recipe's edits of latents, at one of their amounts."""
    for one in recipe.edits:
        if isinstance(one, LatentEdit):
            z = one.latents(z, subject.prior, column)
    return z


def render(subject: "Subject", recipe: Recipe) -> np.ndarray:
    """Draw a recipe: (H, W, 3) uint8, the same pixels each time.

    Raises:
        GanlensError: as ``draw``.
    """
    layout = recipe.layout
    _check_area(subject, recipe)
    tiles = images.to_uint8(draw(subject, recipe))
    sheet = images.grid(tiles, layout.columns, padding=layout.padding)
    return images.enlarge(sheet, layout.enlargement)


def _check_area(subject: "Subject", recipe: Recipe) -> None:
    """Refuse, before anything is drawn, a sheet that would fill the memory and open nowhere."""
    layout, count = recipe.layout, recipe.latents.count * columns(recipe.edits)
    tiles = min(layout.columns or math.ceil(math.sqrt(count)), count)
    steps = (tiles, -(-count // tiles))
    _, height, width = subject.image_shape
    across, down = (
        layout.enlargement * (n * (side + layout.padding) - layout.padding)
        for n, side in zip(steps, (width, height), strict=True)
    )
    if across * down > MOST_PIXELS:
        raise GanlensError(
            f"a sheet of {across:,} x {down:,} pixels is too large: draw fewer than {count:,}"
            f" pictures, or enlarge them less; {MOST_PIXELS:,} pixels are the most"
        )


def _to_json(one: Latents | Pictures | Edit) -> dict[str, Any]:
    if isinstance(one, Stack):
        return {"kind": one.kind, "parts": [_to_json(part) for part in one.parts]}
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    if isinstance(one, Mix):
        values["sums"] = [asdict(part) for part in one.sums]
    return {"kind": one.kind, **values}  # asdict would copy every number of a vector


def _parse(values: Mapping[str, Any] | str) -> Any:
    if not isinstance(values, str):
        return values
    try:
        return json.loads(values)
    except (ValueError, RecursionError) as error:
        raise GanlensError(f"the recipe is not JSON: {error}") from error


def _mapping(values: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise GanlensError(f"{where} must be an object with named values, not {values!r:.60}")
    return values


def _check_keys(cls: Any, given: Mapping[str, Any], where: str) -> None:
    known = {field.name: field for field in fields(cls)}
    unknown = [key for key in given if key not in known]
    if unknown:
        raise one_of(f"in {where}, key", unknown[0], known or ("nothing",))
    for name, field in known.items():
        if name not in given and field.default is MISSING:
            raise GanlensError(f"{where} lacks {name!r}: it needs {', '.join(known)}")


def _build(cls: Any, values: Any, where: str) -> Any:
    given = dict(_mapping(values, where))
    _check_keys(cls, given, where)
    for name, value in given.items():
        if name == "sums" and isinstance(value, list | tuple):
            given[name] = tuple(_build(Sum, one, f"{where} sums") for one in value)
        elif name == "parts" and isinstance(value, list | tuple):
            flat = {kind: part for kind, part in KINDS.items() if part is not Stack}
            given[name] = tuple(_kind(flat, one, f"{where} parts") for one in value)
        elif isinstance(value, list):
            given[name] = tuple(value)
    try:
        return cls(**given)
    except (TypeError, OverflowError) as error:
        raise GanlensError(f"{where} holds a value of the wrong kind: {error}") from error


def _kind(kinds: Mapping[str, Any], values: Any, where: str) -> Any:
    given = dict(_mapping(values, where))
    kind = given.pop("kind", None)
    if not isinstance(kind, str) or kind not in kinds:
        raise one_of(f"{where} kind", kind, kinds)
    return _build(kinds[kind], given, f"{where} {kind!r}")
