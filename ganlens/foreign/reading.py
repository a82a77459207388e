"""From files to flat dicts of tensors, each under a label that says where it was found."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ganlens.data.kinds import is_image
from ganlens.data.tars import is_tar
from ganlens.errors import GanlensError
from ganlens.files import check_regular
from ganlens.foreign.containers import holds_an_optimizer, states_of
from ganlens.foreign.not_weights import refusal
from ganlens.pickles import read_pickle

States = dict[str, dict[str, Tensor]]
SUFFIXES = (".pt", ".pth", ".ckpt", ".tar", ".bin", ".safetensors")
_THEANO = re.compile(r"(.+\.jl)_(\d+)\.npy")


def files_of(source: Path) -> list[Path]:
    """Return the files that a source stands for, in a fixed order.

    Raises:
        GanlensError: it is not there, or a folder without a checkpoint.
    """
    if not source.exists():
        raise GanlensError(f"{source} does not exist: name a file or folder of weights")
    check_regular(source)
    if source.is_file():
        if source.suffix != ".jl":
            return [source]
        return _some(source, [p for p in source.parent.iterdir() if _stem(p) == source.name])
    arrays = [path for path in source.iterdir() if _stem(path)]
    others = [path for path in source.iterdir() if path.suffix in SUFFIXES and path.is_file()]
    return _some(source, arrays or others)


def holds_weights(source: Path) -> bool:
    """Whether a path stands for weights rather than for images, by the names alone, but for .tar.

    A folder does where such files lie in it, and neither images nor folders beside them.
    """
    try:
        files = files_of(source)
    except (GanlensError, OSError):
        return False
    if source.is_file():  # files of torch.save are called .tar, too: those begin as others do
        return source.suffix in (*SUFFIXES, ".jl") and not is_tar(source)
    return not any(p.is_dir() or is_image(p.name) for p in source.iterdir()) and bool(files)


def _some(source: Path, files: list[Path]) -> list[Path]:
    if not files:
        raise GanlensError(
            f"{source} holds no checkpoint: name a file, or a folder with {' '.join(SUFFIXES)}"
            " or Theano's _NN.npy"
        )
    for file in files:
        check_regular(file)
    return sorted(files)


def _stem(path: Path) -> str:
    found = _THEANO.fullmatch(path.name)
    return found.group(1) if found else ""


def read(files: Sequence[Path], *, whole: bool = False) -> States:
    """Read every file. Nothing in them is run, and sizes are checked before memory is taken.

    Args:
        files: what belongs together.
        whole: hold a dict of several networks too as it is, for a class that has them all.

    Returns:
        label -> name -> tensor; the label is the path inside its file ("gen_params", "netG").

    Raises:
        GanlensError: a file is damaged, refers to code, or is of no known kind.
    """
    found: States = {}
    for file in files:
        if stem := _stem(file):
            number = _THEANO.fullmatch(file.name).group(2)  # type: ignore[union-attr]
            found.setdefault(stem.removesuffix(".jl"), {})[number] = _array(file)
            continue
        many = len(files) > 1
        content = _content(file)
        states = dict(states_of(content, file.stem if many else "", whole))
        if not states:
            raise _without_weights(file, content)
        found |= {label or file.stem: state for label, state in states.items()}
    for label, state in found.items():
        _check_views(label, state)
    return found


def kind(file: Path) -> str:
    """Tell what a file is by its content: "safetensors", "script", "export", "pickle" or "".

    Raises:
        GanlensError: it cannot be read as the zip that it begins as.
    """
    with open(file, "rb") as opened:
        start = opened.read(9)
    if start[8:] == b"{":
        return "safetensors"
    if start[:2] != b"PK":
        return "pickle" if start[:1] == b"\x80" else ""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise GanlensError(f"{file} is damaged or cut short ({error}): copy it again") from error
    if any(
        name.endswith(("/archive_format", "serialized_exported_program.json")) for name in names
    ):
        return "export"
    return "script" if any(name.endswith("/constants.pkl") for name in names) else "pickle"


def _content(file: Path) -> Any:
    what = kind(file)
    if what == "safetensors":
        return _safetensors(file)
    if what == "pickle":
        return read_pickle(file)
    if what:
        name = {"script": "TorchScript", "export": "torch.export"}[what]
        raise GanlensError(
            f"{file} is a {name} archive, a program, which opening it would run: add --trust if"
            " you know who made it"
        )
    raise refusal(file)


def _without_weights(file: Path, content: Any) -> GanlensError:
    """Say what a file holds instead of named tensors."""
    if isinstance(content, Tensor):
        what = f"one tensor of shape {tuple(content.shape)}, without a name"
    elif isinstance(content, list | tuple) and any(isinstance(v, Tensor) for v in content):
        what = f"a list of {len(content)} tensors without names"
    elif holds_an_optimizer(content):
        what = "the state of an optimizer, and no weights of a network"
    elif isinstance(content, Mapping):
        what = f"no tensors (keys: {', '.join(f'{k!s:.40}' for k in list(content)[:4]) or 'none'})"
    else:
        what = f"a {type(content).__name__} and no tensors"
    return GanlensError(f"{file} holds {what}: take the file with the generator's state_dict()")


def _safetensors(file: Path) -> dict[str, Tensor]:
    try:
        with safe_open(file, framework="pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise GanlensError(f"{file} is damaged or cut short ({error}): copy it again") from error


def _array(file: Path) -> Tensor:
    """Read one ``.npy`` of floats; its header is compared with the file before memory is taken."""
    try:
        with open(file, "rb") as opened:
            version = np.lib.format.read_magic(opened)
            if version != (1, 0):
                raise ValueError(f"version {version}")
            shape, _, dtype = np.lib.format.read_array_header_1_0(opened)
            held, claimed = file.stat().st_size - opened.tell(), dtype.itemsize
            for side in shape:
                claimed *= side
            if claimed != held or dtype.kind != "f":
                raise ValueError(f"{dtype} {shape} in {held:,} bytes")
        return torch.from_numpy(np.load(file, allow_pickle=False).astype(np.float32, copy=False))
    except Exception as error:  # of a damaged header NumPy raises nearly anything
        raise GanlensError(f"{file} is damaged, or no array of floats ({error})") from error


def _check_views(label: str, state: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are sparse, or larger than what lies behind them: copies would grow."""
    for name, value in state.items():
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise GanlensError(f"weights of {label}.{name} are not plain numbers: save them dense")
        held = value.untyped_storage().nbytes()
        if value.numel() * value.element_size() > held:
            raise GanlensError(
                f"weights of {label}.{name} of shape {tuple(value.shape)} repeat {held:,} bytes:"
                " the file is damaged, take another checkpoint"
            )
