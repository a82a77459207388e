"""``ganlens import``: weights of another project, as a checkpoint of ours."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import FlagCreatePairsOff, Positional, arg

from ganlens import images
from ganlens.checkpoints import MODEL_FILE, save_checkpoint
from ganlens.cli.flags import Force, Json
from ganlens.cli.terminal import check_free, check_free_folder, console, rows_table, write_json
from ganlens.devices import pick_device
from ganlens.errors import GanlensError
from ganlens.foreign import Imported, import_card, open_foreign
from ganlens.foreign.alternatives import sheet
from ganlens.foreign.recognition import Answers
from ganlens.models import MODELS
from ganlens.models.imported.trust import trust_words
from ganlens.models.prior import Prior
from ganlens.models.roles import named
from ganlens.subject import from_checkpoint

Sources = Annotated[
    Positional[tuple[Path, ...]],
    arg(metavar="SOURCE", help="File or folder of weights; netG.pth netD.pth belong together."),
]
Out = Annotated[Path | None, arg(metavar="DIR", help="Folder of the checkpoint that is written.")]
SAMPLES = 64


def command(
    source: Sources,
    answers: Answers,
    out: Out = None,
    dry_run: Annotated[bool, FlagCreatePairsOff] = False,
    alternatives: Annotated[Path | None, arg(metavar="FILE.png")] = None,
    json: Json = None,
    force: Force = False,
) -> None:
    """Turn weights that something else trained into a checkpoint, saying what was recognised.

    Read are PyTorch state dicts, safetensors and Theano's arrays of the projects that ganlens
    knows, without running anything from them. --trust also opens TorchScript and torch.export
    archives; --module package.module:callable --trust names the class of any other weights.

    Args:
        dry_run: say what would be written, and write nothing.
        alternatives: draw other readings of the same weights, one row each, into this picture.
    """
    if not source:
        raise GanlensError("import needs a source: name a file or folder of weights")
    if out is None and not dry_run:
        raise GanlensError("import needs --out DIR for the checkpoint, or --dry-run to look only")
    check_free(json, force)
    check_free(alternatives, force)
    if not dry_run:
        check_free_folder(out, force)
    imported = open_foreign(source, answers)
    if out is not None and not dry_run and not imported.saveable:
        raise GanlensError(
            f"{source[0]} is {imported.format} that no family knows, and checkpoints hold no"
            f" programs: use it where it lies, as in `ganlens report {source[0]} --trust`"
        )
    if alternatives is not None:
        images.write_png(alternatives, sheet(imported))
    screen = console(json)
    found = summary(imported)
    screen.print(rows_table(" ".join(map(str, source)), ("", ""), _shown(found)))
    if out is not None and not dry_run:
        _write(out, imported, _again(source, answers, out))
        screen.print(
            f"\nwrote {out / MODEL_FILE}, card.md; next: ganlens check {out}", soft_wrap=True
        )
    elif dry_run:
        screen.print("\nwrote nothing (--dry-run)")
    if alternatives is not None:
        screen.print(f"drew {len(imported.alternatives) + 1} readings into {alternatives}")
    elif imported.alternatives:
        others = len(imported.alternatives)
        screen.print(f"--alternatives FILE.png draws {others} other readings beside this one")
    write_json(json, found)


def summary(imported: Imported) -> dict[str, Any]:
    """Describe what was found, as JSON values."""
    header, networks = imported.checkpoint.header, imported.checkpoint.networks
    known = MODELS[header.family].roles if header.family in MODELS else {}
    return {
        "recognised": imported.format,
        "family": header.family,
        "networks": {
            part: sum(p.numel() for p in network.parameters()) for part, network in networks.items()
        },
        "roles": {part: known.get(part.removeprefix("ema."), part) for part in networks},
        "images": list(header.image_shape),
        "prior": header.prior,
        "calibration": header.calibration,
        "inferred": list(imported.inferred),
        "assumed": list(imported.assumed),
        "left_aside": list(imported.left_aside),
        "alternatives": [one.caption for one in imported.alternatives],
        "sha256": imported.checkpoint.hash,
    }


def _shown(found: dict[str, Any]) -> list[tuple[str, str]]:
    prior = found["prior"]
    rows = [
        ("recognised", found["recognised"]),
        *(
            (what, f"{found['networks'][what.split(' (')[0]]:,} parameters")
            for what in named(found["roles"])
        ),
        ("images", " x ".join(map(str, found["images"]))),
        ("prior", str(Prior(**prior)) if prior else "none"),
    ]
    for name in ("inferred", "assumed", "left_aside"):
        titles = (name.replace("_", " "), *[""] * len(found[name]))
        rows += zip(titles, found[name], strict=False)
    return rows


def _again(source: tuple[Path, ...], answers: Answers, out: Path) -> str:
    """Return the command as others may read it: names of files, not where they lay here."""
    words = ["ganlens", "import", *(path.resolve().name for path in source), "--out", out.name]
    for name, value in asdict(answers).items():
        if value != getattr(Answers(), name):
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{name.replace('_', '-')}", *(f"{v:g}" if isinstance(v, float) else str(v)
                      for v in values)]  # fmt: skip
    return shlex.join([*words, *trust_words()])


def _write(out: Path, imported: Imported, command: str) -> None:
    header, networks = imported.checkpoint.header, imported.checkpoint.networks
    extras = {"card.md": import_card(out.name, header, list(networks), command).encode()}
    subject = from_checkpoint(imported.checkpoint, pick_device("cpu"))
    if subject.generator is not None:
        drawn = images.to_uint8(subject.sample(range(SAMPLES)))
        extras["samples.png"] = images.png_bytes(images.grid(drawn))
    save_checkpoint(out, header, networks, extras)
