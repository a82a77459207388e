"""Weights under prefixes, beside other keys, in lists and in later pickles; and what is none."""

import io
import pickle  # noqa: TID251 (to write what must not be read)
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import other_projects as op
import pytest
import torch
from safetensors.torch import save_file

import ganlens
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.foreign import open_foreign
from ganlens.foreign.containers import states_of
from ganlens.pickles import LARGEST, lowered

G, D = op.examples_generator(5, 4, 3, 16), op.examples_discriminator(4, 3, 16)
Z = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
DRAWN = op.examples_draw(G, Z)


def keep(path: Path, content: Any, **how: Any) -> Path:
    torch.save(content, path, **how)  # noqa: TID251 (what others do)
    return path


def below(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}.{key}": value for key, value in state.items()}


def compiled_inside(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key.replace("main.", "main._orig_mod."): value for key, value in state.items()}


COUNT = torch.tensor(3)
HOLDERS: dict[str, Any] = {
    "compiled": below("_orig_mod", G),
    "compiled, parallel": below("module._orig_mod", G),
    "parallel, compiled": below("_orig_mod.module", G),
    "a compiled part": compiled_inside(G),
    "sharded": below("_fsdp_wrapped_module", G),
    "a compiled network of two": below("generator._orig_mod", G) | below("discriminator", D),
    "averaged": {"n_averaged": COUNT, **below("module", G)},
    "averaged and parallel": {**below("module.module", G), "n_averaged": COUNT},
    "averaged below a key": {"ema": {"n_averaged": COUNT, **below("module", G)}},
    "ema_pytorch": {"initted": torch.tensor(True), "step": COUNT, **below("ema_model", G)},
    "a metric beside": {"state_dict": below("generator", G) | {"fid.total": COUNT}},
    "a loss and a buffer beside": below("netG", G) | {"loss.w": torch.ones(2), "fixed_z": Z},
    "one module around both": below("model.G", G) | below("model.D", D),
    "upper case": below("GEN", G) | below("DISC", D),
    "a list": [G, D],
    "a tuple in a dict": {"models": (D, G), "epoch": 3},
    "an ordered dict": OrderedDict(G),
    "an optimizer beside": {
        "model": G,
        "opt": {"state": {0: {"exp_avg": Z}}, "param_groups": [{"lr": 0.1}]},
    },
}


def generator_of(path: Path) -> Any:
    networks = open_foreign([path]).checkpoint.networks
    return networks.get("generator", networks.get("ema.generator"))


@pytest.mark.parametrize("name", HOLDERS)
def test_a_generator_is_found_whatever_holds_it(name: str, tmp_path: Path) -> None:
    generator = generator_of(keep(tmp_path / "x.pth", HOLDERS[name]))
    torch.testing.assert_close(generator(Z), DRAWN)


@pytest.mark.parametrize("name", ["averaged", "averaged below a key", "ema_pytorch"])
def test_an_average_is_known_as_one(name: str, tmp_path: Path) -> None:
    path = keep(tmp_path / "x.pth", HOLDERS[name])
    assert ganlens.load(path, "cpu").provenance["weights"] == "ema"
    assert main(["import", str(path), "--dry-run"]) == 0


def test_safetensors_have_prefixes_too(tmp_path: Path) -> None:
    save_file(below("_orig_mod", G), tmp_path / "x.safetensors")
    torch.testing.assert_close(generator_of(tmp_path / "x.safetensors")(Z), DRAWN)


def test_what_stands_beside_the_networks_is_named(tmp_path: Path) -> None:
    content = {"state_dict": below("generator", G) | {"fid.total": COUNT, "fid.n": COUNT}}
    assert open_foreign([keep(tmp_path / "x.ckpt", content)]).left_aside == ("state_dict.fid",)


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_later_pickles_are_read(protocol: int, zipped: bool, tmp_path: Path) -> None:
    content = {"netG": G, "name": "é", "bytes": b"ab", "set": {1, 2},
               "big": 2**70, "array": np.float64(2.5), "text": "x" * 300}  # fmt: skip
    path = keep(
        tmp_path / "x.pth", content, pickle_protocol=protocol,
        _use_new_zipfile_serialization=zipped,
    )  # fmt: skip
    torch.testing.assert_close(generator_of(path)(Z), DRAWN)


