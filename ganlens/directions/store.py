"""Directions in a file: safetensors with a JSON header. No pickle, no code."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ganlens.checkpoints import versions
from ganlens.directions.direction import Direction
from ganlens.errors import GanlensError, one_of
from ganlens.files import check_regular, write_bytes
from ganlens.plain import loads

if TYPE_CHECKING:
    from ganlens.subject import Subject

FORMAT = 1
SUFFIX = ".safetensors"
KEY = "ganlens-directions"
PLAIN = ("name", "method", "claim", "intercept", "strength", "layer", "metrics", "provenance")


def directions_bytes(directions: Sequence[Direction]) -> bytes:
    """Return the content of a direction file: (n, d) units, offsets, and a JSON header.

    Raises:
        GanlensError: no directions, several checkpoints or dimensions, or a number in the header
            that is not finite.
    """
    if not directions:
        raise GanlensError("there are no directions to save: find some first")
    hashes = {one.provenance.get("hash") for one in directions}
    if len(hashes) > 1 or len({len(one.unit) for one in directions}) > 1:
        raise GanlensError("directions of several checkpoints do not fit into one file")
    header = {
        "format": FORMAT,
        "hash": hashes.pop(),
        "versions": versions(),
        "directions": [_plain(one) for one in directions],
    }
    arrays = {"units": np.stack([one.unit for one in directions])}
    for index, one in enumerate(directions):
        if one.offset is not None:
            arrays[f"offset.{index}"] = one.offset
    try:
        return save(arrays, metadata={KEY: json.dumps(header, allow_nan=False)})
    except (ValueError, TypeError) as error:
        raise GanlensError(f"these directions cannot be written as JSON: {error}") from error


def save_directions(path: str | Path, directions: Sequence[Direction]) -> Path:
    """Write directions as one safetensors file; an older one survives any failure.

    Raises:
        GanlensError: as ``directions_bytes``; or the file cannot be written.
    """
    write_bytes(Path(path), directions_bytes(directions))
    return Path(path)


def find_direction(spec: str | Path, subject: "Subject") -> Direction:
    """Read one direction of this subject from a file.

    Args:
        spec: "FILE.safetensors:NAME"; without a NAME the file's first one.
        subject: the GAN that the direction must belong to.

    Raises:
        GanlensError: no such file or name, or directions of another checkpoint.
    """
    text = str(spec)
    file, found, name = text.rpartition(f"{SUFFIX}:")
    every = load_directions(file + SUFFIX if found else text, subject)
    named = {one.name: one for one in reversed(every)}  # of equal names the first one counts
    if found and name not in named:
        raise one_of(f"in {file + SUFFIX}, direction", name, dict.fromkeys(d.name for d in every))
    return named[name] if found else every[0]


def load_directions(path: str | Path, subject: "Subject | None" = None) -> list[Direction]:
    """Read a direction file. No code from it is run.

    Args:
        path: what ``save_directions`` wrote.
        subject: the GAN that the directions are for; one with another hash is refused.

    Raises:
        GanlensError: no such file, a damaged or foreign one, a newer format, numbers that are not
            finite, or directions of another checkpoint.
    """
    file = Path(path)
    header, arrays = _read(file)
    try:
        directions = [_direction(index, one, arrays) for index, one in enumerate(header)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise GanlensError(f"{file} has a damaged header ({error}): write it again") from error
    except GanlensError as error:
        raise GanlensError(f"{file} cannot be used: {error}") from error
    for one in directions if subject is not None else ():
        one.check(subject)  # type: ignore[arg-type]
    return directions


def _plain(one: Direction) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in PLAIN}
    return {k: dict(v) if isinstance(v, Mapping) else v for k, v in values.items()}


def _read(file: Path) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    check_regular(file)
    if not file.is_file():
        raise GanlensError(f"direction file {str(file)!r} does not exist: give one that was saved")
    try:
        with safe_open(file, framework="numpy") as opened:
            text = (opened.metadata() or {}).get(KEY)
            names = list(opened.keys()) if text is not None else []
            arrays = {name: opened.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise GanlensError(
            f"{file} is damaged, cut short or no safetensors file ({error}): write it again"
        ) from error
    if text is None:
        raise GanlensError(f"{file} holds no directions: its header has no {KEY!r} entry")
    try:
        header = loads(text)
        newest, listed = int(header["format"]), list(header["directions"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise GanlensError(f"{file} has a damaged header ({error}): write it again") from error
    if newest > FORMAT:
        raise GanlensError(
            f"{file} has format version {newest}; this ganlens reads up to {FORMAT}: upgrade "
            "ganlens"
        )
    return listed, arrays


def _direction(index: int, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> Direction:
    given = {name: values[name] for name in PLAIN}
    numbers = {**given["metrics"], "intercept": given["intercept"], "strength": given["strength"]}
    for name, number in numbers.items():
        if number is not None and not np.isfinite(number):
            raise GanlensError(f"{name} of direction {given['name']!r} is not finite")
    return Direction(unit=arrays["units"][index], offset=arrays.get(f"offset.{index}"), **given)
