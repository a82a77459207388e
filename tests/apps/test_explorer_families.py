"""The explorer's pages show every family: what they can, and one sentence where they cannot."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from three_families import FAMILIES

from ganlens import load
from ganlens.cli import main
from ganlens.images import png_bytes
from ganlens.models import MODELS
from ganlens.probes import PROBES

APPS = Path(__file__).parents[2] / "apps"
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
                 "--batch-size", "16", "--extractor", "pixels",
                 "--precision", "float32"]  # fmt: skip
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
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    return " ".join(one.value for one in app.caption).replace("\\", "")


def sheets(app: AppTest) -> list[str]:
    """Return the texts of the pictures that a page shows."""
    return [one.alt for picture in app.image for one in picture.proto.imgs]


def pixels(app: AppTest, index: int = 0) -> str:
    """Return the name of a picture's file, which is made from its content."""
    return str(app.image[index].value)


def test_samples_of_a_conditional_model_say_what_they_were_told(places: tuple[Path, Path]) -> None:
    app = page(places, "toy-conditional", "sample")
    assert "Each is under a condition of its own; the first row: " in captions(app)
    before = pixels(app)
    app.selectbox(key="condition-one").select("2").run()
    assert "none chosen. All under '2'." in captions(app)
    assert "on the right, by slerp. All under '2'." in captions(app)
    assert pixels(app) != before
    assert app.query_params["condition"] == "2"
    assert any("--condition 2" in one.value for one in app.code)
    app.selectbox(key="condition-one").select("as the training data had it").run()
    assert pixels(app) == before
    assert "condition" not in app.query_params


def test_the_address_holds_the_condition(places: tuple[Path, Path]) -> None:
    app = page(places, "toy-conditional", "sample", condition="1")
    assert app.selectbox(key="condition-one").value == "1"
    assert "All under '1'." in captions(app)
    app = page(places, "toy-conditional", "sample", condition="77")
    assert "class '77' is not known" in app.warning[0].value
    assert "Each is under a condition of its own" in captions(app)


def test_the_canvas_draws_under_a_condition_and_its_link_brings_it_back(
    places: tuple[Path, Path],
) -> None:
    app = page(places, "toy-conditional", "latent")
    assert "Under '" in captions(app), "one picture is under the most frequent condition"
    app.selectbox(key="condition-one").select("1").run()
    assert "Under '1'." in captions(app)
    link = app.query_params["recipe"]
    drawn = pixels(app, 1)
    app.selectbox(key="condition-one").select("0").run()
    assert pixels(app, 1) != drawn
    again = page(places, "toy-conditional", "latent", recipe=link)
    assert "Under '1'." in captions(again)
    assert again.selectbox(key="condition-one").value == "1"


def test_a_translator_shows_its_sources_beside_the_results(places: tuple[Path, Path]) -> None:
    for path in ("", "sample"):
        app = page(places, "toy-translator", path)
        said = captions(app)
        assert "right of each is what a_to_b makes of it" in said
        assert "held-out images of" in said
    assert any("beside what a_to_b makes of them" in alt for alt in sheets(app))
    before = pixels(app)
    app.selectbox(key="network").select("b_to_a").run()
    assert "right of each is what b_to_a makes of it" in captions(app)
    assert pixels(app) != before
    assert any(one.value.startswith("ganlens draw ") for one in app.code)


def test_an_autoencoder_shows_samples_and_reconstructions(places: tuple[Path, Path]) -> None:
    for path in ("", "sample"):
        app = page(places, "toy-autoencoder", path)
        assert "Seeds 0 to 63, row by row: none left out" in captions(app)
        assert "the latents that encoder reads off it. Pixels differ by" in captions(app)
        assert len(app.image) >= 2


def test_source_pictures_that_are_not_offered_are_one_sentence(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["explorer.py", "--root", str(places[0])])
    app = page(places, "toy-translator", "", data="none")
    assert not app.exception
    (said,) = [one.value.replace("\\", "") for one in app.error]
    assert "is not offered here: choose real images on the left" in said
    assert "\n" not in said
    assert "trained on" in str([list(table.value.index) for table in app.table]), "the rest stands"


