"""A dropped picture names content: whatever path it holds, the explorer opens none of them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from test_explorer import label_of, opened, plain

import ganlens
from ganlens import images
from ganlens.latents import Seeds
from ganlens.paths import path_settings
from ganlens.probes import PROBES
from ganlens.recipe import Pictures, Recipe

APPS = Path(__file__).parents[2] / "apps"
ATTACKED = [(name, setting) for name in PROBES for setting in path_settings(PROBES[name])]
SPECS = [
    "{}",
    "{}/../secret",
    "~/../..{}",
    "file://{}",
    "train={},test={}",
    "\\\\host\\share",
    "..",
]
PIXELS = np.zeros((4, 4, 3), np.uint8)

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def explorer(tiny_checkpoint: Path, tiny_images: Path) -> Iterator[AppTest]:
    """The page Replay of an explorer with one checkpoint and one data set."""
    words = ["explorer.py", "--root", str(tiny_checkpoint.parent), "--data", str(tiny_images)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        patch.setitem(sys.modules, "__main__", sys.modules["__main__"])
        patch.syspath_prepend(APPS)
        yield opened("replay", checkpoint=label_of(tiny_checkpoint))


@pytest.fixture(scope="module")
def recipe(tiny_checkpoint: Path, tiny_images: Path) -> dict[str, Any]:
    """A panel recipe that fits the checkpoint and the data on offer."""
    subject = ganlens.load(tiny_checkpoint, "cpu")
    known = {"checkpoint": "tiny", "hash": subject.provenance["hash"], "weights": "raw"}
    data = ganlens.open_data(str(tiny_images), "all", size=16, channels=3)
    seen = {"data": str(tiny_images), "fingerprint": data.fingerprint}
    return {"version": 1, "kind": "panel", "panel": "Your image", "scale": 1, **known, **seen}


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of pictures, and one that is not there."""
    (tmp_path / "secret").mkdir()
    for i in range(8):
        pixels = np.full((16, 16, 3), 20 * i, np.uint8)
        images.write_png(tmp_path / "secret" / f"{i}.png", pixels)
    return tmp_path / "secret", tmp_path / "absent"


def dropped(app: AppTest, values: dict[str, Any]) -> str:
    """Drop a picture with a recipe; return the one error, of a page that shows nothing else."""
    content = images.png_bytes(PIXELS, values)
    app.file_uploader[0].set_value(("p.png", content, "image/png")).run()
    assert not app.exception
    assert not app.success
    assert len(app.error) == 1, [one.value for one in app.error]
    assert not app.json
    return plain(app.error[0].value)


@pytest.mark.parametrize(("name", "setting"), ATTACKED)
def test_no_path_of_a_setting_is_opened_or_told_of(
    explorer: AppTest,
    recipe: dict[str, Any],
    places: tuple[Path, Path],
    name: str,
    setting: str,
) -> None:
    said = set()
    for place in (*places, places[0] / "0.png"):
        for value in (str(place), [str(place)], f"{place},{place}"):
            said.add(dropped(explorer, {**recipe, "probe": name, "settings": {setting: value}}))
    (line,) = said
    assert line.startswith(f"the recipe's {setting} is a path, and a recipe opens none")
    assert str(places[0].parent) not in line


@pytest.mark.parametrize("form", SPECS)
def test_no_data_is_opened_that_is_not_on_offer(
    explorer: AppTest,
    recipe: dict[str, Any],
    places: tuple[Path, Path],
    tiny_checkpoint: Path,
    form: str,
) -> None:
    subject = ganlens.load(tiny_checkpoint, "cpu")
    of_samples = Recipe.of(subject, Seeds((0,))).to_json()
    panel = {**recipe, "probe": "filters", "settings": {}}
    for place in places:
        spec = form.format(place, place)
        sources = {"spec": spec, "split": "all", "fingerprint": ""}
        for values in (
            {**panel, "data": spec},
            {**panel, "sources": sources},
            {**of_samples, "latents": {"kind": Pictures.kind, "spec": spec, "rows": [0]}},
        ):
            line = dropped(explorer, values)
            assert line.startswith(f"data of the recipe {spec!r} is not known: choose from"), line


def test_what_is_on_offer_is_drawn_again(
    explorer: AppTest, recipe: dict[str, Any], tiny_checkpoint: Path, tiny_images: Path
) -> None:
    subject = ganlens.load(tiny_checkpoint, "cpu")
    data = ganlens.open_data(str(tiny_images), "all", size=16, channels=3)
    probe = PROBES["neighbors"](n=8, space="pixels", shown=2)
    panels = {one.title: one for one in probe.run(subject, data).panels() if hasattr(one, "image")}
    title, panel = next(iter(panels.items()))
    values = {**recipe, "probe": "neighbors", "settings": probe.settings(), "panel": title}
    content = images.png_bytes(panel.image, values)
    explorer.file_uploader[0].set_value(("p.png", content, "image/png")).run()
    assert not explorer.exception
    assert [one.value for one in explorer.error] == []
    assert [one.value for one in explorer.success] == ["Identical, to the pixel."]


def test_boxes_are_written_where_no_other_user_can_lay_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(APPS)
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path / "cache"))
    from page_forget import _file

    path = _file('{"boxes": []}')
    assert path.is_relative_to(tmp_path / "cache")
    (tmp_path / "precious").write_text("kept")
    path.unlink()
    path.symlink_to(tmp_path / "precious")
    assert _file('{"boxes": []}') == path
    assert not path.is_symlink()
    assert path.read_text() == '{"boxes": []}'
    assert (tmp_path / "precious").read_text() == "kept"
