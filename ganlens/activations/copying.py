"""Copies of networks as people have them."""

from copy import deepcopy
from typing import Any

from torch import Tensor, nn


def copied(module: nn.Module, known: dict[int, Any] | None = None) -> nn.Module:
    """Return a deep copy; what a layer computed from its weights is copied without its history.

    The older ``weight_norm`` and ``spectral_norm`` keep such a tensor, which torch refuses to copy.

    Args:
        module: any torch module; it is not touched.
        known: as ``deepcopy`` takes it: id of an object -> what stands in its place in the copy.
    """
    memo = dict(known or {})
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    return deepcopy(module, memo)
