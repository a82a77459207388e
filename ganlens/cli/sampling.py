"""``ganlens sample``: what a model draws, translates or reconstructs, on a sheet or as files."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import arg

from ganlens.cli.flags import Checkpoint, Device, Force, Json
from ganlens.cli.opening import open_sources
from ganlens.cli.pictures import write_picture
from ganlens.cli.sample_files import write_folder, write_npz
from ganlens.cli.sample_plan import Plan, per_picture
from ganlens.cli.terminal import check_apart, check_free, check_free_folder, console, write_json
from ganlens.data import ImageSet
from ganlens.directions import find_direction
from ganlens.edits import Edit, Truncate
from ganlens.edits import columns as amounts_of
from ganlens.errors import GanlensError
from ganlens.latents import MAX_ROWS
from ganlens.recipe import Layout, source_role
from ganlens.report import enlargement, sources_of
from ganlens.subject import Subject, load

MOST_FILES = 1_000_000  # samples in a folder or an npz

Out = Annotated[Path, arg(metavar="PNG|NPZ|DIR")]
OptionalDirection = Annotated[str | None, arg(metavar="FILE.safetensors[:NAME]")]
Words = Annotated[
    tuple[tuple[str, ...], ...], tyro.conf.UseAppendAction, arg(metavar="WORDS [WORDS ...]")
]
Source = Annotated[str | None, arg(aliases=["--sources"], metavar="SPEC")]
Network = Annotated[str | None, arg(metavar="NAME")]


def sample(
    checkpoint: Checkpoint,
    n: int = 64,
    seed: int = 0,
    condition: Words = (),
    source: Source = None,
    network: Network = None,
    out: Out = Path("samples.png"),
    columns: int | None = None,
    enlarge: int | None = None,
    direction: OptionalDirection = None,
    amounts: tuple[float, ...] = (-3.0, -1.5, 0.0, 1.5, 3.0),
    at_layer: bool = False,
    truncate: float | None = None,
    weights: Literal["ema", "raw"] = "ema",
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> None:
    """Draw samples, one per seed, as they come; every PNG carries its recipe.

    A translator translates pictures, and a model with an encoder and a generator reconstructs those
    of --source: the sheet shows each beside what became of it. With a direction every sample is a
    row, moved by the amounts from left to right.

    Args:
        n: how many; of pictures, as many of them as there are.
        seed: seed of the first; the others follow it. A seed means the same sample at any n. Of
            pictures it is the first row.
        condition: of a conditional model, in the data's words: one for all, or one for each row or
            each sample. By default each sample has the condition that its seed draws.
        source: pictures to translate, by default the held-out ones of a translator's training data;
            or to reconstruct.
        network: name of the translator, where a model has several; by default the first.
        out: a sheet (PNG), one PNG per seed in a folder, or an npz of images, seeds and conditions,
            which --data takes.
        columns: samples per row of the sheet; by default it is as square as n allows.
        enlarge: repeat every pixel this often both ways; by default a sheet fills a window.
        direction: as `ganlens directions --out DIR` keeps them, in DIR/directions.safetensors.
        amounts: how far to move along the direction, in standard deviations of the prior.
        at_layer: leave the latents alone and move the activations of the layer that the direction
            was found at (GANSpace): earlier layers then keep what they decided.
        truncate: draw from the prior cut off at so many standard deviations (1 of a uniform prior
            is its edge): fewer extremes, less variety.
        weights: the averaged networks, or those that were trained.
    """
    kind = _check_out(out, json, force, columns, enlarge)
    most = MAX_ROWS if kind == "sheet" else MOST_FILES
    if not 1 <= n <= most:
        raise GanlensError(f"--n {n} cannot be drawn: give 1 to {most:,}")
    subject = load(checkpoint, device=device, weights=weights)
    edits: list[Edit] = [] if truncate is None else [Truncate(truncate)]
    said = ""
    if direction is not None:
        found = find_direction(direction, subject)
        edits.append(found.offset_edit(amounts) if at_layer else found.move(subject.prior, amounts))
        columns = columns or len(amounts)
        said = f", each moved along {found.name} by {', '.join(f'{a:g}' for a in amounts)} sigma"
    pictures = _pictures(subject, source, network)
    words = [one for group in condition for one in group]
    plan = Plan(subject, _rows(n, seed, pictures), pictures, network or "", edits=tuple(edits))
    conditions, columns = per_picture(plan, words, columns)
    plan = replace(
        plan, conditions=conditions, layout=Layout(columns, sources=pictures is not None)
    )
    _write(kind, out, plan, enlarge, json, plan.words + said)


def _check_out(
    out: Path, json: str | None, force: bool, columns: int | None, enlarge: int | None
) -> str:
    """Return what is to be written: a "sheet", an "npz" or a "folder"; refuse what cannot be."""
    kinds = {".png": "sheet", ".npz": "npz", "": "folder"}
    kind = kinds.get(out.suffix.lower(), "folder" if out.is_dir() else "")
    if not kind:
        raise GanlensError(f"--out {out} is no place for samples: give a .png, an .npz or a folder")
    ignored = {"--columns": columns if kind != "sheet" else None,
               "--enlarge": enlarge if kind == "npz" else None}  # fmt: skip
    if useless := [flag for flag, value in ignored.items() if value is not None]:
        raise GanlensError(f"{useless[0]} lays out a picture, and --out {out} is none: leave it"
                           " out")  # fmt: skip
    check_free(json, force)
    if kind == "folder":
        check_free_folder(out, force)
        check_apart(out, json)
    else:
        check_free(out, force)
    return kind


def _pictures(subject: Subject, source: str | None, network: str | None) -> ImageSet | None:
    """Return the pictures that are translated or reconstructed; None where latents are drawn."""
    if source is None and network is None and subject.generator is not None:
        return None
    takes = source_role(subject, network or "")
    if source is not None:
        return open_sources(source, subject.network(network or takes))
    return sources_of(subject, network or takes)


def _rows(n: int, seed: int, pictures: ImageSet | None) -> range:
    if pictures is None or seed + n <= len(pictures):
        return range(seed, seed + n)
    if not 0 <= seed < len(pictures):
        raise GanlensError(
            f"--seed {seed} is out of range: {pictures.spec} has {len(pictures):,} pictures, give"
            f" 0 to {len(pictures) - 1}"
        )
    return range(seed, len(pictures))


def _write(
    kind: str, out: Path, plan: Plan, enlarge: int | None, json: str | None, what: str
) -> None:
    if kind == "sheet":
        across = plan.layout.across(len(plan.rows), amounts_of(plan.edits))
        usual = enlargement(across * (plan.subject.image_shape[2] + 2))
        recipe = plan.recipe(
            plan.rows, replace(plan.layout, enlargement=usual if enlarge is None else enlarge)
        )
        write_picture(out, plan.subject, recipe, json, what)
        return
    if kind == "folder":
        write_folder(out, plan, 1 if enlarge is None else enlarge)
    else:
        write_npz(out, plan)
    known: dict[str, Any] = {"checkpoint": plan.subject.provenance, "n": len(plan.rows)}
    write_json(json, {"out": str(out), "seeds": [plan.rows[0], plan.rows[-1]], **known})
    console(json).print(f"wrote {out}: {what}", soft_wrap=True)
