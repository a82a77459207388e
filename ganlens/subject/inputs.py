"""What goes into the networks of a Subject, checked: numbers, shapes, conditions."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.models.conditions import Classes, Condition

ConditionLike = (
    str | Tensor | Sequence[str] | Sequence[int] | np.ndarray
)  # a condition, one or for each


def numbers(values: Tensor, what: str) -> Tensor:
    """Return values as float32, those of a NumPy array too.

    Raises:
        GanlensError: bytes, NaN or infinity.
    """
    found = torch.as_tensor(values)
    if not found.is_floating_point():
        raise GanlensError(f"{what} of type {found.dtype} are not usable: give float32")
    if not found.isfinite().all():
        raise GanlensError(f"{what} hold NaN or infinity: give finite numbers")
    return found.float()


def condition_rows(
    given: ConditionLike | None,
    count: int,
    condition: Condition | None,
    usual: Tensor | None,
    name: str,
) -> Tensor | None:
    """Return the (count, k) rows of a condition for a conditional network; None for another.

    Args:
        given: words or a row for all; or words, labels or rows for each; None takes ``usual``.
        count: how many images.
        condition: that of the networks; None for networks without.
        usual: the (k,) row where nothing is given.
        name: of the model, for errors.

    Raises:
        GanlensError: a condition for a model without one, unknown words, or another number.
    """
    if condition is None or usual is None:
        if given is not None:
            raise GanlensError(f"{name} takes no condition (no labels): leave it out")
        return None
    rows = usual if given is None else _rows(given, condition)
    if rows.ndim == 1:
        rows = rows.expand(count, -1)
    if rows.shape != (count, condition.dim):
        raise GanlensError(
            f"condition of shape {tuple(rows.shape)} does not fit {count} images: give one for all,"
            f" or {count} of {condition.dim} numbers each"
        )
    return numbers(rows, "conditions")


def _rows(given: ConditionLike, condition: Condition) -> Tensor:
    if isinstance(given, str):
        return condition.read(given)
    if not isinstance(given, Tensor | np.ndarray) and all(isinstance(one, str) for one in given):
        return condition.rows([]) if not len(given) else torch.stack(
            [condition.read(str(one)) for one in given]
        )  # fmt: skip
    found = torch.as_tensor(given)
    if found.is_floating_point():
        return found
    if not isinstance(condition, Classes) or found.ndim != 1:
        raise GanlensError("labels are whole numbers, one for each image, of a model with classes")
    if len(found) and not 0 <= int(found.min()) <= int(found.max()) < condition.dim:
        raise GanlensError(f"labels must be 0 to {condition.dim - 1}: {found.unique().tolist()}")
    return condition.labels(found.numpy())
