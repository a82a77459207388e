"""What can be done with an inverted image: move it along a direction, or walk to another one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from ganlens.directions import SUFFIX, find_direction
from ganlens.edits import Move
from ganlens.errors import GanlensError
from ganlens.interpolation import resolve_mode, walk
from ganlens.latents import Rows
from ganlens.recipe import Recipe

if TYPE_CHECKING:
    from ganlens.subject import Subject

WALK = 8  # pictures from one inverted image to another
SHOWN = 4  # inverted images that are moved
AMOUNTS = (-3.0, -1.5, 0.0, 1.5, 3.0)  # standard deviations of the prior


def find_move(direction: Path, amounts: Sequence[float], subject: "Subject") -> Move:
    """Read a direction from a file and make it an edit.

    Args:
        direction: "FILE.safetensors:NAME", as the directions probe writes and names them; without
            a NAME the file's first one.
        amounts: in standard deviations of the prior; none stands for ``AMOUNTS``.
        subject: the GAN that the direction must belong to.

    Raises:
        GanlensError: no such file or name, or directions of another checkpoint.
    """
    return find_direction(direction, subject).move(subject.prior, amounts or AMOUNTS)


def check_edit(direction: Path | None, amounts: Sequence[float]) -> None:
    """Raise GanlensError for amounts that nothing would be moved by."""
    if amounts and direction is None:
        raise GanlensError(
            f"amount {' '.join(f'{a:g}' for a in amounts)} moves nothing: give a direction, as "
            f"--direction FILE{SUFFIX}:NAME"
        )


def edit_recipe(subject: "Subject", z: Tensor, move: Move | None = None) -> Recipe:
    """Describe the picture of what is done with inverted images.

    Args:
        subject: draws it.
        z: (N, d) inverted latents, at least 1; the first ones are shown.
        move: is done to each of them, one column per amount; without one the picture walks from
            each to the next.
    """
    if move is not None:
        shown = Rows.of(z[:SHOWN])
        return Recipe.of(subject, shown, edits=(move,), columns=len(move.amounts))
    corners = z[: SHOWN + 1] if len(z) > 1 else z.expand(2, -1)
    prior = subject.prior
    path = walk(corners, WALK, resolve_mode("auto", prior.kind), parts=prior.parts)
    return Recipe.of(subject, Rows.of(path), columns=WALK)
