"""What Fabric is on the GPU that is not there (``pretended_gpu``)."""

import os
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators import CPUAccelerator
from lightning_fabric.plugins import MixedPrecision
from lightning_fabric.strategies import SingleDeviceStrategy

from ganlens.training import quiet_fabric

NAME = "pretended"


class _Accelerator(CPUAccelerator):
    """What Fabric sets up."""

    def setup_device(self, device: torch.device) -> None:
        """Do nothing: there is nothing to set up."""


def pretended_fabric(
    *, accelerator: str, precision: str, devices: Any = 1, **settings: Any
) -> Fabric:
    """Return what ``quiet_fabric`` would, if Fabric knew the device."""
    if accelerator != NAME:
        return quiet_fabric(
            accelerator=accelerator, precision=precision, devices=devices, **settings
        )
    how = {"precision": precision}
    if precision == "bf16-mixed":
        how = {"plugins": MixedPrecision(precision, NAME)}
    place = SingleDeviceStrategy(torch.device(NAME, 0))
    if settings.pop("strategy", None) == "ddp":  # one of several ranks, with nobody to wait for
        del settings["num_nodes"]
        place.world_size, place.global_rank = (int(os.environ[k]) for k in ("WORLD_SIZE", "RANK"))
    return quiet_fabric(accelerator=_Accelerator(), devices=1, strategy=place, **how, **settings)
