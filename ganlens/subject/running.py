"""Running a network piece by piece: the same bits at any batch size."""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.errors import GanlensError

Shape = tuple[int, ...]


def is_conditional(network: Any) -> bool:
    """Whether a network takes rows of a condition as its second argument."""
    return bool(getattr(network, "condition_dim", 0))


class _Conditioned:
    """The forward pass of a network under a condition of its own where none is given."""

    def __init__(self, network: Any, row: Tensor) -> None:
        self.network, self.row = network, row

    def __call__(self, x: Tensor, given: Tensor | None = None) -> Any:
        rows = self.row.to(x.device).expand(len(x), -1) if given is None else given
        return type(self.network).forward(self.network, x, rows)


def conditioned(network: Any, row: Tensor) -> Any:
    """Return a conditional network that takes a (k,) row unless it is given another.

    It is a shallow copy: its layers, their names and whatever hooks they hold are the network's
    own. A deep copy of it is a network of its own, as any other's is.
    """
    made = copy(network)
    made.forward = _Conditioned(network, row)
    return made


def pieces(
    inputs: Tensor, rows: Tensor | None, size: int, device: torch.device
) -> Iterator[tuple[Tensor, ...]]:
    """Yield inputs, and the rows that belong to them, some at a time on a device."""
    both = (inputs,) if rows is None else (inputs, rows)
    for piece in zip(*(part.split(size) for part in both), strict=True):
        yield tuple(part.to(device) for part in piece)


@torch.inference_mode()
def batched(
    function: Callable[..., Tensor],
    inputs: Tensor,
    rows: Tensor | None,
    batch_size: int,
    device: torch.device,
    empty: Shape | None,
    name: str,
) -> Tensor:
    """Run a function on inputs, some at a time.

    Args:
        function: of a batch, and of its rows of a condition where there are some.
        inputs: (N, ...).
        rows: (N, k) rows of a condition, or None.
        batch_size: how many at a time.
        device: where.
        empty: shape of one output, which no input at all gives none of; None runs it all the same.
        name: of the model, for errors.

    Returns:
        (N, ...) float32 on the CPU.

    Raises:
        GanlensError: a batch size below 1, or NaN or infinity in what comes out.
    """
    if batch_size < 1:
        raise GanlensError(f"batch size {batch_size} is too small: give at least 1")
    if len(inputs) == 0 and empty is not None:
        return torch.empty(0, *empty)
    parts = [function(*piece).float().cpu() for piece in pieces(inputs, rows, batch_size, device)]
    outputs = torch.cat(parts).contiguous()
    if not outputs.isfinite().all():
        raise GanlensError(
            f"{name} puts out NaN or infinity: its weights are damaged, take another checkpoint"
        )
    return outputs


def filled(network: Any, *rows: Tensor) -> Tensor:
    """Run a network on rows filled up with zeros to a multiple of 8; return the output of the rows.

    CPU kernels split odd batches between threads so that sums round differently: filled up, a row
    gives the same bits in any company and at any number of threads. Of several outputs (a mean and
    a log variance) it is the first.
    """
    count = len(rows[0])
    found = network(*(F.pad(r, (0, 0) * (r.ndim - 1) + (0, -count % 8)) for r in rows))
    return (found[0] if isinstance(found, tuple) else found)[:count]


def pool_maps(maps: Tensor, pool: int | None) -> Tensor:
    """Max-pool (N, C, H, W) maps to a pool x pool grid, if one is given, and flatten them."""
    if pool is not None and maps.ndim == 4:
        maps = F.adaptive_max_pool2d(maps, pool)
    return maps.flatten(1)
