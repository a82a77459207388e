"""From files to flat dicts of tensors, each under a label that says where it was found."""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.files import check_regular
from ganlens.foreign.pickles import read_pickle

States = dict[str, dict[str, Tensor]]
SUFFIXES = (".pt", ".pth", ".ckpt", ".tar", ".bin", ".safetensors")
# Names that projects give to the networks of one file, where these stand before every key.
ROLES = ("netG", "netD", "generator", "discriminator", "gen", "dis", "disc", "G", "D", "avgG",
         "g_ema", "ema", "model_G", "model_D", "G_ema", "Gen", "Dis")  # fmt: skip
DEEPEST = 3
_ASIDE = re.compile(r"optim|scheduler|scaler|^loss", re.IGNORECASE)
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


def read(files: Sequence[Path]) -> States:
    """Read every file. Nothing in them is run, and sizes are checked before memory is taken.

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
        for label, state in _states(_content(file), file.stem if many else ""):
            found[label or file.stem] = state
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
    raise GanlensError(
        f"{file} is no checkpoint that ganlens knows: give safetensors, a file of torch.save,"
        " an archive, or Theano's .jl beside its .npy files"
    )


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
    except (ValueError, OSError, SyntaxError, EOFError, TypeError) as error:
        raise GanlensError(f"{file} is damaged, or no array of floats ({error})") from error


def _states(
    content: Any, label: str = "", depth: int = 0
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield the flat dicts of tensors in nested ones, optimizers left out.

    A dict may hold both: networks, and beside them a step or a loss that is a tensor.
    """
    if not isinstance(content, Mapping) or depth > DEEPEST:
        return
    items = {str(key): value for key, value in content.items()}
    if flat := {key: value for key, value in items.items() if isinstance(value, Tensor)}:
        yield from _by_role(_without_prefix(flat), label)
    for key, value in items.items():
        if not _ASIDE.search(key):
            yield from _states(value, f"{label}.{key}" if label else key, depth + 1)


def _by_role(state: dict[str, Tensor], label: str) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Split a dict whose every key begins with the name of a network."""
    first = {key.partition(".")[0] for key in state}
    if not first <= set(ROLES):
        yield label, state
        return
    for role in sorted(first):
        start = f"{role}."
        inner = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
        yield (f"{label}.{role}" if label else role), _without_prefix(inner)


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take off the ``module.`` that DataParallel puts before every key."""
    while state and all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return state


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
