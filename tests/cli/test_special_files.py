"""A pipe, a socket or a device where a file is expected: one sentence, and no wait for ever."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.files import check_regular, check_target, write_bytes

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
PATIENCE = 100  # seconds until a wait is called one for ever

READ = [
    "replay {}.png",
    "replay {}",
    "fid {}.npz {data}",
    "fid {data} {}.npz --extractor pixels",
    "fid {data} {} --extractor pixels",
    "fid {tiny} --data {data} --extractor {}",
    "fid {tiny} --data {data} --extractor inception --inception-weights {}.pth",
    "fid {tiny} --data {data} --extractor vgg16 --weights {}.pth",
    "fid {tiny} --data {data} --extractor torchvision:resnet18 --weights {}.pth",
    "moments {} --extractor pixels --out {new}",
    "interpolate {tiny} --latents-file {}.npy",
    "forget {tiny} --boxes {}.json --choose weights --mode drop",
    "dissect {tiny} --boxes {}.npz --data {data}",
    "invert {tiny} --data {data} --image {}.png",
    "invert {tiny} --data {data} --image {}.zip",
    "invert {tiny} --data {data} --direction {}.safetensors",
    "invert {tiny} --data {data} --direction {}.safetensors:smile",
    "health {tiny} --data {data} --beside {},{}.npz",
    "maximize {tiny} --data {data} --classifier {}",
    "neighbors {tiny} --data {}.zip",
    "neighbors {tiny} --data {}",
    "neighbors {tiny} --data train={}.npz,test={data}",
    "sample {}.pth --out {new}",
    "sample {}",
    "check {}.safetensors",
    "import {}.pt --out {new}",
    "import {folder} --out {new}",
    "train --data {}.npz --out {new}",
    "train --data {data} --start {} --out {new}",
    "classifier train --data {}.zip --out {new}",
]
WRITTEN = [
    "filters {tiny} --json {}.json --force",
    "filters {tiny} --json {}",
    "sample {tiny} --out {}.png --force",
    "sample {tiny} --out {}.npz --force",
    "moments {data} --extractor pixels --out {}.npz --force",
]


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    def late(*_: object) -> None:
        raise AssertionError("it waits for ever")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def words(tmp_path: Path, tiny_checkpoint: Path, tiny_images: Path) -> dict[str, str]:
    """What stands in the commands; "" is a pipe, with any ending."""
    for ending in ("", ".png", ".npz", ".npy", ".json", ".zip", ".safetensors", ".pth", ".pt"):
        os.mkfifo(tmp_path / f"pipe{ending}")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "folder" / "model.jl_00.npy")
    return {
        "pipe": str(tmp_path / "pipe"),
        "folder": str(tmp_path / "folder"),
        "new": str(tmp_path / "new"),
        "tiny": str(tiny_checkpoint),
        "data": str(tiny_images),
    }


def given(command: str, words: dict[str, str]) -> list[str]:
    named = command.replace("{}", "{pipe}")
    return [word.format(**words) for word in named.split()]


@pytest.mark.parametrize("command", READ)
def test_a_pipe_to_read_is_refused(
    command: str, words: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given(command, words)) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "is a pipe, not a regular file: save its content as a file" in line


@pytest.mark.parametrize("command", WRITTEN)
def test_a_pipe_to_write_to_is_refused_and_stays(
    command: str, words: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given(command, words)) == 2
    assert "is a pipe, not a regular file" in capsys.readouterr().err
    folder = Path(words["pipe"]).parent
    assert all(path.is_fifo() for path in folder.glob("pipe*"))


def test_each_kind_is_named(tmp_path: Path) -> None:
    # A socket's path has at most 108 letters: bound by its name alone, then moved.
    there = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as one, pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        one.bind("s")
    (tmp_path / "link").symlink_to(there)
    for path, kind in (
        (there, "a socket"),
        (tmp_path / "link", "a socket"),
        ("/dev/null", "a dev"),
    ):
        with pytest.raises(GanlensError, match=f"is {kind}"):
            check_regular(path)
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file", tmp_path / "absent", "a\0b", "x" * 5000, ""):
        check_regular(path)


def test_no_device_is_ever_replaced(tmp_path: Path) -> None:
    for path in ("/dev/null", "/dev/stdout", "/dev/numbers.json", "/dev/fd/1", "/dev/../dev/tty"):
        with pytest.raises(GanlensError):
            check_target(path)  # the check alone: what it guards would replace a device
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(GanlensError, match="is a pipe"):
        write_bytes(pipe, b"x")
    assert pipe.is_fifo()
    if Path("/dev/shm").is_dir():
        check_target("/dev/shm/numbers.json")
