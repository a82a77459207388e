"""Values as strict JSON has them: what is not finite is null, and the reason stands beside it."""

import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
from torch import Tensor

NOT_DEFINED = "not defined for this input"
INFINITE = "infinite"


def plain(value: Any, undefined: dict[str, str] | None = None, path: str = "") -> Any:
    """Return a value as ``json.dumps(..., allow_nan=False)`` takes it.

    Args:
        value: numbers, texts, paths, NumPy's and torch's values, and mappings and lists of them.
        undefined: where the path of each number that is not finite is put, with the reason.
        path: of the value: "a.b[2]".
    """
    if isinstance(value, Mapping):
        return {str(k): plain(v, undefined, f"{path}.{k}".lstrip(".")) for k, v in value.items()}
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
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
