"""The table of probes: what may stand in it, and what is said of what may not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ganlens.cli import COMMANDS, main
from ganlens.errors import GanlensError
from ganlens.limits import MAX_SEED
from ganlens.probes import PROBES, table
from ganlens.probes.base import Needs, Probe
from ganlens.probes.table import ProbeTable


@dataclass(frozen=True)
class Own(Probe):
    n: int = 3


@dataclass(frozen=True)
class Bare(Probe):
    n: int


@dataclass(frozen=True)
class Elsewhere(Probe):
    group = "My own"  # type: ignore[assignment]


@pytest.fixture
def own() -> Iterator[None]:
    yield
    for name in ("own", "report"):
        PROBES._known.pop(name, None)


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("fid", Own, "probe 'fid' exists: give yours another name"),
        ("Colour hist", Own, "cannot be called 'Colour hist': take small letters"),
        ("own", Own(), "give a frozen dataclass, a Probe"),
        ("own", dict, "give a frozen dataclass, a Probe"),
        ("own", Bare, "setting 'n' without a default: give it one"),
        ("own", Elsewhere, "'My own' is not known: choose from Latent space, Inside"),
    ],
)
@pytest.mark.usefixtures("own")
def test_a_probe_that_nothing_could_use_is_refused(name: str, kind: Any, said: str) -> None:
    before = list(PROBES)
    with pytest.raises(GanlensError, match=said):
        PROBES[name] = kind
    assert list(PROBES) == before


@pytest.mark.usefixtures("own")
def test_a_probe_hides_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert not COMMANDS.keys() & set(PROBES)
    PROBES["report"] = Own
    assert main(["--help"]) == 2
    assert "probe 'report' has the name of a command" in capsys.readouterr().err
    assert main(["report", "--help"]) == 0
    assert "write one HTML page" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_leaves_the_help_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "other.py").write_text("class Other:\n    help = 'what it does'\n")
    monkeypatch.setattr(table, "HERE", tmp_path)
    found = ProbeTable({"a": "broken:A", "b": "other:Other", "c": "other:C", "d": "gone:D"})
    assert "broken.py cannot be read: invalid syntax" in found.help("a")
    assert found.help("b") == "what it does"
    assert "other.py has no class C" in found.help("c")
    assert "gone.py cannot be read" in found.help("d")


def test_what_a_probe_needs_exists() -> None:
    with pytest.raises(GanlensError, match="'samples' is not known: choose from generator"):
        Needs(frozenset({"samples"}))  # type: ignore[arg-type]
    with pytest.raises(GanlensError, match="'yes' is not known: choose from no, optional"):
        Needs(data="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in PROBES if PROBES[name].drawn])
def test_a_seed_that_leaves_too_few_for_all_samples_is_refused(name: str) -> None:
    kind = PROBES[name]
    count = getattr(kind(), kind.drawn)
    assert count > 1
    assert kind(seed=MAX_SEED - count + 1).seed == MAX_SEED - count + 1
    with pytest.raises(GanlensError, match=f"seed {MAX_SEED} of {count:,} must be a whole number"):
        kind(seed=MAX_SEED)


def test_what_a_probe_requires_is_what_it_needs_unless_its_settings_say_else() -> None:
    assert Own().needs() == Needs()
    assert PROBES["health"]().needs() == PROBES["health"].requires != Needs()
    drawn_by_itself = PROBES["top-images"](network="generator").needs()
    assert drawn_by_itself == Needs(frozenset({"generator"}))
