"""``ganlens sample`` and ``ganlens replay``: pictures that carry their recipe."""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from tyro.conf import Positional, arg

from ganlens import images
from ganlens.cli.flags import Checkpoint, Device, Force, Json
from ganlens.cli.terminal import check_free, console, write_json
from ganlens.errors import GanlensError
from ganlens.latents import Seeds
from ganlens.recipe import Recipe, render
from ganlens.report import enlargement
from ganlens.subject import Subject, load

Picture = Annotated[
    Positional[Path], arg(metavar="PICTURE", help="A PNG or WebP that ganlens wrote.")
]
Out = Annotated[Path, arg(metavar="PNG")]
OptionalOut = Annotated[Path | None, arg(metavar="PNG")]
OptionalCheckpoint = Annotated[str | None, arg(metavar="CHECKPOINT")]


def sample(
    checkpoint: Checkpoint,
    n: int = 64,
    seed: int = 0,
    out: Out = Path("samples.png"),
    columns: int | None = None,
    enlarge: int | None = None,
    weights: Literal["ema", "raw"] = "ema",
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> None:
    """Draw a grid of samples, one per seed, as they come; the PNG carries its recipe.

    Args:
        n: how many.
        seed: seed of the first; the others follow it. A seed means the same sample at any n.
        out: the picture.
        columns: samples per row; by default the grid is as square as n allows.
        enlarge: repeat every pixel this often both ways; by default to fill a window.
        weights: the averaged generator, or the one that was trained.
    """
    check_free(out, force)
    check_free(json, force)
    if n < 1:
        raise GanlensError(f"--n {n} draws nothing: give at least 1")
    subject = load(checkpoint, device=device, weights=weights)
    across = columns or int(np.ceil(np.sqrt(n)))
    scale = enlarge or enlargement(across * (subject.image_shape[2] + 2))
    seeds = Seeds(tuple(range(seed, seed + n)))
    recipe = Recipe.of(subject, seeds, columns=columns, enlargement=scale)
    _write(
        out, subject, recipe, json, f"{n} samples of {subject.name}, seeds {seed} to {seed + n - 1}"
    )


def _write(out: Path, subject: Subject, recipe: Recipe, json: str | None, what: str) -> None:
    picture = render(subject, recipe)
    images.write_png(out, picture, recipe.to_json())
    facts = {"picture": str(out), "size": [picture.shape[1], picture.shape[0]]}
    write_json(json, {**facts, "recipe": recipe.to_json(), "checkpoint": subject.provenance})
    console(json).print(f"wrote {out}: {what}", soft_wrap=True)


def replay(
    picture: Picture,
    out: OptionalOut = None,
    checkpoint: OptionalCheckpoint = None,
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> int:
    """Draw a picture again from the recipe inside and compare: exit code 1 if a pixel differs.

    Args:
        out: where to write the new picture.
        checkpoint: where the checkpoint is, if not at the place the recipe names.
    """
    check_free(out, force)
    check_free(json, force)
    recipe = Recipe.from_json(images.read_recipe(picture))
    subject = _find(recipe, checkpoint, device)
    again = render(subject, recipe)
    found = compare(read_picture(picture), again)
    if out is not None:
        images.write_png(out, again, recipe.to_json())
    write_json(json, {"picture": str(picture), **found, "recipe": recipe.to_json()})
    screen = console(json)
    screen.print(f"{picture}: {found['verdict']}", soft_wrap=True)
    if out is not None:
        screen.print(f"wrote {out}", soft_wrap=True)
    return 0 if found["identical"] else 1


def _find(recipe: Recipe, checkpoint: str | None, device: str) -> Subject:
    try:
        return load(checkpoint or recipe.checkpoint, device=device, weights=recipe.weights)
    except GanlensError as error:
        if checkpoint is not None:
            raise
        raise GanlensError(f"{error}; or say where it is with --checkpoint") from error


def read_picture(path: Path) -> np.ndarray:
    """Return the pixels of a picture, an animation's frames one below another: (H, W, 3) uint8."""
    return np.concatenate(images.read_frames(path))


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
