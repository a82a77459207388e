"""Standard output that is full, closed, left by its reader, or of few letters; no home folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ganlens.cli import main
from ganlens.cli.terminal import write_json
from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.places import cache_folder, expanded

FULL = Path("/dev/full")
NO_ROOM = "ganlens: standard output: No space left on device"


def ran(
    words: list[str], before: str = "", environment: dict[str, str] | None = None, after: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """Run a command line in a shell, which redirects its streams."""
    shell = f'{before} "$0" -m ganlens "$@" {after}'
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell}", sys.executable, *words],
        capture_output=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )


@pytest.mark.skipif(not FULL.is_char_device(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["list"],
    ],
    ids=" ".join,
)
def test_a_full_stdout_is_said_in_a_line(words: list[str]) -> None:
    done = ran(words, after="> /dev/full")
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-1] == NO_ROOM
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.skipif(not FULL.is_char_device(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    ("words", "after", "code"),
    [
        (["--version"], "> /dev/full 2> /dev/full", 2),
        (["nonsense"], "2> /dev/full", 2),
        (["nonsense"], "> /dev/full", 2),
        (["--version"], "2> /dev/full", 0),
        (["--version"], ">&-", 0),
        (["nonsense"], "2>&-", 2),
        (["--help"], ">&- 2>&-", 0),
    ],
)
def test_streams_that_nobody_can_hear_change_no_exit_code(
    words: list[str], after: str, code: int
) -> None:
    done = ran(words, after=after)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("words", [["list"], ["--help"]], ids=" ".join)
def test_a_reader_that_leaves_is_no_fault(words: list[str]) -> None:
    # The reader is gone before a letter is written.
    done = ran(words, after="| true", before="sleep 0.3;")
    assert done.returncode in (0, 141)
    assert done.stderr == b""


@pytest.mark.parametrize("encoding", ["ascii"])
@pytest.mark.parametrize("words", [["--help"], ["list"], ["sample", "nö"]], ids=" ".join)
def test_letters_that_the_encoding_lacks_stop_nothing(words: list[str], encoding: str) -> None:
    done = ran(words, environment={"PYTHONIOENCODING": encoding})
    assert done.returncode == (2 if words[0] == "sample" else 0), done.stderr
    assert b"Traceback" not in done.stderr


def test_json_on_a_stdout_of_few_letters_is_the_same_json(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    named = tmp_path / "néœö"
    named.symlink_to(tiny_checkpoint)
    words = ["filters", str(named), "--device", "cpu", "--json", "-"]
    found = []
    for encoding in ("ascii", "utf-8"):
        done = ran(words, environment={"PYTHONIOENCODING": encoding})
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout.decode(encoding)))
    assert found[0] == found[1]
    assert "néœö" in found[0]["checkpoint"]["path"]


def test_json_of_a_name_that_is_no_text_is_written(tmp_path: Path) -> None:
    name, out = os.fsdecode(b"n\xff"), tmp_path / "numbers.json"
    write_json(str(out), {"path": name, "word": "é"})
    assert json.loads(out.read_text("utf-8")) == {"path": name, "word": "é"}


@pytest.fixture
def unknown_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a name and without HOME, as ``docker run --user 54321`` has it."""
    pwd = pytest.importorskip("pwd")

    def nobody(*_: Any) -> None:
        raise KeyError("getpwuid(): uid not found")

    for name in ("HOME", "GANLENS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)


def test_an_unknown_user_without_a_home_is_told_what_to_set(
    unknown_user: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_images: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main(["cache"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no home folder is known of this user, and HOME is not set" in line
    assert "set GANLENS_CACHE" in line
    with pytest.raises(GanlensError, match="set GANLENS_CACHE"):
        open_data(str(tiny_images))
    for name, place in (("XDG_CACHE_HOME", tmp_path / "ganlens"), ("GANLENS_CACHE", tmp_path)):
        monkeypatch.setenv(name, str(tmp_path))
        assert cache_folder() == place
    assert len(open_data(str(tiny_images))) == 120


@pytest.mark.parametrize("spec", ["~nobody-of-this-name/faces.zip", "~nobody-of-this-name"])
def test_the_home_of_a_user_who_is_not_there(
    spec: str, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(GanlensError, match="no home folder is known of user 'nobody-of-this-name'"):
        expanded(spec)
    assert main(["neighbors", str(tiny_checkpoint), "--data", spec]) == 2
    assert "no home folder is known" in capsys.readouterr().err
