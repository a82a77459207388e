"""The condition of a wrapped module: classes as labels or as rows, whichever the module takes."""

import torch
from torch import Tensor

from ganlens.errors import GanlensError


def check_label(label: int, classes: int | None) -> int:
    """Return a label.

    Raises:
        GanlensError: it is not below the number of classes, or there are none.
    """
    if not 0 <= label < (classes or 1):
        valid = f"give 0 to {classes - 1}" if classes else "this network takes no labels"
        raise GanlensError(f"label {label} is not known: {valid}")
    return label


def condition_inputs(
    condition: Tensor | None, like: Tensor, classes: int | None, label: int, rows: bool
) -> tuple[Tensor, ...]:
    """Return what a module takes after its latents or images: nothing without classes.

    Args:
        condition: (N,) whole-number labels, (N, classes) rows such as one-hot ones, or None.
        like: (N, ...) latents or images that it belongs to.
        classes: of the module.
        label: the class where no condition is given.
        rows: whether the module takes rows; otherwise the largest value of a row is its label.

    Returns:
        (N,) labels, or (N, classes) rows of ``like``'s type.

    Raises:
        GanlensError: the condition has another shape, or the module takes none.
    """
    if classes is None:
        if condition is not None:
            raise GanlensError("this network takes no labels: leave them out")
        return ()
    if condition is None:
        condition = torch.full((len(like),), label, device=like.device)
    given = condition.to(like.device)
    if given.shape == (len(like), classes):
        return (given.to(like.dtype) if rows else given.argmax(1),)
    if given.shape == (len(like),) and not given.is_floating_point():
        return (torch.nn.functional.one_hot(given, classes).to(like.dtype) if rows else given,)
    raise GanlensError(
        f"condition of shape {tuple(given.shape)} does not fit {len(like)} inputs: give a whole"
        f" number below {classes}, or a row of {classes} values, for each"
    )