@pytest.mark.parametrize("name", ["fid", "neighbors"])
def test_what_a_header_names_is_no_permission_to_open_it(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Neither by running a probe nor by replaying a panel: a checkpoint may come from anywhere."""
    monkeypatch.setattr(sys, "argv", ["explorer.py", "--root", str(places[0])])
    app = page(places, "toy-translator", name, data="pixelfaces")
    app.button(key=f"{name}-run").click().run(timeout=120)
    assert not app.exception
    (said,) = [one.value.replace("\\", "") for one in app.error]
    assert said.startswith(f"a_to_b reads pictures, and {places[1]} is not offered here")
    subject = load(places[0] / "toy-translator", "cpu")
    panel = {"version": 1, "kind": "panel", "panel": "x", "scale": 1, "checkpoint": "c",
             "hash": subject.provenance["hash"], "weights": subject.provenance["weights"],
             "probe": name, "settings": {}}  # fmt: skip
    for values, words in (
        ({}, "a_to_b reads pictures"),
        ({"data": str(places[1])}, "is not known"),
    ):
        app = page(places, "toy-translator", "replay", data="none")
        content = png_bytes(np.zeros((4, 4, 3), np.uint8), {**panel, **values})
        app.file_uploader[0].set_value(("p.png", content, "image/png")).run()
        assert not app.exception
        (said,) = [one.value.replace("\\", "") for one in app.error]
        assert words in said
        assert "with --data" in said


def conditional_widgets() -> None:
    """A page of nothing but the widgets of a model whose condition the address names."""
    from types import SimpleNamespace

    import conditions
    import numpy as np
    import streamlit as st

    from ganlens.models.conditions import Attributes, Text

    kind = st.query_params["kind"]
    columns = {"mouth": np.array(["smile", "open", "open"]), "tilt": np.array([1.0, 2, 6])}
    of_attributes, of_text = Attributes.of(columns, {}), Text.of(["a smiling face", "a face"])
    condition = of_text if kind == "text" else of_attributes
    model = SimpleNamespace(
        name="model", condition=condition, provenance={"hash": kind}, words="nothing",
        with_condition=lambda words: SimpleNamespace(words=condition.name(condition.read(words))),
    )  # fmt: skip
    st.write(conditions.chosen(model).words)


def widgets(**address: str) -> AppTest:
    app = AppTest.from_function(conditional_widgets, default_timeout=60)
    for key, value in address.items():
        app.query_params[key] = value
    return app.run()


def test_every_attribute_of_a_condition_has_a_widget() -> None:
    app = widgets(kind="attributes")
    assert app.markdown[0].value == "nothing"
    app.toggle(key="condition-one").set_value(True).run()
    assert not app.exception
    assert app.selectbox(key="condition-of-mouth").options == ["open", "smile"]
    app.selectbox(key="condition-of-mouth").select("smile").run()
    app.number_input(key="condition-of-tilt").set_value(3.5).run()
    assert app.markdown[0].value == "mouth=smile & tilt=3.5"
    assert app.query_params["condition"] == "mouth=smile & tilt=3.5"
    again = widgets(kind="attributes", condition="tilt=5 & mouth=smile")
    assert again.markdown[0].value == "mouth=smile & tilt=5"


def test_a_caption_is_typed() -> None:
    app = widgets(kind="text")
    app.text_input(key="condition-one").set_value("a smiling face").run()
    assert app.markdown[0].value == "a smiling face"
    app.text_input(key="condition-one").set_value("a dog").run()
    assert not app.exception
    assert "word 'dog' is in no training caption" in app.error[0].value
    assert app.markdown[0].value == "nothing"


def test_a_page_that_needs_a_generator_says_what_there_is(places: tuple[Path, Path]) -> None:
    for path in ("latent", "concepts"):
        (said,) = page(places, "toy-translator", path).info
        text = said.value.replace("\\", "")
        assert text.startswith("This page needs a generator")
        assert "this checkpoint has: a_to_b (translator), b_to_a" in text


def test_a_family_is_named_when_the_explorer_starts(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its checkpoint is offered and opens; nothing of it runs without --trust."""
    own = FAMILIES["toy-translator"]
    monkeypatch.setitem(MODELS, "toy-translator", own)  # for the end: the explorer enters it again
    monkeypatch.delitem(MODELS, "toy-translator")
    (tmp_path / "brings_a_family.py").write_text(
        "from ganlens.models import MODELS\nfrom three_families import FAMILIES\n\n\n"
        "def bring():\n    MODELS['toy-translator'] = FAMILIES['toy-translator']\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--module", "brings_a_family:bring"])
    app = page(places, "toy-translator", "")
    assert "add --trust" in app.error[0].value
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--trust"])
    app = page(places, "toy-translator", "sample")
    assert app.selectbox(key="checkpoint").value.endswith("toy-translator")
    assert not app.exception
    assert not app.error
    command, python = (one.value for one in app.code)
    assert command.endswith(" --module brings_a_family:bring --trust")
    assert ", module='brings_a_family:bring', trust=True)" in python
