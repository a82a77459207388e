"""Latents by description: seeds, rows, walks and planes between them, and weighted sums of seeds.

Each description is a frozen dataclass of plain values, so it fits into the recipe of a picture, and
gives the same latents on every machine.
"""

from typing import Any

from ganlens.latents.checks import MAX_ROWS, MAX_SEED
from ganlens.latents.mix import Mix, Sum
from ganlens.latents.patch import Patch
from ganlens.latents.rows import Rows
from ganlens.latents.seeds import Seeds
from ganlens.latents.stack import Stack
from ganlens.latents.walk import Walk

Latents = Seeds | Rows | Walk | Patch | Mix | Stack
KINDS: dict[str, Any] = {cls.kind: cls for cls in (Seeds, Rows, Walk, Patch, Mix, Stack)}

__all__ = [
    "KINDS",
    "MAX_ROWS",
    "MAX_SEED",
    "Latents",
    "Mix",
    "Patch",
    "Rows",
    "Seeds",
    "Stack",
    "Sum",
    "Walk",
]
