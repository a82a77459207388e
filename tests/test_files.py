"""Files are whole or absent, and what a killed process leaves half written is swept up."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ganlens.cli.terminal import check_file, check_free_folder
from ganlens.files import is_temporary, remove_leftovers, replacing, write_bytes

fcntl = pytest.importorskip("fcntl")

KILLED = """
import os, signal, sys
from pathlib import Path
from ganlens.files import write_bytes
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
write_bytes(Path(sys.argv[1]), bytes(1000))
"""


def killed_writing(path: Path) -> Path:
    """Write a file in a process that is killed before the rename; return what is left."""
    before = set(path.parent.glob("*"))
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = set(path.parent.glob("*")) - before
    return left


def test_a_leftover_is_known_and_removed(tmp_path: Path) -> None:
    left = killed_writing(tmp_path / "state with.dots.bin")
    assert is_temporary(left)
    assert left.stat().st_size == 1000
    remove_leftovers(tmp_path, "state")
    assert left.exists(), "of another file"
    remove_leftovers(tmp_path, "state with.dots.bin")
    assert not left.exists()


def test_what_a_live_process_writes_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with replacing(path) as file:
        file.write(b"whole")
        remove_leftovers(tmp_path)
    assert path.read_bytes() == b"whole"
    assert [one.name for one in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_that_is_swept_up_before_its_lock_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, calls = fcntl.flock, []

    def late(file: object, how: int) -> None:
        if how == fcntl.LOCK_EX and not calls:
            calls.append(how)
            remove_leftovers(tmp_path)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    write_bytes(tmp_path / "a.bin", b"whole")
    assert calls
    assert [one.name for one in tmp_path.iterdir()] == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"whole"


def test_without_locks_files_are_written_and_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = killed_writing(tmp_path / "a.bin")

    def none(file: object, how: int) -> None:
        raise OSError("no locks on this file system")

    monkeypatch.setattr(fcntl, "flock", none)
    write_bytes(tmp_path / "b.bin", b"whole")
    remove_leftovers(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == {left.name, "b.bin"}


SOME = UUID("9304eaa3-622d-414f-8eaa-c7f051116b33")  # the same name of the test in every process
FOREIGN = [
    "a.tmp",
    ".a.tmp",
    ".a.bin.swp",
    f"a.{SOME.hex}.tmp",
    f".{SOME.hex}.tmp",
    f".a.{SOME.hex[:-1]}.tmp",
    f".a.{'0' * 32}.tmp",
    f".a.{SOME.hex}.tmp.png",
    f".a.{SOME}.tmp",
]


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_name_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    remove_leftovers(tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_only_plain_files_are_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    names = [f".a.{uuid4().hex}.tmp" for _ in range(3)]
    (tmp_path / names[0]).symlink_to(tmp_path / "mine")
    (tmp_path / names[1]).mkdir()
    os.mkfifo(tmp_path / names[2])
    remove_leftovers(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == {"mine", *names}
    remove_leftovers(tmp_path / "absent")


def test_a_command_that_was_killed_can_be_given_again(tmp_path: Path) -> None:
    killed_writing(tmp_path / "panel.png")
    check_free_folder(tmp_path, force=False)
    killed_writing(tmp_path / "numbers.json")
    check_file(tmp_path / "numbers.json")
    assert list(tmp_path.iterdir()) == []
