"""What the processes of a run share: gradients and averages."""

import atexit
import logging
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor

from ganlens.precision import best_precision

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def quiet_fabric(**settings: Any) -> "Fabric":
    """Return a Fabric that says nothing of how it computes: stderr is for ganlens's own lines.

    Args:
        settings: what Fabric takes.
    """
    from lightning_fabric import Fabric  # seconds, which whoever only looks at a run need not wait

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the import set it to INFO
    return Fabric(**settings)


def launch(fabric: "Fabric") -> None:
    """Start the ranks of a Fabric; they part before the process ends.

    Fabric leaves a gloo group open, whose threads then aborted every third process on its way out,
    after its work was done.
    """
    fabric.launch()
    atexit.register(_part)


def _part() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def alone() -> "Fabric":
    """Return a single process on the best device, in the precision that it is best at."""
    return quiet_fabric(devices=1, precision=best_precision())


def averaged(fabric: "Fabric", value: Tensor) -> Tensor:
    """Return the mean of a tensor over the ranks."""
    if fabric.world_size == 1:
        return value
    found = fabric.all_reduce(value, reduce_op="mean")
    assert isinstance(found, Tensor)
    return found


def average_in_place(fabric: "Fabric", gradients: list[Tensor]) -> None:
    """Average gradients over the ranks in one exchange.

    DistributedDataParallel would have to be told that D runs twice per backward pass and that
    its weights rest while G learns; one flat all-reduce says the same in a line.
    """
    if fabric.world_size == 1:
        return
    mean = averaged(fabric, torch.cat([g.flatten() for g in gradients]))
    parts = mean.split([g.numel() for g in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
