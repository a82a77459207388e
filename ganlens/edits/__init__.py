"""Edits: what can be done to latents and inside a generator on the way to a picture.

An edit is a frozen dataclass of plain values, so it fits into the recipe of a picture. ``Move``,
``Offset`` and ``Blend`` carry several amounts where a picture compares them: each latent is drawn
once per amount, side by side.
"""

from collections.abc import Sequence
from typing import Any

from ganlens.edits.latents import Move, Project, Truncate
from ganlens.edits.maps import EVERYWHERE, Blend, Silence, cells_in
from ganlens.edits.offset import MAX_OFFSET, Offset
from ganlens.errors import GanlensError

__all__ = [
    "EDITS",
    "EVERYWHERE",
    "MAX_OFFSET",
    "Blend",
    "Edit",
    "LatentEdit",
    "LayerEdit",
    "Move",
    "Offset",
    "Project",
    "Silence",
    "Truncate",
    "cells_in",
    "columns",
]

LatentEdit = Project | Truncate | Move
LayerEdit = Silence | Blend | Offset
Edit = LatentEdit | LayerEdit
EDITS: dict[str, Any] = {cls.kind: cls for cls in (Project, Truncate, Move, Silence, Blend, Offset)}


def columns(edits: Sequence[Edit]) -> int:
    """Return how often each latent is drawn: the number of amounts of the edit that has several.

    Raises:
        GanlensError: two edits have several amounts, and not equally many.
    """
    counts = {len(one.amounts) for one in edits if isinstance(one, Move | Blend | Offset)} - {1}
    if len(counts) > 1:
        raise GanlensError(
            f"edits with {' and '.join(map(str, sorted(counts)))} amounts do not fit beside each "
            "other: give each the same number, or one"
        )
    return counts.pop() if counts else 1
