"""``ganlens list``: the checkpoints at hand."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from ganlens.checkpoints import Header, list_checkpoints
from ganlens.cli.flags import Json
from ganlens.cli.terminal import check_free, console, rows_table, write_json
from ganlens.errors import GanlensError

Root = Annotated[Positional[Path | None], arg(metavar="ROOT", help="Folder to look in, and below.")]
RUNS = Path("runs")  # where the examples of the README put their runs


def list_command(root: Root = None, json: Json = None) -> None:
    """List checkpoints: the shipped ones and those below ./runs, or those below ROOT."""
    check_free(json, force=False)
    found = checkpoints(root)
    entries = [{"checkpoint": name, **asdict(header)} for name, header in found]
    write_json(json, {"checkpoints": entries})
    rows = [_row(name, header) for name, header in found]
    columns = ("checkpoint", "family", "images", "prior", "trained on", "step")
    console(json).print(rows_table("", columns, rows))


def checkpoints(root: Path | None) -> list[tuple[str, Header]]:
    """Return (what to type as CHECKPOINT, header) of the GANs below a folder.

    Raises:
        GanlensError: the folder is not there or holds none.
    """
    if root is None:
        shipped = [(folder.name, header) for folder, header in list_checkpoints()]
        return shipped + [(str(folder), header) for folder, header in list_checkpoints(RUNS)]
    if not root.is_dir():
        raise GanlensError(f"{root} is not a folder: name one that holds checkpoints")
    found = [(str(folder), header) for folder, header in list_checkpoints(root)]
    if not found:
        raise GanlensError(
            f"no checkpoint in or below {root}: `ganlens train --out {root}/NAME` makes one; "
            "`ganlens list` without a folder shows the shipped ones"
        )
    return found


def _row(name: str, header: Header) -> tuple[Any, ...]:
    size, channels = header.arguments.get("size"), header.arguments.get("channels")
    images = f"{size} px {'grey' if channels == 1 else 'colour'}" if size else None
    prior = f"{header.prior.get('kind')} {header.prior.get('dim')}"
    return (name, header.family, images, prior, header.data.get("spec"), header.step)
