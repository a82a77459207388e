"""Features as the solver sees them: scaled while they are read, with a last column of ones.

A memory-mapped array is neither copied nor changed; bytes and half precision are widened block by
block.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ganlens.errors import GanlensError, one_of

ScalingKind = Literal["standard", "norm", "none"]
SCALINGS = get_args(ScalingKind)
ROWS = 1024  # rows of a block: at 7,168 features 28 MB, about one level-3 cache
FAR = 100.0  # mean over standard deviation beyond which float32 sums need centred rows
LARGEST = 1e36  # features beyond it, and their sums, leave the range of float32
Features = np.ndarray | Tensor


@dataclass(frozen=True)
class Scaling:
    """An affine map of features, (x - shift) * factor, applied while they are read.

    Attributes:
        kind: "standard", "norm" or "none".
        shift: (D,) float32.
        factor: (D,) float32.
        centred: whether rows are shifted before they are multiplied. It costs a copy of each block,
            and is needed where a mean is so far from 0 that the product would lose the digits.
    """

    kind: str
    shift: Tensor
    factor: Tensor
    centred: bool = False


def blocks(x: Features, rows: int = ROWS) -> Iterator[tuple[slice, Tensor]]:
    """Yield (slice, tensor) row blocks: float32 and float64 as they are, the rest as float32."""
    for start in range(0, len(x), rows):
        part = slice(start, min(start + rows, len(x)))
        block = _tensor(x[part])
        yield part, block if block.dtype == torch.float64 else block.to(torch.float32)


def _tensor(x: Features) -> Tensor:
    if isinstance(x, Tensor):
        return x
    with warnings.catch_warnings():  # a read-only memory map: nothing here writes to it
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(x)


def scaling(x: Features, kind: ScalingKind = "standard") -> Scaling:
    """Measure how to scale features so that C means the same whatever their number and size.

    Args:
        x: (N, D) training features.
        kind: "standard" subtracts each feature's mean, divides by its standard deviation and by
            sqrt(D), so that a row's mean squared norm is 1 (constant features become 0, as do those
            that vary by less than 1e-5 of their own size or 1e-10 of the largest feature's);
            "norm" divides everything by the root mean squared norm of a row; "none" changes
            nothing.

    Raises:
        GanlensError: unknown kind; no rows; features that are not finite, or beyond float32.
    """
    if kind not in SCALINGS:
        raise one_of("scaling", kind, SCALINGS)
    if len(x) == 0:
        raise GanlensError("features of 0 images cannot be scaled: give at least 1")
    mean, mean_square = _moments(x)
    if not bool(torch.isfinite(mean_square).all()):
        raise GanlensError("features hold values that are not finite: look at the network's health")
    largest = float(mean_square.max()) if len(mean_square) else 0.0
    if not largest < LARGEST**2:
        raise GanlensError(
            f"features of size {largest**0.5:.3g} are beyond {LARGEST:g}: divide them by a constant"
        )
    if kind == "none":
        shift, factor = torch.zeros_like(mean), torch.ones_like(mean)
    elif kind == "norm":
        shift = torch.zeros_like(mean)
        factor = torch.ones_like(mean) / mean_square.sum().sqrt().clamp_min(1e-37)
    else:
        variance = mean_square - mean**2
        # Below that the difference is rounding noise.
        live = variance > 1e-10 * mean_square + 1e-20 * largest
        shift = mean
        factor = torch.where(live, (variance.clamp_min(1e-76) * x.shape[1]).rsqrt(), 0.0)
    ratio = (shift * factor).abs() * x.shape[1] ** 0.5  # of each live feature's mean and deviation
    return Scaling(kind, shift.float(), factor.float(), bool((ratio > FAR).any()))


def _moments(x: Features) -> tuple[Tensor, Tensor]:
    """Mean and mean square of each feature, in float64."""
    total = square = torch.zeros((), dtype=torch.float64)
    for _, block in blocks(x):
        part = block.double()
        total, square = total + part.sum(0), square + part.square_().sum(0)
    return total / len(x), square / len(x)


@dataclass(frozen=True)
class Design:
    """The scaled features with a last column of ones, as the linear map that the solver sees.

    Attributes:
        x: (N, D) features, unscaled; read in blocks.
        scaling: how they are scaled on the way.
        dtype: of weights, values and products: float32, or float64 where that does not suffice.
    """

    x: Features
    scaling: Scaling
    dtype: torch.dtype = torch.float32

    @property
    def device(self) -> torch.device:
        """Where the features are."""
        return self.x.device if isinstance(self.x, Tensor) else torch.device("cpu")

    def _blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield the blocks that `_raw` and `_scaled` are about: centred, or as they are."""
        for rows, block in blocks(self.x):
            moved = block - self.scaling.shift if self.scaling.centred else block
            yield rows, moved.to(self.dtype)

    def scaled(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield (slice, (n, D) tensor) blocks of scaled rows, without the column of ones."""
        how = self.scaling
        for rows, block in blocks(self.x):
            wide = block if block.dtype == torch.float64 else block.to(self.dtype)
            yield rows, ((wide - how.shift) * how.factor).to(self.dtype)

    def _raw(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Weights (K, D) and offsets (K,) that give the same values on the unscaled blocks."""
        raw = weights[:, :-1] * self.scaling.factor
        moved = 0 if self.scaling.centred else raw @ self.scaling.shift.to(raw.dtype)
        return raw, weights[:, -1] - moved

    def _scaled(self, raw: Tensor, total: Tensor) -> Tensor:
        moved = 0 if self.scaling.centred else total[:, None] * self.scaling.shift
        return torch.cat([(raw - moved) * self.scaling.factor, total[:, None]], dim=1)

    def forward(self, weights: Tensor) -> Tensor:
        """Return the (K, N) values of (K, D + 1) weights."""
        raw, offset = self._raw(weights)
        out = torch.empty(len(weights), len(self.x), dtype=self.dtype, device=self.device)
        for rows, block in self._blocks():
            out[:, rows] = torch.nn.functional.linear(block, raw, offset).T
        return out

    def adjoint(self, values: Tensor) -> Tensor:
        """Return the (K, D + 1) sums over rows of (K, N) values times features."""
        raw = torch.zeros(len(values), self.x.shape[1], dtype=self.dtype, device=self.device)
        for rows, block in self._blocks():
            raw.addmm_(values[:, rows], block)
        return self._scaled(raw, values.sum(1))

    def normal(self, weights: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return (adjoint(mask * forward(weights)), forward(weights)), in one pass."""
        raw, offset = self._raw(weights)
        values = torch.empty(len(weights), len(self.x), dtype=self.dtype, device=self.device)
        out, total = torch.zeros_like(raw), torch.zeros_like(offset)
        for rows, block in self._blocks():
            part = torch.nn.functional.linear(block, raw, offset).T
            values[:, rows] = part
            kept = part if mask is None else part * mask[:, rows]
            out.addmm_(kept, block)
            total += kept.sum(1)
        return self._scaled(out, total), values
