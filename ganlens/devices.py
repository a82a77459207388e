"""Where networks run, and in which format: decided here, for training and for measuring alike."""

import os
from dataclasses import dataclass

import torch
from torch import nn

from ganlens.errors import GanlensError
from ganlens.precision import resolved

AUTO = "auto"
KINDS = ("cpu", "cuda")  # MPS has no float64, in which fits and inversions compute


@dataclass(frozen=True)
class Place:
    """Where networks run and in which format.

    Attributes:
        device: a torch device.
        precision: one of ``ganlens.precision.PRECISIONS``.
    """

    device: torch.device
    precision: str


def pick_place(device: str = AUTO, precision: str = AUTO) -> Place:
    """Decide on a device and the format of what runs there.

    Args:
        device: as for ``pick_device``.
        precision: "float32", "bfloat16", or "auto" for what that device multiplies.

    Raises:
        GanlensError: as ``pick_device`` and ``resolved``.
    """
    found = pick_device(device)
    return Place(found, resolved(precision, found))


def pick_device(device: str = AUTO) -> torch.device:
    """Turn "auto" into the best device that is there, or check the one that was asked for.

    Under ``torchrun`` every process of a machine takes a GPU of its own, and "auto" takes CPUs
    where there are fewer GPUs than processes. Choosing a GPU turns off TF32, which PyTorch allows
    in convolutions: float32 then is what its name says, as on a CPU.

    Args:
        device: "auto", "cpu", "cuda", or "cuda:N".

    Raises:
        GanlensError: a device that is not there, of another kind, or of several processes.
    """
    own, ranks = (
        int(os.environ.get(name, default))
        for name, default in (("LOCAL_RANK", "0"), ("LOCAL_WORLD_SIZE", "1"))
    )
    if device == AUTO:
        enough = torch.cuda.device_count() >= max(ranks, own + 1)
        device = "cuda" if enough else "cpu"
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise _absent(device) from error
    if wanted.type not in KINDS:
        raise GanlensError(
            f"device {device!r} cannot be used, for ganlens computes on CPUs and CUDA GPUs: choose"
            " auto or cpu"
        )
    if wanted.type != "cpu" and wanted.index is not None and ranks > 1:
        raise GanlensError(f"device {device!r} is one for {ranks} processes: choose auto or cuda")
    if wanted.type != "cpu" and wanted.index is None:
        wanted = torch.device(wanted.type, own)
    try:
        torch.zeros(1, device=wanted).cpu()
    except (RuntimeError, AssertionError) as error:
        raise _absent(device) from error
    if wanted.type == "cuda":
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return wanted


def _absent(device: str) -> GanlensError:
    return GanlensError(f"device {device!r} is not available: choose auto or cpu")


def in_words(device: torch.device) -> str:
    """Return a device as results record it: "cpu", or "cuda (NVIDIA H100)": kernels differ."""
    if device.type != "cuda":
        return device.type
    return f"{device.type} ({torch.cuda.get_device_name(device)})"


def place_of(module: nn.Module) -> torch.device:
    """Return the device of a module's weights, the CPU if it has none."""
    return next((p.device for p in module.parameters()), torch.device("cpu"))
