"""``ganlens train`` and bad input: one line with the next step, exit code 2, nothing lost."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganlens.cli import main
from ganlens.runs import read_metrics

SMALL = [
    "--width",
    "4",
    "--latent-dim",
    "8",
    "--batch-size",
    "16",
    "--epochs",
    "1",
    "--extractor",
    "pixels",
]


def picture(path: Path, seed: int, size: int = 16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(60):
        picture(tmp_path / "images" / f"{i}.png", i)
    return tmp_path / "images"


def train(data: object, out: Path, *more: str) -> int:
    return main(["train", "--data", str(data), "--out", str(out), *SMALL, *more])


def refused(code: int, capsys: Any, *words: str) -> str:
    error = capsys.readouterr().err
    line = error.strip().splitlines()[-1]
    assert code == 2, error
    assert line.startswith("ganlens: ")
    assert "Traceback" not in error
    assert all(word in line for word in words), line
    return line


def test_broken_files_are_left_out_and_named(folder: Path, tmp_path: Path, capsys: Any) -> None:
    for i, content in enumerate((b"", b"not an image", (folder / "1.png").read_bytes()[:60])):
        (folder / f"broken{i}.png").write_bytes(content)
    assert train(folder, tmp_path / "run") == 0
    error = capsys.readouterr().err
    assert "left out 3 of " in error
    assert all(f"broken{i}.png" in error for i in range(3))
    assert any("fd" in row for row in read_metrics(tmp_path / "run"))
    assert train(folder, tmp_path / "strict", "--strict") == 2
    assert not (tmp_path / "strict").exists()


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_a_huge_image_is_listed_without_a_warning(
    folder: Path, tmp_path: Path, precision: str
) -> None:
    """In a process of its own, where nothing turns Pillow's warning into an error.

    In bfloat16 lightning-fabric would have something to say.
    """
    Image.new("1", (10_000, 10_000)).save(folder / "huge.png")
    words = ["train", "--data", str(folder), "--out", str(tmp_path / "run"), *SMALL, "--strict"]
    words += ["--precision", precision]
    command = [sys.executable, "-m", "ganlens", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "huge.png: more than 89,478,485 pixels" in line


def test_broken_held_out_files_are_named_too(folder: Path, tmp_path: Path, capsys: Any) -> None:
    for i in range(4):
        picture(tmp_path / "others" / f"{i}.png", 100 + i)
    (tmp_path / "others" / "broken.png").write_bytes(b"")
    assert train(folder, tmp_path / "run", "--held-out", str(tmp_path / "others")) == 0
    assert "broken.png (empty file)" in capsys.readouterr().err


def test_too_few_images_to_hold_some_out(tmp_path: Path, capsys: Any) -> None:
    picture(tmp_path / "images" / "one.png", 0)
    refused(train(tmp_path / "images", tmp_path / "run"), capsys, "1 images", "--held-out")


def test_one_judged_image_is_too_few(folder: Path, tmp_path: Path, capsys: Any) -> None:
    refused(train(folder, tmp_path / "run", "--evaluate-n", "1"), capsys, "evaluate_n 1", "2")


def test_networks_that_no_memory_holds(folder: Path, tmp_path: Path, capsys: Any) -> None:
    refused(train(folder, tmp_path / "a", "--width", "100000"), capsys, "width 100000", "1,024")
    refused(train(folder, tmp_path / "b", "--latent-dim", "1000000000"), capsys, "latent_dim")


def test_no_judge_is_trained_for_a_folder_of_others(tmp_path: Path, capsys: Any) -> None:
    for i in range(60):
        picture(tmp_path / "images" / "ab"[i % 2] / f"{i}.png", i)
    before = sorted(tmp_path.rglob("*"))
    words = ("--extractor", "classifier")
    refused(train(tmp_path / "images", tmp_path / "images", *words), capsys, "holds other files")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_missing_path(tmp_path: Path, capsys: Any) -> None:
    refused(
        train(tmp_path / "nowhere", tmp_path / "run"), capsys, "nowhere", "is not there", "give"
    )
    assert not (tmp_path / "run").exists()


def test_a_folder_without_images(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("x")
    refused(train(tmp_path / "empty", tmp_path / "run"), capsys, "0 images")


def test_attributes_of_files_that_are_not_there(folder: Path, tmp_path: Path, capsys: Any) -> None:
    (folder / "attributes.csv").write_text("filename,hair\n0.png,long\nghost.png,short\n")
    refused(train(folder, tmp_path / "run"), capsys, "ghost.png")


@pytest.mark.parametrize("size", ["64", "15", "257"])
def test_a_size_that_cannot_be_given(folder: Path, tmp_path: Path, capsys: Any, size: str) -> None:
    refused(train(folder, tmp_path / "run", "--size", size), capsys, size, "16")
    assert not (tmp_path / "run").exists()


def test_another_run_s_folder(folder: Path, tmp_path: Path, capsys: Any) -> None:
    assert train(folder, tmp_path / "run") == 0
    before = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    refused(
        train(folder, tmp_path / "run", "--lr", "0.1"), capsys, "another run", "lr", "new folder"
    )
    assert before == {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}


def test_a_finished_run_is_left_as_it_is(folder: Path, tmp_path: Path, capsys: Any) -> None:
    assert train(folder, tmp_path / "run") == 0
    before = (tmp_path / "run" / "last" / "model.safetensors").read_bytes()
    assert train(folder, tmp_path / "run") == 0
    assert (tmp_path / "run" / "last" / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--preset", "papper"], ["papper", "torch, paper"]),
        (["--batch-size", "1000"], ["1000", "--batch-size"]),
        (["--epochs", "0"], ["epochs 0"]),
        (["--extractor", "inception"], ["--inception-weights"]),
        (["--extractor", "classifier"], ["nothing to classify"]),
        (["--precision", "half"], ["half"]),
        (["--device", "tpu"], ["tpu", "auto"]),
        (["--device", "cuda:first"], ["cuda:first", "auto"]),
        (["--colour", "3"], ["--colour"]),
        (["--held-out", "nowhere"], ["nowhere"]),
    ],
)
def test_unusable_flags(
    folder: Path, tmp_path: Path, capsys: Any, more: list[str], words: list[str]
) -> None:
    refused(train(folder, tmp_path / "run", *more), capsys, *words)
    assert not (tmp_path / "run" / "state.safetensors").exists()


def test_the_presets_reach_the_networks(folder: Path, tmp_path: Path) -> None:
    assert train(folder, tmp_path / "run", "--preset", "paper") == 0
    asked = (tmp_path / "run" / "run.json").read_text()
    assert '"kernel": 5' in asked
    assert '"schedule": "alternate"' in asked
    assert '"width": 4' in asked  # a flag outweighs the preset


def test_a_held_out_set_of_one_s_own(folder: Path, tmp_path: Path) -> None:
    for i in range(12):
        picture(tmp_path / "others" / f"{i}.png", 1000 + i)
    assert train(folder, tmp_path / "run", "--held-out", str(tmp_path / "others")) == 0
    (row,) = [r for r in read_metrics(tmp_path / "run") if "fd" in r]
    assert row["n"] == 12
    assert "others (all, 12 images)" in row["held_out"]
