"""Latents spelled out, coordinate by coordinate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ganlens.arrays import read_arrays
from ganlens.errors import GanlensError
from ganlens.latents.checks import check_count, put
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class Rows:
    """Latents spelled out: (N, d) numbers."""

    kind: ClassVar[str] = "rows"
    rows: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        put(self, "rows", check_rows(self.rows))
        check_count(len(self.rows))
        if not self.rows[0]:
            raise GanlensError("rows must be equally long, finite and not empty: one per latent")

    @classmethod
    def of(cls, z: Tensor) -> "Rows":
        """Spell out (N, d) latents; float32 survives the way through JSON exactly."""
        return cls(tuple(map(tuple, z.tolist())))

    @classmethod
    def read(cls, path: str | Path) -> "Rows":
        """Read (N, d) latents from a NumPy ``.npy`` file, without running any code from it.

        Raises:
            GanlensError: no such file, another format, or not a matrix of finite numbers.
        """
        found = read_arrays(path, "give an .npy file of latents, one row per latent")
        values = found.get("")
        if values is None or values.ndim != 2 or values.dtype.kind not in "fiu":
            raise GanlensError(f"{path} holds no (N, d) matrix of numbers: save one row per latent")
        return cls.of(torch.from_numpy(values.astype(np.float32)))

    @property
    def count(self) -> int:
        """Number of latents."""
        return len(self.rows)

    def latents(self, prior: Prior) -> Tensor:
        """Return (N, d) latents; an error if d is not the prior's."""
        return spelled(self.rows, prior)


def check_rows(rows: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """Return spelled-out latents as tuples of floats; none at all is allowed.

    Raises:
        GanlensError: not lists of numbers, not equally long, or not finite.
    """
    try:
        found = tuple(tuple(float(value) for value in row) for row in rows)
    except (TypeError, ValueError, OverflowError) as error:
        raise GanlensError("rows must be lists of numbers, one list per latent") from error
    finite = all(math.isfinite(value) for row in found for value in row)
    if len({len(row) for row in found}) > 1 or not finite:
        raise GanlensError("rows must be equally long, finite and not empty: one per latent")
    return found


def spelled(rows: tuple[tuple[float, ...], ...], prior: Prior) -> Tensor:
    """Return spelled-out latents as (N, d) float32; an error if d is not the prior's."""
    if len(rows[0]) != prior.dim:
        raise GanlensError(
            f"the rows have {len(rows[0])} coordinates: this generator takes {prior.dim}"
        )
    return torch.tensor(rows)
