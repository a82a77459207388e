"""The processes of a run: how they start, and what they share: gradients and averages."""

import atexit
import logging
import os
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor

from ganlens.devices import Place, pick_place

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


def launched(device: str, precision: str) -> "Fabric":
    """Return a Fabric that has started: under ``torchrun`` as many ranks as that started.

    Args:
        device: auto, cpu, cuda or cuda:N.
        precision: float32, bfloat16, or auto for what the device multiplies.

    Raises:
        GanlensError: a device that is not there.
    """
    ranks = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    nodes = int(os.environ.get("WORLD_SIZE", "1")) // ranks
    place = pick_place(device, precision)
    together = {"num_nodes": nodes, "strategy": "ddp"} if ranks * nodes > 1 else {}
    fabric = _on(place, ranks, **together)
    launch(fabric)
    return fabric


def _on(place: Place, ranks: int = 1, **settings: Any) -> "Fabric":
    """Return a Fabric on the devices that were picked."""
    kind, index = place.device.type, place.device.index
    devices = ranks if kind == "cpu" or ranks > 1 else [index]
    return quiet_fabric(accelerator=kind, devices=devices, precision=place.precision, **settings)


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
    return _on(pick_place())


def averaged(fabric: "Fabric", value: Tensor) -> Tensor:
    """Return the mean of a tensor over the ranks."""
    if fabric.world_size == 1:
        return value
    found = fabric.all_reduce(value, reduce_op="mean")
    assert isinstance(found, Tensor)
    return found


def average_in_place(fabric: "Fabric", gradients: list[Tensor]) -> None:
    """Average gradients over the ranks in one exchange.

    DistributedDataParallel would have to know that D runs twice per backward pass and that
    its weights rest while G learns; one flat all-reduce says the same in a line.
    """
    if fabric.world_size == 1:
        return
    mean = averaged(fabric, torch.cat([g.flatten() for g in gradients]))
    parts = mean.split([g.numel() for g in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
