"""``ganlens draw`` and ``replay``: pictures drawn again from their recipes."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs, urlsplit

import numpy as np
from tyro.conf import Positional, arg

from ganlens import images
from ganlens import replay as replays
from ganlens.checkpoints import find_checkpoint, list_folders, model_hash
from ganlens.cli.flags import Device, Force, Json, OptionalData
from ganlens.cli.listing import RUNS
from ganlens.cli.opening import open_images
from ganlens.cli.terminal import check_free, console, write_json
from ganlens.errors import GanlensError, one_of
from ganlens.packing import unpack
from ganlens.recipe import Recipe, render
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
OptionalSources = Annotated[str | None, arg(metavar="SPEC", aliases=["--source"])]
FilesFlag = Annotated[tuple[str, ...], arg(metavar="SETTING=FILE [SETTING=FILE ...]")]
OptionalCheckpoint = Annotated[str | None, arg(metavar="CHECKPOINT")]


def write_picture(out: Path, subject: Subject, recipe: Recipe, json: str | None, what: str) -> None:
    """Draw a recipe and write the PNG that carries it; say so, and write the numbers if asked."""
    picture = render(subject, recipe)
    images.write_png(out, picture, recipe.to_json())
    facts = {"picture": str(out), "size": [picture.shape[1], picture.shape[0]]}
    write_json(json, {**facts, "recipe": recipe.to_json(), "checkpoint": subject.provenance})
    console(json).print(f"wrote {out}: {what}", soft_wrap=True)


def draw(
    recipe: Packed,
    out: Out = Path("picture.png"),
    checkpoint: OptionalCheckpoint = None,
    sources: OptionalSources = None,
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> None:
    """Draw what the address of the explorer holds: its `recipe=...`, or the whole address.

    Args:
        out: the picture; it carries the recipe.
        checkpoint: where the checkpoint is, if not at the place the recipe names.
        sources: where the source pictures are, if not at the place the recipe names.
    """
    check_free(out, force)
    check_free(json, force)
    found = unpack(parse_qs(urlsplit(recipe).query).get("recipe", [recipe])[0])
    found = replays.elsewhere(found, sources)
    subject = load(checkpoint or found.checkpoint, device=device, weights=found.weights)
    write_picture(out, subject, found, json, f"{found.latents.count} pictures of {subject.name}")


def replay(
    pictures: Pictures,
    out: OptionalOut = None,
    checkpoint: OptionalCheckpoint = None,
    data: OptionalData = None,
    sources: OptionalSources = None,
    files: FilesFlag = (),
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> int:
    """Draw pictures again from the recipes they carry and compare: exit code 1 if a pixel differs.

    Args:
        out: where to write the new picture; for one picture only.
        checkpoint: where the checkpoint is, if not at the place the recipe names or in runs/.
        data: where the images are, if not at the place the recipe names.
        sources: where the source pictures are, if not at the place the recipe names.
        files: for settings that are paths, as image=a.png boxes=boxes.json; a picture may come from
            anybody, so no path of its recipe's settings is opened.
    """
    if out is not None and len(pictures) > 1:
        raise GanlensError(f"--out takes one picture, not {len(pictures)}: replay them singly")
    check_free(out, force)
    check_free(json, force)
    recipes = [replays.read(images.read_recipe(picture)) for picture in pictures]
    stage = _Stage(checkpoint, data, sources, device, files_of(files, recipes))
    rows = []
    for picture, recipe in zip(pictures, recipes, strict=True):
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

    def __init__(
        self,
        checkpoint: str | None,
        data: str | None,
        sources: str | None,
        device: str,
        files: replays.Files,
    ) -> None:
        self.checkpoint, self.data, self.device = checkpoint, data, device
        self.sources, self.files = sources, files
        self.subjects: dict[tuple[str, str], Subject] = {}
        self.kept: dict[str, replays.PanelPictures] = {}

    def draw(self, recipe: replays.AnyRecipe) -> np.ndarray:
        """Draw a recipe with the checkpoint and the data that it names."""
        subject = self._subject(recipe)
        open_one = partial(self._images, subject)
        try:
            return replays.redraw(subject, recipe, open_one, self.kept, self.sources, self.files)
        except GanlensError as error:
            if self.sources is not None or not replays.takes_pictures(recipe):
                raise
            raise GanlensError(f"{error}; or say where the pictures are with --sources") from error

    def _subject(self, recipe: replays.AnyRecipe) -> Subject:
        place = self.checkpoint or place_of(recipe)
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


def files_of(words: Sequence[str], recipes: Sequence[replays.AnyRecipe]) -> dict[str, list[str]]:
    """Read ``--files NAME=FILE ...``: name of a setting -> its files.

    Raises:
        GanlensError: words of another form, or a setting that is a path in none of the recipes.
    """
    known = {n for one in recipes if isinstance(one, replays.PanelRecipe) for n in one.paths()}
    found: dict[str, list[str]] = {}
    for word in words:
        name, sign, file = word.partition("=")
        if not sign or not file:
            raise GanlensError(f"--files {word!r} is not valid: give SETTING=FILE, as image=a.png")
        if name.replace("-", "_") not in known:
            raise one_of("--files setting", name, sorted(known) or ("none",))
        found.setdefault(name.replace("-", "_"), []).append(file)
    return found


def place_of(recipe: replays.AnyRecipe) -> str:
    """Return where a recipe's checkpoint is: at its name, or among the runs of this folder."""
    try:
        find_checkpoint(recipe.checkpoint)
    except GanlensError:
        for folder in list_folders(RUNS):
            named = recipe.checkpoint in (folder.name, folder.parent.name)
            if named and model_hash(folder) == recipe.hash:
                return str(folder)
    return recipe.checkpoint


def read_picture(path: Path) -> np.ndarray:
    """Return the pixels of a picture, an animation's frames one below another: (H, W, 3) uint8."""
    return np.concatenate(images.read_frames(path))
