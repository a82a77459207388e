"""Norms of weights in others' files, worked into the weights.

Spectral norm: Miyato 2018, arXiv 1802.05957. Weight norm: Salimans 2016, arXiv 1602.07868.
"""

import re

import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.foreign.recognition import Weights, shape

# Names of torch's parametrizations -> those that its older functions give.
_NEWER = (
    (re.compile(r"parametrizations\.(\w+)\.original$"), r"\1_orig"),
    (re.compile(r"parametrizations\.(\w+)\.0\._([uv])$"), r"\1_\2"),
    (re.compile(r"parametrizations\.(\w+)\.original0$"), r"\1_g"),
    (re.compile(r"parametrizations\.(\w+)\.original1$"), r"\1_v"),
)


def divided(weights: Weights) -> dict[str, Tensor]:
    """Divide every kernel and matrix under torch's ``spectral_norm`` by its norm.

    In eval mode the norm is a constant, u W v, so a network without it computes the same. What is
    under ``weight_norm`` becomes the weight that it stands for.

    Args:
        weights: with or without ``weight_orig``, ``weight_u`` and ``weight_v``, or ``weight_g`` and
            ``weight_v``; or the names that ``torch.nn.utils.parametrizations`` gives them.

    Returns:
        The same names, ``weight`` in place of these.

    Raises:
        GanlensError: a vector is missing, or its length is not that of its kernel.
    """
    found = {_older(name): value for name, value in weights.items()}
    for name in list(found):
        stem, _, last = name.rpartition("_")
        if last == "orig":
            kernel = found.pop(name)
            u, v = (_vector(found, f"{stem}_{axis}") for axis in "uv")
            found[stem] = kernel / _largest(name, kernel, u, v)
        elif last == "g" and f"{stem}_v" in found:
            found[stem] = _scaled(name, found.pop(name), found.pop(f"{stem}_v"))
    return found


def _older(name: str) -> str:
    for pattern, older in _NEWER:
        name = pattern.sub(older, name)
    return name


def _vector(found: dict[str, Tensor], name: str) -> Tensor:
    shape(found, name, 1)
    return found.pop(name).float()


def _largest(name: str, kernel: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Return u W v, a row of W for each output: along axis 1 of transposed convolutions.

    Where both axes fit, one gives the largest singular value, and the other something smaller.
    """
    axes = (1,) if "deconv" in name else (0, 1) if kernel.ndim == 4 else (0,)
    rows = [kernel.float().movedim(axis, 0).flatten(1) for axis in axes if kernel.ndim > 1]
    norms = [u @ matrix @ v for matrix in rows if matrix.shape == (len(u), len(v))]
    if not norms:
        raise GanlensError(
            f"weights have {name} of shape {tuple(kernel.shape)}, and vectors of {len(u)} and"
            f" {len(v)} values for its spectral norm: take another checkpoint"
        )
    return max(norms, key=float)


def _scaled(name: str, length: Tensor, direction: Tensor) -> Tensor:
    """Return the weight whose rows have these lengths and directions."""
    kept = [i for i, side in enumerate(length.shape) if side > 1] or [0]
    if length.ndim != direction.ndim or len(kept) > 1:
        raise GanlensError(
            f"weights have {name} of shape {tuple(length.shape)} for the weight norm of"
            f" {tuple(direction.shape)}: take another checkpoint"
        )
    others = [i for i in range(direction.ndim) if i != kept[0]]
    norms = torch.linalg.vector_norm(direction, dim=others, keepdim=True)
    return direction * (length / norms.clamp_min(1e-12))
