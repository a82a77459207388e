"""Checkpoints: what is saved comes back; what is damaged, foreign or newer is refused in a line."""

import json
import resource
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ganlens.checkpoints import (
    FORMAT,
    MODEL_FILE,
    Header,
    find_checkpoint,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from ganlens.errors import GanlensError
from ganlens.models import build
from ganlens.models.dcgan import preset
from ganlens.subject import load

ARGUMENTS = asdict(preset("torch", size=16, width=4, latent_dim=6))


def header(**changes: Any) -> Header:
    return Header("dcgan", ARGUMENTS, {"kind": "normal", "dim": 6}, **changes)


def write(folder: Path, seed: int = 0, **changes: Any) -> Path:
    networks = build("dcgan", ARGUMENTS, seed)
    networks["ema.generator"] = networks["generator"]
    return save_checkpoint(folder, header(**changes), networks, {"card.md": b"# it\n"})


def rewrite(folder: Path, change: Any) -> None:
    """Change the tensors or the header of a written checkpoint."""
    file = folder / MODEL_FILE
    tensors = load_file(file)
    raw = file.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    metadata = json.loads(raw[8 : 8 + length])["__metadata__"]
    values = json.loads(metadata["ganlens"])
    change(tensors, values)
    save_file(tensors, file, metadata={"ganlens": json.dumps(values)})


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", step=7, metrics={"fd": 1.5})
    found = load_checkpoint(folder)
    assert (found.header.step, found.header.metrics) == (7, {"fd": 1.5})
    assert found.header.arguments == ARGUMENTS
    generator: Any = build("dcgan", ARGUMENTS, 0)["generator"]
    z = torch.randn(3, 6)
    expected = generator.eval()(z)
    assert torch.equal(found.networks["ema.generator"](z), expected)
    assert sorted(found.networks) == ["discriminator", "ema.generator", "generator"]
    assert not any(network.training for network in found.networks.values())
    assert (folder / "card.md").read_text() == "# it\n"
    assert len(found.hash) == 64


def test_loading_draws_nothing_from_the_global_stream(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    before = torch.get_rng_state()
    load_checkpoint(folder)
    assert torch.equal(before, torch.get_rng_state())


def test_equal_weights_have_equal_hashes(tmp_path: Path) -> None:
    a, b, c = (
        load_checkpoint(write(tmp_path / n, s)).hash for n, s in (("a", 0), ("b", 0), ("c", 1))
    )
    assert a == b != c


def test_a_run_means_its_best_checkpoint(tmp_path: Path) -> None:
    write(tmp_path / "run" / "last", 1)
    best = write(tmp_path / "run" / "best", 2)
    assert find_checkpoint(tmp_path / "run") == best
    assert [path.name for path, _ in list_checkpoints(tmp_path)] == ["best", "last"]


def test_a_full_disk_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", 0)
    before = load_checkpoint(folder).hash
    size = (folder / MODEL_FILE).stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
    try:
        with pytest.raises(GanlensError, match=r"cannot write .*untouched"):
            write(folder, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert load_checkpoint(folder).hash == before
    assert sorted(p.name for p in folder.iterdir()) == ["card.md", MODEL_FILE]


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    generator: Any = build("dcgan", ARGUMENTS, 0)["generator"]
    with torch.no_grad():
        generator.out.conv.weight[0] = float("nan")
    with pytest.raises(GanlensError, match=r"generator.out.conv.weight are not finite"):
        save_checkpoint(tmp_path / "a", header(), {"generator": generator}, {})
    assert not (tmp_path / "a" / MODEL_FILE).exists()


def test_a_header_of_any_length_is_no_pickle(tmp_path: Path) -> None:
    """The first byte of a safetensors file is that of its header's length: 0x80 for one in 32."""
    for padding in range(0, 256, 4):
        folder = write(tmp_path / "a", made={"padding": "x" * padding})
        if (folder / MODEL_FILE).read_bytes()[0] == 0x80:
            assert load_checkpoint(folder).header.made == {"padding": "x" * padding}
            return
    pytest.fail("no header length ended in 0x80")


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def _pickle(file: Path) -> None:
    file.write_bytes(b"\x80\x04cos\nsystem\n")


def _zip(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04" + b"0" * 100)


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _huge_header(file: Path) -> None:
    file.write_bytes(struct.pack("<Q", 2**60) + b"{}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut, "damaged or cut short"),
        (_pickle, "is a pickle"),
        (_zip, "is a pickle"),
        (_empty, "damaged or cut short"),
        (_huge_header, "damaged or cut short"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, damage: Any, words: str) -> None:
    folder = write(tmp_path / "a")
    damage(folder / MODEL_FILE)
    with pytest.raises(GanlensError, match=words) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)


def _whole(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    return tensors["ema.generator.out.conv.weight"].int()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t, h: h.update(format=FORMAT + 1), f"format version {FORMAT + 1}.*up to {FORMAT}"),
        (lambda t, h: h.update(family="resnet"), "'resnet' model.*dcgan"),
        (lambda t, h: h["arguments"].update(width=5), "shape.*calls for"),
        (lambda t, h: h["arguments"].update(colour=5), "cannot be built"),
        (lambda t, h: h.pop("format"), "damaged header"),
        (
            lambda t, h: t.pop("ema.generator.out.conv.weight"),
            "lacks ema.generator.out.conv.weight",
        ),
        (lambda t, h: t.update({"ema.generator.more": torch.zeros(1)}), "has ema.generator.more"),
        (lambda t, h: t["ema.generator.out.conv.weight"].fill_(float("inf")), "not finite"),
        (lambda t, h: t["ema.generator.project.norm.running_var"].fill_(-1), "negative variance"),
        (lambda t, h: t.update({"ema.generator.out.conv.weight": _whole(t)}), "type torch.int32"),
        (lambda t, h: h.update(family=["dcgan"]), "damaged header .family is"),
        (lambda t, h: h.update(format=float("inf")), "damaged header"),
        (lambda t, h: h.update(data=None), "damaged header .data is None"),
        (lambda t, h: h.update(metrics={"fd": float("nan")}), "damaged header"),
        (lambda t, h: h["arguments"].update(latent_dim=10**18), "latent_dim .* out of range"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, change: Any, words: str) -> None:
    folder = write(tmp_path / "a")
    rewrite(folder, change)
    with pytest.raises(GanlensError, match=words):
        load_checkpoint(folder)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_of_another_precision_are_used_in_float32(
    tmp_path: Path, kind: torch.dtype
) -> None:
    folder = write(tmp_path / "a")
    rewrite(folder, lambda t, h: t.update({k: v.to(kind) for k, v in t.items() if v.ndim}))
    images = load(folder).generate(torch.zeros(2, 6))
    assert images.dtype == torch.float32
    assert images.isfinite().all()


def test_a_generator_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    rewrite(folder, lambda t, h: [t.pop(k) for k in list(t) if k.startswith("generator.")])
    assert load(folder).provenance["weights"] == "ema"
    with pytest.raises(GanlensError, match=r"lacks the raw generator, it holds ema.generator"):
        load(folder, weights="raw")
    rewrite(folder, lambda t, h: [t.pop(k) for k in list(t) if k.startswith("ema.")])
    alone = load(folder)
    assert alone.generator is None
    assert alone.discriminate(torch.zeros(2, *alone.image_shape)).shape == (2,)
    with pytest.raises(GanlensError, match="has no generator"):
        alone.latents([0])


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(2)}, tmp_path / MODEL_FILE)
    with pytest.raises(GanlensError, match="not written by ganlens"):
        load_checkpoint(tmp_path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GanlensError, match="does not exist"):
        load_checkpoint(tmp_path / "nothing")
    with pytest.raises(GanlensError, match=r"holds no model.safetensors"):
        load_checkpoint(tmp_path)


def test_a_damaged_neighbour_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path / "good")
    _cut(write(tmp_path / "bad") / MODEL_FILE)
    (tmp_path / "worse").mkdir()
    (tmp_path / "worse" / MODEL_FILE).write_bytes(b"")
    (tmp_path / "folder" / MODEL_FILE).mkdir(parents=True)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / MODEL_FILE).symlink_to("nowhere")
    rewrite(write(tmp_path / "endless"), lambda t, h: h.update(format=float("inf")))
    assert "good" in [path.name for path, _ in list_checkpoints(tmp_path)]
