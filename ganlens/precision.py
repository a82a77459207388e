"""Which number format a network runs in, and running it there."""

from contextlib import AbstractContextManager

import torch

from ganlens.errors import one_of

PRECISIONS = ("32-true", "bf16-mixed")  # lightning-fabric's names


def best_precision(device: torch.device | str | None = None) -> str:
    """Return "bf16-mixed" where the hardware multiplies bfloat16 matrices, else "32-true".

    Without such units bfloat16 convolutions are emulated, and were measured 50 times slower.

    Args:
        device: where the network runs; None takes a GPU if there is one.
    """
    kind = torch.device(device).type if device else None
    if kind == "cuda" or (kind is None and torch.cuda.is_available()):
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if native and kind in (None, "cpu") else "32-true"


def autocast(precision: str, device: torch.device | str) -> AbstractContextManager[None]:
    """Run what is inside in one of PRECISIONS.

    Raises:
        GanlensError: another precision.
    """
    if precision not in PRECISIONS:
        raise one_of("precision", precision, PRECISIONS)
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=precision == "bf16-mixed")
