"""``ganlens sample``, ``draw`` and ``replay``: pictures that carry their recipe."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import parse_qs, urlsplit

import numpy as np
from tyro.conf import Positional, arg

from ganlens import images
from ganlens import replay as replays
from ganlens.cli.flags import Checkpoint, Device, Force, Json, OptionalData
from ganlens.cli.opening import asked_of, open_images
from ganlens.cli.terminal import check_free, console, write_json
from ganlens.directions import find_direction
from ganlens.edits import Edit, Truncate
from ganlens.errors import GanlensError
from ganlens.latents import MAX_ROWS
from ganlens.packing import unpack
from ganlens.recipe import Recipe, render
from ganlens.report import enlargement
from ganlens.subject import Subject, load

if TYPE_CHECKING:
    from ganlens.data import ImageSet

Pictures = Annotated[
    Positional[tuple[Path, ...]],
    arg(metavar="PICTURE [PICTURE ...]", help="PNGs and WebPs that ganlens wrote."),
]
Packed = Annotated[Positional[str], arg(metavar="RECIPE", help="text, or an explorer's address.")]
Out = Annotated[Path, arg(metavar="PNG")]
OptionalOut = Annotated[Path | None, arg(metavar="PNG")]
OptionalCondition = Annotated[str | None, arg(metavar="WORDS")]
OptionalSource = Annotated[str | None, arg(metavar="SPEC")]
OptionalDirection = Annotated[str | None, arg(metavar="FILE.safetensors[:NAME]")]
OptionalCheckpoint = Annotated[str | None, arg(metavar="CHECKPOINT")]


def sample(
    checkpoint: Checkpoint,
    n: int = 64,
    seed: int = 0,
    out: Out = Path("samples.png"),
    columns: int | None = None,
    enlarge: int | None = None,
    direction: OptionalDirection = None,
    amounts: tuple[float, ...] = (-3.0, -1.5, 0.0, 1.5, 3.0),
    at_layer: bool = False,
    truncate: float | None = None,
    condition: OptionalCondition = None,
    source: OptionalSource = None,
    weights: Literal["ema", "raw"] = "ema",
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> None:
    """Draw a grid of samples, one per seed, as they come; the PNG carries its recipe.

    With a direction every sample is a row, moved by the amounts from left to right. Of a model that
    translates pictures, sample number 17 is source picture 17, translated.

    Args:
        n: how many.
        seed: seed of the first; the others follow it. A seed means the same sample at any n.
        out: the picture.
        columns: samples per row; by default the grid is as square as n allows.
        enlarge: repeat every pixel this often both ways; by default to fill a window.
        direction: as `ganlens directions --out DIR` keeps them, in DIR/directions.safetensors.
        amounts: how far to move along the direction, in standard deviations of the prior.
        at_layer: leave the latents alone and move the activations of the layer that the direction
            was found at (GANSpace): earlier layers then keep what they decided.
        truncate: draw from the prior cut off at so many standard deviations (1 of a uniform prior
            is its edge): fewer extremes, less variety.
        condition: what a conditional model is told, such as "7" or "mouth=smile & glasses=none"; by
            default each seed has one of its own, as often as the training data had it.
        source: pictures to translate; by default the held-out ones of the training data.
        weights: the averaged generator, or the one that was trained.
    """
    check_free(out, force)
    check_free(json, force)
    if not 1 <= n <= MAX_ROWS:
        raise GanlensError(f"--n {n} cannot be drawn: give 1 to {MAX_ROWS:,}")
    subject = load(checkpoint, device=device, weights=weights)
    subject = asked_of(subject, condition, source)
    edits: list[Edit] = [] if truncate is None else [Truncate(truncate)]
    if direction is not None:
        found = find_direction(direction, subject)
        edits.append(found.offset_edit(amounts) if at_layer else found.move(subject.prior, amounts))
        columns = columns or len(amounts)
    across = columns or int(np.ceil(np.sqrt(n)))
    scale = enlargement(across * (subject.image_shape[2] + 2)) if enlarge is None else enlarge
    seeds = range(seed, seed + n)
    recipe = Recipe.of_samples(subject, seeds, columns=columns, enlargement=scale, edits=edits)
    what = f"{n} samples of {subject.name}, seeds {seed} to {seed + n - 1}"
    if direction is not None:
        what += f", each moved along {found.name} by {', '.join(f'{a:g}' for a in amounts)} sigma"
    _write(out, subject, recipe, json, what)


def _write(out: Path, subject: Subject, recipe: Recipe, json: str | None, what: str) -> None:
    picture = render(subject, recipe)
    images.write_png(out, picture, recipe.to_json())
    facts = {"picture": str(out), "size": [picture.shape[1], picture.shape[0]]}
    write_json(json, {**facts, "recipe": recipe.to_json(), "checkpoint": subject.provenance})
    console(json).print(f"wrote {out}: {what}", soft_wrap=True)


def draw(
    recipe: Packed,
    out: Out = Path("picture.png"),
    checkpoint: OptionalCheckpoint = None,
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> None:
    """Draw what the address of the explorer holds: its `recipe=...`, or the whole address.

    Args:
        out: the picture; it carries the recipe.
        checkpoint: where the checkpoint is, if not at the place the recipe names.
    """
    check_free(out, force)
    check_free(json, force)
    found = unpack(parse_qs(urlsplit(recipe).query).get("recipe", [recipe])[0])
    subject = load(checkpoint or found.checkpoint, device=device, weights=found.weights)
    _write(out, subject, found, json, f"{found.latents.count} pictures of {subject.name}")


def replay(
    pictures: Pictures,
    out: OptionalOut = None,
    checkpoint: OptionalCheckpoint = None,
    data: OptionalData = None,
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> int:
    """Draw pictures again from the recipes they carry and compare: exit code 1 if a pixel differs.

    Args:
        out: where to write the new picture; for one picture only.
        checkpoint: where the checkpoint is, if not at the place the recipe names.
        data: where the images are, if not at the place the recipe names.
    """
    if out is not None and len(pictures) > 1:
        raise GanlensError(f"--out takes one picture, not {len(pictures)}: replay them singly")
    check_free(out, force)
    check_free(json, force)
    stage = _Stage(checkpoint, data, device)
    rows = []
    for picture in pictures:
        recipe = replays.read(images.read_recipe(picture))
        again = stage.draw(recipe)
        rows.append({"picture": str(picture), **replays.compare(read_picture(picture), again)})
        if out is not None:
            images.write_png(out, again, recipe.to_json())
    screen = console(json)
    for row in rows:
        screen.print(f"{row['picture']}: {row['verdict']}", soft_wrap=True)
    if out is not None:
        screen.print(f"wrote {out}", soft_wrap=True)
    write_json(json, {"pictures": rows, "identical": all(row["identical"] for row in rows)})
    return 0 if all(row["identical"] for row in rows) else 1


class _Stage:
    """What pictures are drawn with, opened once for all of them."""

    def __init__(self, checkpoint: str | None, data: str | None, device: str) -> None:
        self.checkpoint, self.data, self.device = checkpoint, data, device
        self.subjects: dict[tuple[str, str], Subject] = {}
        self.kept: dict[str, replays.Pictures] = {}

    def draw(self, recipe: replays.AnyRecipe) -> np.ndarray:
        """Draw a recipe with the checkpoint and the data that it names."""
        subject = self._subject(recipe)
        open_one = partial(self._images, subject)
        return replays.redraw(subject, recipe, open_one, self.kept)

    def _subject(self, recipe: replays.AnyRecipe) -> Subject:
        place = self.checkpoint or recipe.checkpoint
        key = (place, recipe.weights)
        if key not in self.subjects:
            try:
                self.subjects[key] = load(place, device=self.device, weights=recipe.weights)
            except GanlensError as error:
                if self.checkpoint is not None:
                    raise
                raise GanlensError(f"{error}; or say where it is with --checkpoint") from error
        return self.subjects[key]

    def _images(self, subject: Subject, spec: str) -> "ImageSet":
        try:
            return open_images(self.data or spec, subject)
        except GanlensError as error:
            if self.data is not None:
                raise
            raise GanlensError(f"{error}; or say where the images are with --data") from error


def read_picture(path: Path) -> np.ndarray:
    """Return the pixels of a picture, an animation's frames one below another: (H, W, 3) uint8."""
    return np.concatenate(images.read_frames(path))
