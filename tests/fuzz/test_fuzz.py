"""Hostile and damaged files at every door: opened, or refused in a line; nothing else happens."""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cases
import doors
import numpy as np
import pool
import pytest
import watch

from ganlens.errors import GanlensError

SEED, CRAFTED, CHANGED = 0, 12, 14  # of each door: half a minute in all
NAMES = (
    *("data folder", "table", "zip", "tar", "npz", "packed data", "image file"),
    *("checkpoint", "foreign weights", "module file", "classifier", "extractor weights"),
    *("recipe", "picture with a recipe", "packed recipe"),
    *("latents", "boxes", "directions", "moments", "run folder", "cache"),
)
pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, doors.Door]:
    return doors.all_doors(tmp_path_factory.mktemp("doors"))


def test_every_door_is_named(every: dict[str, doors.Door]) -> None:
    assert tuple(every) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_valid_input_opens(every: dict[str, doors.Door], name: str, tmp_path: Path) -> None:
    refused = []
    for index, sample in enumerate(every[name].samples):
        folder = tmp_path / str(index) / "inside"
        folder.mkdir(parents=True)
        try:
            every[name].open(cases.put(folder, dict(sample.files), sample.main))
        except GanlensError as error:
            refused.append(str(error))
    if name == "module file":  # whose code nobody has trusted
        assert len(refused) == len(every[name].samples)
    else:
        assert len(refused) <= len(every[name].samples) // 2, refused


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_given_is_opened_or_refused_in_a_line(
    every: dict[str, doors.Door], name: str, tmp_path: Path
) -> None:
    canary = tmp_path / "outside" / "canary"
    chosen = cases.chosen([every[name]], SEED, CRAFTED, CHANGED, canary)
    faults, refused = [], 0
    for case, outcome in pool.run(every, chosen, tmp_path):
        refused += outcome.what == "refused"
        if outcome.fault:
            faults.append(f"{case}: {outcome.what}: {outcome.words} ({outcome.trace})")
    assert not faults, "\n".join(faults)
    assert refused or name in ("data folder", "table", "packed data", "run folder", "cache")


def test_a_case_is_the_same_every_time(every: dict[str, doors.Door], tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for case in cases.chosen(list(every.values()), 5, 2, 2, canary):
        once, again = (cases.files_of(every[case.door], case, canary) for _ in range(2))
        assert once == again


# --- the watch sees what it is to see


def run_planted(action: Callable[[Path], Any], root: Path) -> watch.Outcome:
    planted = {"planted": doors.Door("planted", action, (doors.Sample({"a": b"x"}, "a"),))}
    ((_, outcome),) = pool.run(planted, [cases.Case("planted", 0, "python", 0)], root)
    return outcome


def socket_connects(path: Path) -> None:
    with suppress(OSError), socket.socket() as one:
        one.settimeout(0.1)
        one.connect(("127.0.0.1", 9))


def says_two_lines(path: Path) -> None:
    error = GanlensError("one")
    error.args = ("one\ntwo",)
    raise error


def says_too_much(path: Path) -> None:
    error = GanlensError("one")
    error.args = ("x" * 5000,)
    raise error


PLANTED: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "a shell": ("executed", lambda path: os.system("true")),
    "a program": ("executed", lambda path: subprocess.run(["true"], check=False)),
    "code of the file": (
        "executed",
        lambda path: exec(compile(f"x = {str(path.parents[2] / 'outside/canary')!r}", "x", "exec")),
    ),
    "the network": ("executed", socket_connects),
    "writing beside": ("outside", lambda path: (path.parents[2] / "beside").write_text("x")),
    "reading a secret": (
        "outside",
        lambda path: Path("/etc/passwd").read_bytes(),
    ),
    "a way up": ("outside", lambda path: (path.parent / "../../beside").write_text("x")),
    "removing": ("outside", lambda path: Path("/etc/nothing").unlink(missing_ok=True)),
    "memory": ("memory", lambda path: np.ones(2**24)),
    "a traceback": ("exception", lambda path: {}["x"]),
    "two lines": ("lines", says_two_lines),
    "a long line": ("lines", says_too_much),
    "a loop": ("hang", lambda path: [None for _ in iter(int, 1)]),
    "waiting": ("hang", lambda path: time.sleep(600)),
    "a crash": ("crash", lambda path: os.abort()),
    "nothing": ("opened", lambda path: path.read_bytes()),
}


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less memory and time, so that it is soon too much."""
    monkeypatch.setattr(watch, "MOST_MEMORY", 2**26)
    monkeypatch.setattr(pool, "LIMIT", 2**33)
    monkeypatch.setattr(pool, "WORK", 1.0)
    monkeypatch.setattr(pool, "SLEEP", 1.0)


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_fault_is_seen(what: str, tmp_path: Path) -> None:
    kind, action = PLANTED[what]
    outcome = run_planted(action, tmp_path)
    assert outcome.what == kind, outcome
