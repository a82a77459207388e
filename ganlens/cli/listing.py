"""``ganlens list``: the checkpoints at hand, and the embedded data."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from ganlens.checkpoints import Header, list_checkpoints, unknown_families
from ganlens.cli.flags import Json
from ganlens.cli.terminal import check_free, console, note, rows_table, write_json
from ganlens.data import EMBEDDED
from ganlens.errors import GanlensError
from ganlens.models import MODELS, register_trusted
from ganlens.models.classifier import FAMILY
from ganlens.models.conditions import from_json
from ganlens.models.prior import Prior
from ganlens.models.roles import named

Root = Annotated[Positional[Path | None], arg(metavar="ROOT", help="Folder to look in, and below.")]
COLUMNS = ("checkpoint", "family", "networks", "images", "prior", "condition", "trained on", "step")
RUNS = Path("runs")  # where the examples of the README put their runs


def list_command(root: Root = None, json: Json = None) -> None:
    """List checkpoints and embedded data: the shipped ones and those in ./runs, or below ROOT."""
    check_free(json, force=False)
    register_trusted()
    models, classifiers = checkpoints(root), checkpoints(root, FAMILY)
    if root is not None and not models and not classifiers and not unknown_families(root):
        raise GanlensError(
            f"no checkpoint in or below {root}: `ganlens train --out {root}/NAME` makes one; "
            "`ganlens list` without a folder shows the shipped ones"
        )
    found = {"checkpoints": models, "classifiers": classifiers}
    data = {} if root is not None else EMBEDDED
    written = {kind: [_entry(*one) for one in rows] for kind, rows in found.items()}
    write_json(json, written | {"data": [{"data": name, **asdict(d)} for name, d in data.items()]})
    screen = console(json)
    if models or not classifiers:
        screen.print(rows_table("", COLUMNS, [_model(*one) for one in models]))
    if classifiers:
        columns = ("classifier", "images", "reads", "right, held out", "trained on", "step")
        title = "for --extractor (ganlens fid, ganlens train)"
        screen.print("", rows_table(title, columns, [_classifier(*one) for one in classifiers]))
    _say_unknown(unknown_families(root or RUNS))
    if data:
        rows = [(name, one.images, one.origin, one.licence) for name, one in data.items()]
        screen.print("", rows_table("for --data", ("data", "images", "origin", "licence"), rows))


def _say_unknown(found: list[tuple[Path, str]]) -> None:
    """Name the families that are not known here, each with the folders of its checkpoints."""
    for name in dict.fromkeys(family for _, family in found):
        folders = ", ".join(str(folder) for folder, family in found if family == name)
        note(f"left out, of the unknown family {name!r}: {folders}; name it with --module"
             " package.module:callable --trust")  # fmt: skip


def checkpoints(root: Path | None, family: str | None = None) -> list[tuple[str, Header]]:
    """Return (what to type, header) of the checkpoints below a folder: all models, or one family.

    Raises:
        GanlensError: the folder is not there.
    """
    if root is None:
        shipped = [(folder.name, header) for folder, header in list_checkpoints(family=family)]
        return shipped + [
            (str(folder), header) for folder, header in list_checkpoints(RUNS, family)
        ]
    if not root.is_dir():
        raise GanlensError(f"{root} is not a folder: name one that holds checkpoints")
    return [(str(folder), header) for folder, header in list_checkpoints(root, family)]


def _entry(name: str, header: Header) -> dict[str, Any]:
    return {"checkpoint": name, **asdict(header)}


def _images(header: Header) -> str | None:
    size, channels = header.arguments.get("size"), header.arguments.get("channels")
    return f"{size} px {'grey' if channels == 1 else 'colour'}" if size else None


def _model(name: str, header: Header) -> tuple[Any, ...]:
    prior = Prior(**header.prior).words if header.prior else None
    specs = [data["spec"] for data in (header.data, header.others) if data.get("spec")]
    trained = (" and ".join(specs) or None, header.step)
    return (name, header.family, _networks(header), _images(header), prior, _told(header), *trained)


def _told(header: Header) -> str | None:
    """Return the conditions of the networks: their kind, and how many there are."""
    if not header.condition:
        return None
    condition = from_json(header.condition)
    what = {"classes": "", "attributes": " values", "text": " words"}.get(condition.kind, "")
    return f"{condition.kind} ({len(condition.names)}{what})"


def _networks(header: Header) -> str:
    """Return the networks' names, with the role of each that is not called after it."""
    roles = MODELS[header.family].roles if header.family in MODELS else {}
    held = {n: r for n, r in roles.items() if n in header.arguments} or roles  # of an import
    return ", ".join(named(held))


def _classifier(name: str, header: Header) -> tuple[Any, ...]:
    targets, found = header.arguments.get("targets", {}), header.metrics.get("accuracies", {})
    kinds = [f"{target} ({len(classes)})" for target, classes in targets.items()]
    shares = sorted(share for share in found.values() if share is not None)
    ends = dict.fromkeys(f"{share:.1%}" for share in (*shares[:1], *shares[-1:]))
    reads = ", ".join([*kinds, *header.arguments.get("numbers", {})])
    spec, step = header.data.get("spec"), header.step
    return (name, _images(header), reads, " to ".join(ends) or None, spec, step)
