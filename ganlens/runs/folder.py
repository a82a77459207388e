"""The folder of a run: whose it is, its metrics, and the state to resume from."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganlens.checkpoints import METRICS_FILE
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import Extractor
from ganlens.files import check_writable, is_temporary, remove_leftovers, write_bytes
from ganlens.models import MODELS
from ganlens.models.arguments import completed
from ganlens.plain import loads
from ganlens.training import Trainer, TrainStep, configure

STATE_FILE, SETTINGS_FILE = "state.safetensors", "run.json"
EXTRACTOR_FOLDER = "judge"  # a classifier whose features samples are evaluated in, made first
SCORES = {"epoch", "fd", "precision", "recall", "density", "coverage"}  # of an evaluation
FREE_TO_CHANGE = {"epochs"}  # of the training settings, when a run is resumed


def run_identity(
    trainer: Trainer,
    train_data: ImageSet,
    held_out: ImageSet,
    extractor: Extractor,
    others: ImageSet | None = None,
) -> dict[str, Any]:
    """Return everything that determines the weights of a run, as plain JSON values."""
    condition = trainer.data.condition
    return {
        "family": trainer.family,
        "arguments": trainer.arguments,
        "training": trainer.config.flat(),
        "precision": trainer.fabric._precision.precision,
        "data": _described(train_data),
        "held_out": {"spec": held_out.spec, "fingerprint": held_out.fingerprint},
        "extractor": extractor.name,
        "start": trainer.start.hash if trainer.start else None,
        "others": None if others is None else _described(others),
        "condition": None if condition is None else [condition.kind, *condition.names],
    }


def _described(data: ImageSet) -> dict[str, Any]:
    return {
        "spec": data.spec,
        "split": data.split,
        "fingerprint": data.fingerprint,
        "n": len(data),
        "skipped": len(data.skipped),
        "class_names": list(data.class_names),
        "attributes": sorted(data.attributes),
        **({"withheld": data.withheld} if data.withheld else {}),
    }


def check_place(folder: Path) -> None:
    """Refuse a place where no run can be; quick, so it comes before a classifier is trained.

    Raises:
        GanlensError: a file, a folder of something else, or one that cannot be made.
    """
    if folder.is_file():
        raise GanlensError(f"{folder} is a file: give a folder to --out")
    inside = list(folder.iterdir()) if folder.is_dir() else []
    held = {path.name for path in inside if not is_temporary(path)}  # of a run killed at once
    if held - {EXTRACTOR_FOLDER} and not (folder / SETTINGS_FILE).is_file():
        raise GanlensError(f"{folder} holds other files: give a new folder to --out")
    check_writable(folder)


def check_folder(folder: Path, wanted: dict[str, Any]) -> None:
    """Refuse a folder that holds something other than this very run.

    Raises:
        GanlensError: names the first difference.
    """
    check_place(folder)
    file = folder / SETTINGS_FILE
    if not file.is_file():
        return
    try:
        held = loads(file.read_bytes())
    except ValueError as error:
        raise GanlensError(f"{file} is damaged ({error}): give a new folder to --out") from error
    before, now = _flat(_completed(held)), _flat(wanted)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key) and key.split(".")[-1] not in FREE_TO_CHANGE:
            raise GanlensError(
                f"{folder} holds another run: its {key} is {before.get(key)!r}, not"
                f" {now.get(key)!r};"
                " give the same settings to resume it, or a new folder to --out"
            )


def _completed(held: Any) -> dict[str, Any]:
    """Add what a run that began before ganlens knew of a setting has: its default."""
    if not isinstance(held, dict) or held.get("family") not in MODELS:
        return dict(held) if isinstance(held, dict) else {}
    family = str(held["family"])
    usual = dict.fromkeys(("start", "others", "condition"))
    arguments = completed(MODELS[family], held.get("arguments") or {})
    training = configure(family).flat() | (held.get("training") or {})
    return {**usual, **held, "arguments": arguments, "training": training}


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= _flat(inner, f"{prefix}.{key}" if prefix else key)
    return found


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Read a run's or a checkpoint's metrics.jsonl, up to an unfinished or damaged line."""
    file, rows = folder / METRICS_FILE, []
    for line in file.read_text(errors="replace").splitlines() if file.is_file() else []:
        try:
            row = loads(line)
        except ValueError:
            break
        if not is_row(row):
            break
        rows.append(row)
    return rows


def clear(folder: Path) -> None:
    """Remove what a run that was killed left half written; the run must be this process's own."""
    inside = folder.rglob("*") if folder.is_dir() else ()
    for place in [folder, *(one for one in inside if one.is_dir() and not one.is_symlink())]:
        remove_leftovers(place)


def write_state(folder: Path, tensors: Mapping[str, Tensor], known: dict[str, Any]) -> None:
    """Write the state of a run: its tensors on the CPU, and plain values beside them."""
    content = save(dict(tensors), metadata={"ganlens-state": json.dumps(known)})
    write_bytes(folder / STATE_FILE, content)


def read_state(folder: Path, restore: Callable[[dict[str, Tensor]], object]) -> dict[str, Any]:
    """Hand the tensors of a saved state to ``restore``; return what it knows beside them.

    That is "best" and "seconds"; "pending", the steps that no line of metrics.jsonl averages over
    yet; and "recent" and "early" of the diagnostics. Older states know the first two alone.

    Raises:
        GanlensError: the file is damaged, or ``restore`` cannot use it.
    """
    file = folder / STATE_FILE
    try:
        with safe_open(file, framework="pt") as opened:
            known = loads(opened.metadata()["ganlens-state"])
            best = None if known["best"] is None else float(known["best"])
            steps = [TrainStep(**one) for one in known.get("pending", [])]
            known = {
                "best": best,
                "seconds": float(known["seconds"]),
                "pending": steps,
                "recent": [dict(one) for one in known.get("recent", [])],
                "early": {k: list(v) for k, v in known.get("early", {}).items()},
            }
            restore({k: opened.get_tensor(k) for k in opened.keys()})  # noqa: SIM118
    except (
        SafetensorError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RuntimeError,
    ) as error:
        raise GanlensError(
            f"{file} is damaged ({error}): remove it to begin anew, or take another --out"
        ) from error
    return known


def is_row(row: Any) -> bool:
    """Whether a line is what a run writes: a step, and every score (None if undefined) or none."""
    if not isinstance(row, dict) or not isinstance(row.get("step"), int):
        return False
    if "fd" not in row:
        return True
    numbers = all(isinstance(row.get(key, ""), float | int | None) for key in SCORES)
    return numbers and None not in (row["epoch"], row["fd"])


def average(steps: Sequence[TrainStep]) -> dict[str, Any]:
    """Average the numbers of some steps into one row; phases that rested count for nothing."""
    row: dict[str, Any] = {"step": steps[-1].step, "epoch": steps[-1].epoch}
    for name in dict.fromkeys(name for one in steps for name in one.numbers):
        values = [one.numbers[name] for one in steps if name in one.numbers]
        row[name] = round(fmean(values), 5)
    seconds = sum(1 / s.images_per_second for s in steps)
    return row | {"images_per_second": round(len(steps) / seconds, 1)}


def metrics_lines(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return rows as the content of metrics.jsonl."""
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()
