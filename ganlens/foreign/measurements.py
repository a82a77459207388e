"""What running statistics tell, kept in the cache folder: the same weights are measured once.

A measurement takes seconds and depends on the weights and on what is asked of them, and on nothing
else. Where nothing can be kept it is made anew.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import torch

from ganlens.data.checked import Damaged, read_json, write_json
from ganlens.errors import GanlensError
from ganlens.foreign import fitting
from ganlens.foreign.fitting import Reading, Stage
from ganlens.models.imported.layers import Geometry
from ganlens.places import cache_folder

KEPT = "measurements"  # where in the cache folder they are kept
FORMAT = "1"  # raise it when ``fitting`` changes: older ones are then not found


def readings(
    stages: Sequence[Stage],
    prior: str,
    eps: float,
    activations: Sequence[tuple[str, float]],
    usual: Sequence[Geometry],
    search: bool,
) -> list[Reading]:
    """Return what ``fitting.readings`` returns."""
    asked = (prior, eps, activations, usual, search)

    def measure() -> list[dict[str, Any]]:
        return [asdict(one) for one in fitting.readings(stages, *asked)]

    return [
        Reading(tuple(one["activation"]), _tuples(one["geometry"]), one["discrepancy"])
        for one in _kept("readings", stages, asked, measure)
    ]


def geometries(
    stages: Sequence[Stage], prior: str, eps: float, best: Reading
) -> list[list[tuple[Geometry, float]]]:
    """Return what ``fitting.geometries`` returns."""
    asked = (prior, eps, asdict(best))
    found = _kept("geometries", stages, asked, lambda: fitting.geometries(stages, prior, eps, best))
    return [[(tuple(one), apart) for one, apart in tried] for tried in found]


def _tuples(values: Sequence[Sequence[int]]) -> tuple[Geometry, ...]:
    return tuple(tuple(one) for one in values)  # type: ignore[misc]


def _kept(what: str, stages: Sequence[Stage], asked: Any, measure: Callable[[], Any]) -> Any:
    """Return a measurement as JSON has it: one that was kept, or a new one, which is then kept."""
    try:
        file = cache_folder() / KEPT / f"{_key(what, stages, asked)}.json"
    except GanlensError:  # there is no home folder to keep it in
        return measure()
    with suppress(OSError, Damaged, KeyError):
        return read_json(file)["found"]
    found = measure()
    with suppress(OSError):
        write_json(file, {"found": found})
    return found


def _key(what: str, stages: Sequence[Stage], asked: Any) -> str:
    digest = hashlib.sha256(json.dumps([FORMAT, torch.__version__, what, asked]).encode())
    for tensor in (one for stage in stages for one in vars(stage).values()):
        if tensor is None:
            digest.update(b"none")
        else:
            digest.update(str(tuple(tensor.shape)).encode())
            digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]
