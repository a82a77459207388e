"""Values as strict JSON has them, read and written: what is not finite is null, or refused."""

import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

NOT_DEFINED = "not defined for this input"
INFINITE = "infinite"


def plain(value: Any, undefined: dict[str, str] | None = None, path: str = "") -> Any:
    """Return a value as ``json.dumps(..., allow_nan=False)`` takes it.

    Args:
        value: numbers, strings, paths, NumPy's and torch's values, and mappings, lists and sets
            (sorted) of them. Anything else becomes its ``str``.
        undefined: filled, where given, with the path of each number that is not finite and
            NOT_DEFINED (NaN) or INFINITE (of either sign).
        path: of the value: "a.b[2]".

    Raises:
        ValueError: a mapping has two keys of the same text.
    """
    if isinstance(value, Mapping):
        named = {str(k): v for k, v in value.items()}
        if len(named) < len(value):
            raise ValueError(f"two keys of {path or 'a mapping'} have the same text")
        return {k: plain(v, undefined, f"{path}.{k}" if path else k) for k, v in named.items()}
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [plain(item, undefined, f"{path}[{i}]") for i, item in enumerate(items)]
    if isinstance(value, float) and not math.isfinite(value):
        if undefined is not None:
            undefined[path] = NOT_DEFINED if math.isnan(value) else INFINITE
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.as_posix() if isinstance(value, PurePath) else str(value)


def loads(text: str | bytes) -> Any:
    """Read strict JSON.

    Raises:
        ValueError: no JSON; NaN, Infinity, or a number so large that it would become infinite; or
            nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text:.40} is too large for a number")
    return value