class Opens:
    """Its pickle would open a file for writing."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_later_pickles_run_nothing(protocol: int, zipped: bool, tmp_path: Path) -> None:
    path = keep(
        tmp_path / "x.pth", {**G, "more": Opens(tmp_path / "ran")}, pickle_protocol=protocol,
        _use_new_zipfile_serialization=zipped,
    )  # fmt: skip
    with pytest.raises(GanlensError, match=r"\.open, which could run code"):
        open_foreign([path])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("ops", "what"),
    [
        (b"\x8c\x02os\x94\x8c\x06system\x94\x93", b"cos\nsystem\n"),
        (b"\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93", None),  # names fetched from the memo
        (b"\x8c\x02os\x94K\x01\x93", None),  # a number in place of a name
        (b"\x8c\x05os\nx\x94\x94\x8c\x06system\x94\x93", None),  # a line that would end the name
    ],
)
def test_names_of_classes_stay_names(ops: bytes, what: bytes | None) -> None:
    try:
        found = lowered(io.BytesIO(b"\x80\x04" + ops + b"."))
    except (GanlensError, ValueError):
        assert what is None
        return
    assert b"cos\nsystem\n" in found


def test_references_do_not_make_much_out_of_little() -> None:
    text = "x" * 2**20
    bomb = pickle.dumps([text] * 2**12, protocol=4)
    with pytest.raises(GanlensError, match=f"more than {LARGEST:,} bytes"):
        lowered(io.BytesIO(bomb))
    inner: Any = {}
    for _ in range(4):
        inner = {str(i): inner for i in range(1000)}
    assert list(states_of(inner, "", False)) == []


OTHERS: dict[str, tuple[bytes, str]] = {
    "empty.pth": (b"", "is empty, 0 bytes"),
    "zeros.pth": (bytes(4096), "zero bytes"),
    "lfs.safetensors": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "git lfs pull",
    ),
    "page.pth": (b"\n<!DOCTYPE html><html></html>", "is a web page"),
    "page.ckpt": (b"<html><body>404</body></html>", "is a web page"),
    "xml.pt": (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "is a web page"),
    "error.bin": (b'{"error": "Invalid username or password."}', "is a text of"),
    "notes.pt": ("Größe: Entry not found".encode(), "begins 'Größe: Entry not found'"),
    "keras.pt": (b"\x89HDF\r\n\x1a\n" + bytes(64), "is an HDF5 file"),
    "packed.pth": (b"\x1f\x8b\x08" + bytes(64), "packed with gzip"),
    "picture.pth": (b"\x89PNG\r\n\x1a\n" + bytes(64), "is a PNG picture"),
    "noise.pth": (bytes(range(130, 250)), "is no checkpoint that ganlens knows"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_checkpoint_is_named(name: str, tmp_path: Path) -> None:
    content, what = OTHERS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GanlensError) as caught:
        open_foreign([tmp_path / name])
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


WITHOUT: dict[str, tuple[Any, str]] = {
    "optimizer": (
        torch.optim.Adam([torch.nn.Parameter(Z)]).state_dict(), "the state of an optimizer"
    ),
    "optimizer below a key": (
        {"optim_G": torch.optim.SGD([torch.nn.Parameter(Z)]).state_dict(), "epoch": 1},
        "the state of an optimizer",
    ),
    "tensor": (Z, "one tensor of shape (3, 5)"),
    "parameters": ([Z, Z], "a list of 2 tensors without names"),
    "numbers": ({"epoch": 3, "lr": 0.1}, "no tensors (keys: epoch, lr)"),
    "nothing": (None, "a NoneType and no tensors"),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT)
def test_a_file_without_weights_says_what_it_has(name: str, tmp_path: Path) -> None:
    content, what = WITHOUT[name]
    with pytest.raises(GanlensError) as caught:
        open_foreign([keep(tmp_path / "x.pth", content)])
    assert what in str(caught.value)
    assert "state_dict()" in str(caught.value)


def test_networks_of_two_shapes_are_told_apart(tmp_path: Path) -> None:
    keep(tmp_path / "netG.pth", op.examples_generator(6, 8, 1, 32))
    keep(tmp_path / "netD.pth", op.examples_discriminator(8, 3, 32))
    with pytest.raises(GanlensError, match=r"generator 1 x 32 x 32.*open one of the files by"):
        open_foreign([tmp_path])
