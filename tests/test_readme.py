"""What the README and the cards tell people to type is understood, each flag of it."""

import re
import shlex
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path

import pytest

from ganlens.cli import commands as known_commands
from ganlens.cli import flags, main

ROOT = Path(__file__).parents[1]
TEXTS = [ROOT / "README.md", ROOT / "apps" / "README.md", *ROOT.glob("checkpoints/*/card.md")]
PLACEHOLDER = re.compile(r"(?<!=)\.\.\.|\b[A-Z]{3,}\b(?!=)")  # of `ganlens report CHECKPOINT ...`


def commands() -> list[str]:
    """Every command line that can be typed as it stands."""
    found: list[str] = []
    for file in TEXTS:
        text = file.read_text("utf-8").replace("\\\n", " ")
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
            found += re.findall(r"^ganlens .*", block, re.M)
        found += re.findall(r"`(ganlens [^`\s]+ [^`]+)`", text)
    known = dict.fromkeys(" ".join(one.split()) for one in found)
    return [one for one in known if not PLACEHOLDER.search(one.split("#")[0])]


def test_the_lines_are_found() -> None:
    shown = {one.split()[1] for one in commands()}
    assert shown <= known_commands().keys()
    assert shown >= {"train", "classifier", "sample", "fid", "linear-probe", "report", "cache"}


@pytest.mark.parametrize("line", commands())
def test_a_command_line_is_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words are read by the command's own parser; the command itself does not run."""
    read: list[str] = []

    def parse(
        function: Callable[..., int | None], program: str, words: Sequence[str],
        call: Callable[..., int] = flags.call,
    ) -> int:  # fmt: skip
        if prepare := getattr(function, "prepare", None):
            function = prepare(words)

        @wraps(function)
        def recorded(*_: object, **__: object) -> None:
            read.append(program)

        return call(recorded, program, words)

    if line.startswith("ganlens train") and "--module" in line:  # code of the reader's own
        pytest.skip("tests/test_family_of_your_own.py runs it")
    monkeypatch.setattr(flags, "call", parse)
    words = shlex.split(line, comments=True)[1:]
    assert main(words) == 0
    assert read or words[-1] == "--help"
