"""Whether two sets of features may be compared: only what came the same way."""

from collections.abc import Mapping
from typing import Any

from ganlens.errors import GanlensError

# Where a difference says most about its cause first.
ORDER = ("name", "weights", "layer", "pool", "resize", "quantisation", "precision", "dimensions")


def difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> str | None:
    """Name the first difference of two descriptions of features, None where they agree.

    Args:
        a: what ``Extractor.describe`` returns; with ``precision`` where it is known.
        b: the other one.

    Returns:
        A clause such as "weights 'ab12' against 'cd34'".
    """
    names = (*ORDER, *sorted((a.keys() | b.keys()) - set(ORDER)))
    for name in names:
        if a.get(name) != b.get(name):
            return f"{name} {a.get(name)!r} against {b.get(name)!r}"
    return None


def check_comparable(a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    """Raise unless numbers on two sets of features mean the same; see ``difference``.

    Raises:
        GanlensError: they differ; the first difference is named.
    """
    if (found := difference(a, b)) is not None:
        raise GanlensError(
            f"these features cannot be compared ({found}): extract both in the same way"
        )
