"""The probe in CONTRIBUTING.md is a command, a section and a page: no other file knows it."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from test_explorer import opened, started

from ganlens import load, open_data
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.probes import PROBES
from ganlens.report import Finding, headline

TEXT = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
NAME = "brightness"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module that CONTRIBUTING shows, its probe known under its name."""
    (code,) = re.findall(r'```python\n("""Brightness.*?)```', TEXT.read_text("utf-8"), re.S)
    (tmp_path / "brightness_probe.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import brightness_probe

    PROBES[NAME] = brightness_probe.Brightness
    yield brightness_probe
    del PROBES[NAME]
    del sys.modules["brightness_probe"]


def test_it_is_a_command_with_help(own: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert re.search(r"^  brightness +are samples as bright as the data\?$",
                     capsys.readouterr().out, re.M)  # fmt: skip
    assert main([NAME, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Compare the brightness of samples" in shown
    assert "--n " in shown
    words = [NAME, "pixelfaces", "--data", "pixelfaces", "--n", "30", "--json", "-"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"] == {"n": 30, "batch_size": 64}
    subject, data = load("pixelfaces"), open_data("pixelfaces")
    real = (data.batch(slice(30)).mean((1, 2, 3)).numpy() + 1) / 2
    assert found["summary"]["brightness_real"] == pytest.approx(float(real.mean()), abs=1e-6)
    drawn = (subject.sample(range(30)).mean((1, 2, 3)).numpy() + 1) / 2
    assert found["summary"]["brightness"] == pytest.approx(float(drawn.mean()), abs=1e-6)


def test_its_limits_are_checked_and_said(
    own: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(GanlensError, match=r"^n 0 is too small: give at least 1$"):
        own.Brightness(n=0)
    assert main([NAME, "pixelfaces", "--data", "pixelfaces", "--n", "0"]) == 2
    assert capsys.readouterr().err == "ganlens: n 0 is too small: give at least 1\n"
    assert main([NAME, "pixelfaces"]) == 2
    assert "needs images" in capsys.readouterr().err


def test_it_is_a_section_of_the_report(own: ModuleType, tmp_path: Path) -> None:
    words = ["report", "pixelfaces", "--data", "pixelfaces", "--out", str(tmp_path / "r")]
    assert main([*words, "--probes", NAME]) == 0
    page = (tmp_path / "r" / "report.html").read_text("utf-8")
    assert "Both curves should lie on each other." in page
    assert "mean brightness of samples (0 to 1)" in page
    (found,) = json.loads((tmp_path / "r" / "findings.json").read_text("utf-8"))["findings"]
    assert found["probe"] == NAME
    with np.load(tmp_path / "r" / "arrays.npz") as arrays:
        assert arrays[f"{NAME}/samples"].shape == (200,)


def test_its_headline_is_filled_from_the_numbers(own: ModuleType) -> None:
    probe = own.Brightness(n=20)
    result = probe.run(load("pixelfaces"), open_data("pixelfaces"))
    said = headline(Finding(NAME, probe, result))
    assert said == (
        f"mean brightness {result['brightness']:.3f}, real images {result['brightness_real']:.3f}"
    )


def test_it_is_a_page_of_the_explorer(own: ModuleType) -> None:
    assert started
    app = opened(NAME, checkpoint="pixelfaces", data="pixelfaces")
    assert [one.value for one in app.title] == ["Brightness"]
    app.number_input(key=f"{NAME}-n").set_value(25).run()
    app.button(key=f"{NAME}-run").click().run()
    assert not app.exception
    assert any("25 images of either kind" in one.value for one in app.caption)
