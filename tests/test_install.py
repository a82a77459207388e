"""What a wheel carries, and what it leaves at home."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from ganlens.data import EMBEDDED
from ganlens.places import PACKAGE, cache_folder, shipped_folder

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_a_wheel_carries_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    own = [p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert {p.relative_to(ROOT).as_posix() for p in own} <= names
    assert {f"ganlens/assets/{name}.zip" for name in EMBEDDED if name != "digits"} <= names


def test_a_wheel_carries_the_checkpoints_and_the_apps(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert "ganlens/_apps/explorer.py" in names
    assert "ganlens/_checkpoints/pixelfaces/metrics.jsonl" in names
    for model in (ROOT / "checkpoints").glob("*/model.safetensors"):
        curve = model.with_name("metrics.jsonl")  # a classifier has none
        for file in (model.name, "card.md", *([curve.name] if curve.exists() else [])):
            assert f"ganlens/_checkpoints/{model.parent.name}/{file}" in names


def test_a_wheel_carries_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert {name.split("/")[0] for name in names} == {"ganlens", "ganlens-0.1.0.dist-info"}
    assert not [
        n for n in names if "test" in n or "__pycache__" in n or n.endswith("state.safetensors")
    ]


def test_a_wheel_is_within_its_budget(wheel: zipfile.ZipFile) -> None:
    """PyPI takes 100 MB; a checkpoint that is added later weighs 6 MB at most."""
    assert Path(str(wheel.filename)).stat().st_size < 95e6
    assets = [info for info in wheel.infolist() if info.filename.startswith("ganlens/assets/")]
    assert sum(info.compress_size for info in assets) < 12e6


def test_a_wheel_describes_itself(wheel: zipfile.ZipFile) -> None:
    (name,) = [n for n in wheel.namelist() if n.endswith("/METADATA")]
    about = Parser().parsestr(wheel.read(name).decode())
    assert about["Requires-Python"] == ">=3.11"
    assert about["License-Expression"] == "MIT AND CC0-1.0 AND CC-BY-SA-3.0"
    carried = {file.removeprefix("ganlens-0.1.0.dist-info/licenses/") for file in wheel.namelist()}
    assert set(about.get_all("License-File", [])) <= carried
    required = {
        line.split(">")[0] for line in about.get_all("Requires-Dist", []) if "extra" not in line
    }
    assert {"torch", "torchvision", "streamlit"} <= required
    (entry,) = [n for n in wheel.namelist() if n.endswith("/entry_points.txt")]
    assert "ganlens = ganlens.cli:main" in wheel.read(entry).decode()


def test_constraints_pin_every_requirement_by_name_and_version_only() -> None:
    import tomllib

    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(len(line.split("==")) == 2 and "/" not in line and "@" not in line for line in pins)
    pinned = {_plain(line.split("==")[0]) for line in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    assert {_plain(line.split(">=")[0]) for line in wanted} <= pinned


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def test_shipped_folders_are_found_in_a_clone_and_in_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shipped_folder("checkpoints") == ROOT / "checkpoints"
    assert (shipped_folder("assets") / "pixelfaces.zip").is_file()
    installed = tmp_path / "site-packages" / "ganlens"
    (installed / "_checkpoints").mkdir(parents=True)
    monkeypatch.setattr("ganlens.places.PACKAGE", installed)
    assert shipped_folder("checkpoints") == installed / "_checkpoints"
    assert shipped_folder("assets") == installed / "assets"


def test_the_cache_can_be_put_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("GANLENS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ganlens"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert cache_folder() == tmp_path / "me" / ".cache" / "ganlens"
