"""Which number format a network runs in, and running it there.

Measuring runs in float32 unless bfloat16 is asked for, so that a command gives the same number on
every machine; training takes what the hardware multiplies. ``ONEDNN_MAX_CPU_ISA=AVX2`` in the
environment hides a processor's bfloat16 units: PyTorch's kernels and "auto" both follow it.
"""

from contextlib import AbstractContextManager

import torch

from ganlens.errors import one_of

NAMES = {"float32": "32-true", "bfloat16": "bf16-mixed"}  # lightning-fabric's, which are recorded
PRECISIONS = tuple(NAMES.values())
FLOAT32 = NAMES["float32"]  # in which is measured unless another is asked for
AUTO = "auto"


def best_precision(device: torch.device | str) -> str:
    """Return "bf16-mixed" where the hardware multiplies bfloat16 matrices, else "32-true".

    Without such units bfloat16 convolutions are emulated, and were measured 50 times slower.

    Args:
        device: where the network runs.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16-mixed" if native else "32-true"
    return "bf16-mixed" if kind == "cpu" and _cpu_multiplies_bfloat16() else "32-true"


def _cpu_multiplies_bfloat16() -> bool:
    """Tell whether the processor has the units and the kernels in use reach them."""
    if not (torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()):
        return False
    # The processor is asked above; this asks oneDNN, which ONEDNN_MAX_CPU_ISA can hold back.
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def named_precision(word: str) -> str:
    """Return "float32", "bfloat16" or "auto" for one of these or for one of PRECISIONS.

    Raises:
        GanlensError: another word.
    """
    plain = {known: name for name, known in NAMES.items()}.get(word, word)
    if plain not in (*NAMES, AUTO):
        raise one_of("precision", word, (*NAMES, AUTO))
    return plain


def resolved(word: str, device: torch.device | str) -> str:
    """Return the one of PRECISIONS that a word stands for; "auto" is the best on the device.

    Args:
        word: "float32", "bfloat16", "auto", or one of PRECISIONS.
        device: where the network runs.

    Raises:
        GanlensError: another word.
    """
    name = named_precision(word)
    return best_precision(device) if name == AUTO else NAMES[name]


def autocast(precision: str, device: torch.device | str) -> AbstractContextManager[None]:
    """Run what is inside in one of PRECISIONS.

    Raises:
        GanlensError: another precision.
    """
    if precision not in PRECISIONS:
        raise one_of("precision", precision, PRECISIONS)
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=precision == "bf16-mixed")
