"""Spectral norm (Miyato 2018, arXiv 1802.05957) in others' files: worked into the weights."""

from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.foreign.recognition import Weights, shape


def divided(weights: Weights) -> dict[str, Tensor]:
    """Divide every kernel and matrix under torch's ``spectral_norm`` by its norm.

    In eval mode the norm is a constant, u W v, so a network without it computes the same.

    Args:
        weights: with or without ``weight_orig``, ``weight_u`` and ``weight_v``.

    Returns:
        The same names, ``weight`` in place of these three.

    Raises:
        GanlensError: a vector is missing, or its length is not that of its kernel.
    """
    found = dict(weights)
    for name in weights:
        stem, _, last = name.rpartition("_")
        if last == "orig":
            kernel = found.pop(name)
            u, v = (_vector(found, f"{stem}_{axis}") for axis in "uv")
            rows = _rows(weights, name, u, v)
            found[stem] = kernel / (u @ rows @ v)
    return found


def _vector(found: dict[str, Tensor], name: str) -> Tensor:
    shape(found, name, 1)
    return found.pop(name).float()


def _rows(weights: Weights, name: str, u: Tensor, v: Tensor) -> Tensor:
    """Return a kernel as a matrix of one row for each output: axis 1 of transposed convolutions."""
    kernel = weights[name]
    rows = kernel.float().movedim(int("deconv" in name), 0).flatten(1)
    if rows.shape != (len(u), len(v)):
        raise GanlensError(
            f"weights have {name} of shape {tuple(kernel.shape)}, and vectors of {len(u)} and"
            f" {len(v)} values for its spectral norm: take another checkpoint"
        )
    return rows
