"""Weight files of published networks: finding and reading them without running code from them."""

import hashlib
import pickle  # noqa: TID251 its exception alone is used
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ganlens.errors import GanlensError

# The last four are how the unpickler stumbles over a text file.
UNREADABLE = (
    *(OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError),
    *(LookupError, ValueError, TypeError, AttributeError),
)


def hub_file(name: str) -> Path:
    """Return where torch's hub keeps a weight file; it need not be there."""
    return Path(torch.hub.get_dir()) / "checkpoints" / name


def digest_prefix(name: str) -> str:
    """Return the first digits of a published file's sha256, which its name ends with."""
    return name.rpartition(".")[0].rpartition("-")[2]


def file_hash(file: Path) -> str:
    """Return the sha256 of a file, hexadecimal."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_weights(file: Path, wanted: str) -> dict[str, Tensor]:
    """Read a table of weights, .safetensors or what ``torch.save`` wrote, onto the CPU.

    Args:
        file: the file; no code from it is run.
        wanted: what should be given instead, for the errors.

    Raises:
        GanlensError: not readable, or something else than a plain table of weights.
    """
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        with warnings.catch_warnings(action="ignore"):  # of a file that is then refused
            tensors = torch.load(file, map_location="cpu", weights_only=True)  # noqa: TID251 runs no code
    except UNREADABLE as error:
        raise GanlensError(f"{file} is not a readable weight file: give {wanted}") from error
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in tensors.items()
    ):
        raise GanlensError(f"{file} holds no plain table of weights: give {wanted}")
    return tensors


def load_frozen(network: nn.Module, tensors: Mapping[str, Tensor], misfit: str) -> None:
    """Copy weights into a network, all of them and no others, and freeze it in eval mode.

    One error is enough for a published file; ``models.weights.assign_checked`` names the tensor.

    Args:
        network: what they are for.
        tensors: name -> weights.
        misfit: the error where they do not fit.

    Raises:
        GanlensError: ``misfit``.
    """
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise GanlensError(misfit) from error
    network.requires_grad_(False).eval()
