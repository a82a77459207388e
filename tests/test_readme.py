"""Commands and links in README, docs and cards: each is understood, each leads somewhere."""

import re
import shlex
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path

import pytest

from ganlens.cli import commands as known_commands
from ganlens.cli import flags, main
from ganlens.probes import PROBES

ROOT = Path(__file__).parents[1]
TEXTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    ROOT / "apps" / "README.md",
    *ROOT.glob("checkpoints/*/card.md"),
]
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


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_link_leads_to_a_file_and_a_heading(file: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", file.read_text("utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose):
        place, _, heading = link.partition("#")
        target = file.parent / place if place else file
        assert target.exists(), link
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.M)
            assert heading in {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}


def test_the_readme_is_short_and_names_every_probe_with_its_help() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.split()) < 1400
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", text, re.M))
    assert {name: rows[name] for name in PROBES} == {name: PROBES.help(name) for name in PROBES}
    methods = (ROOT / "docs" / "probes.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", methods, re.M)) == sorted(PROBES)


def test_the_lines_are_found() -> None:
    shown = {one.split()[1] for one in commands()}
    assert shown <= {*known_commands(), "brightness"}  # which CONTRIBUTING.md adds
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

    if "--module" in line or line.startswith("ganlens brightness"):  # code of the reader's own
        pytest.skip("tests/test_family_of_your_own.py and test_probe_of_your_own.py run it")
    monkeypatch.setattr(flags, "call", parse)
    words = shlex.split(line, comments=True)[1:]
    assert main(words) == 0
    assert read or words[-1] == "--help"
