"""The explorer's pages show every family: what they can, and one sentence where they cannot."""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from three_families import FAMILIES

from ganlens.cli import main
from ganlens.probes import PROBES

APPS = Path(__file__).parents[1] / "apps"
PAGES = ["", "latent", "sample", "concepts", "training", "compare", "replay", *PROBES]
# Streamlit and its event loop warn about their own affairs.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with a checkpoint of each family, and the images that they saw."""
    root, runs = tmp_path_factory.mktemp("shown"), tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(5)
    data = root / "data.npz"
    labels = np.arange(120) % 3
    x = rng.integers(0, 90, (120, 16, 16, 3)) + 50 * labels[:, None, None, None]
    np.savez(data, images=x.astype(np.uint8), labels=labels)
    for family, one in FAMILIES.items():
        others = ["--others", str(data)] if one.domains == 2 else []
        words = ["train", "--family", family, "--data", str(data), "--epochs", "1", *others,
                 "--batch-size", "16", "--judge", "pixels", "--precision", "float32"]  # fmt: skip
        assert main([*words, "--out", str(runs / family)]) == 0
        shutil.copytree(runs / family / "best", root / family)
    return root, data


def page(places: tuple[Path, Path], family: str, path: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(APPS / "explorer.py"), default_timeout=120)
    known = {"checkpoint": f"{places[0].name}/{family}", "data": str(places[1]), **address}
    for key, value in known.items():
        app.query_params[key] = value
    app.run()
    if path:
        keys = {info.get("url_pathname"): key for key, info in app._registered_pages.items()}
        app._page_hash = keys[path]
        app.run()
    return app


@pytest.fixture(autouse=True)
def started(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["explorer.py", "--root", str(places[0]), "--data", str(places[1])]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.syspath_prepend(APPS)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_page_shows_it_or_says_what_it_needs(family: str, places: tuple[Path, Path]) -> None:
    for path in PAGES:
        app = page(places, family, path)
        assert not app.exception, path
        assert not app.error, (path, [one.value for one in app.error])
        assert len(app.title) == 1, path


def captions(app: AppTest) -> str:
    return " ".join(one.value for one in app.caption)


def test_samples_are_described_by_what_they_come_from(places: tuple[Path, Path]) -> None:
    assert "translated" in captions(page(places, "toy-translator", "sample"))
    assert "under a condition of its own" in captions(page(places, "toy-conditional", "sample"))
    assert "Seeds 0 to 63, row by row." in captions(page(places, "toy-autoencoder", "sample"))
    app: Any = page(places, "toy-conditional", "sample", condition="2")
    assert "all under '2'" in captions(app)
    assert any("--condition 2" in one.value for one in app.code)


def test_a_page_that_needs_a_generator_says_what_there_is(places: tuple[Path, Path]) -> None:
    (said,) = page(places, "toy-translator", "latent").info
    assert said.value.startswith("This page needs a generator; this checkpoint has: a_to_b")
