"""``--module``: families and probes of one's own, in the folder where the command is given."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganlens.cli import main
from ganlens.probes import PROBES

TEXT = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with CONTRIBUTING's probe under a name of its own."""
    (code,) = re.findall(r'```python\n("""Brightness.*?)```', TEXT.read_text("utf-8"), re.S)
    code += '\n\nimport ganlens\n\nganlens.PROBES["brightness"] = Brightness\n'
    (tmp_path / "own_probe.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    PROBES._known.pop("brightness", None)
    sys.modules.pop("own_probe", None)


def script(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run ganlens as its console script does: the current folder is not on the path."""
    code = "import sys; sys.path[:] = [p for p in sys.path if p]; from ganlens.cli import main;"
    return subprocess.run(
        [sys.executable, "-c", f"{code} sys.exit(main(sys.argv[1:]))", *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


TRUST = ("--module", "own_probe:Brightness", "--trust")


def test_a_probe_beside_the_command_is_one(here: Path) -> None:
    words = ("brightness", "pixelfaces", "--data", "pixelfaces", "--n", "20", "--json", "b.json")
    unknown = script(here, *words)
    assert unknown.returncode == 2
    assert "command 'brightness' is not known" in unknown.stderr
    known = script(here, *words, *TRUST)
    assert known.returncode == 0, known.stderr
    assert 0 < json.loads((here / "b.json").read_text())["summary"]["brightness"] < 1
    told = script(here, "report", "pixelfaces", "--data", "pixelfaces", "--out", "report",
                  "--probes", "brightness,filters", *TRUST)  # fmt: skip
    assert told.returncode == 0, told.stderr
    found = json.loads((here / "report" / "findings.json").read_text())["findings"]
    assert [one["probe"] for one in found] == ["brightness", "filters"]


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("own_probe", "give package.module:callable"),
        ("own_probe.py:Brightness", "give its name without folder and .py"),
        ("./own_probe.py:Brightness", "give package.module:callable"),
        ("nowhere:It", "neither in this folder nor on PYTHONPATH"),
        ("faulty:It", "'faulty' cannot be imported (ZeroDivisionError: division by zero)"),
        (
            "lacking:It",
            "'lacking' cannot be imported (ModuleNotFoundError: No module named 'gone'",
        ),
    ],
)
def test_a_module_that_cannot_be_had_says_why(
    here: Path, capsys: pytest.CaptureFixture[str], module: str, said: str
) -> None:
    (here / "faulty.py").write_text("1 / 0\n")
    (here / "lacking.py").write_text("import gone\n")
    assert main(["list", "--module", module, "--trust"]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_two_modules_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--module", "a:B", "--module", "c:D", "--trust"]) == 2
    assert "import both in one file" in capsys.readouterr().err
