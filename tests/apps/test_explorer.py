"""The explorer, page by page, through Streamlit's AppTest."""

import json
import re
import shutil
import sys
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import ganlens
from ganlens import images
from ganlens.errors import GanlensError
from ganlens.latents import Seeds
from ganlens.panels import AnimationPanel, ImagePanel, TablePanel
from ganlens.paths import path_settings
from ganlens.probes import PROBES
from ganlens.recipe import Recipe, render

APPS = Path(__file__).parents[2] / "apps"
PAGES = ["", "latent", "sample", "concepts", "training", "compare", "replay", *PROBES]
# Settings that a visitor types: looked up among names of attributes and layers, never opened.
FREE_TEXT = {"a", "attribute", "b", "c", "concept", "formulas", "noise", "target"}

# Streamlit and its event loop warn about their own affairs.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(autouse=True)
def started(
    tiny_checkpoint: Path, tiny_images: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """Start the explorer with one root and one data set, and let its modules be imported."""
    arguments = ["explorer.py", "--root", str(tiny_checkpoint.parent), "--data", str(tiny_images)]
    monkeypatch.setattr(sys, "argv", arguments)
    # AppTest leaves the app as __main__, which processes that other tests spawn would run.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.syspath_prepend(APPS)
    return tiny_checkpoint, tiny_images


def label_of(checkpoint: Path) -> str:
    return f"{checkpoint.parent.name}/{checkpoint.name}"


def opened(page: str = "", **address: str) -> AppTest:
    app = AppTest.from_file(str(APPS / "explorer.py"), default_timeout=120)
    for key, value in address.items():
        app.query_params[key] = value
    app.run()
    return switched(app, page) if page else app


def plain(markdown: str) -> str:
    """Return text as a visitor reads it: without the escapes."""
    return re.sub(r"\\(.)", r"\1", markdown)


def said(app: AppTest) -> str:
    """Return the only error of a page."""
    assert not app.exception
    assert len(app.error) == 1, [one.value for one in app.error]
    assert "\n" not in app.error[0].value
    return plain(app.error[0].value)


def switched(app: AppTest, page: str) -> AppTest:
    """Go to a page by its path in the address, which AppTest offers for pages in files only."""
    known = {info.get("url_pathname"): key for key, info in app._registered_pages.items()}
    app._page_hash = known[page]
    return app.run()


@pytest.fixture
def tiny(started: tuple[Path, Path]) -> dict[str, str]:
    """The address that chooses the tiny checkpoint and its images."""
    return {"checkpoint": label_of(started[0]), "data": str(started[1])}


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_all_its_settings(page: str, tiny: dict[str, str]) -> None:
    app = opened(page, **tiny)
    assert not app.exception
    assert not app.error
    assert len(app.title) == 1
    assert app.query_params["checkpoint"] == tiny["checkpoint"]
    if page not in PROBES:
        return
    if PROBES[page]().needs().conditions:
        assert "takes no condition" in app.info[0].value
    else:
        assert_no_setting_is_forgotten_and_none_takes_a_path(app, page)


def test_the_page_about_conditions_opens_with_a_conditional_model(
    tiny_conditional: Path, tiny_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--root", str(tiny_conditional.parent), "--data", str(tiny_images)]
    monkeypatch.setattr(sys, "argv", ["explorer.py", *words])
    for probe in ("conditions", "useful"):
        app = opened(probe, checkpoint=label_of(tiny_conditional), data=str(tiny_images))
        assert not app.exception
        assert_no_setting_is_forgotten_and_none_takes_a_path(app, probe)


def settings(app: AppTest) -> dict[str, Any]:
    kinds = ("number_input", "text_input", "selectbox", "toggle")
    return {widget.key: widget.value for kind in kinds for widget in getattr(app, kind)}


def assert_no_setting_is_forgotten_and_none_takes_a_path(app: AppTest, name: str) -> None:
    from widgets import hidden

    drawn = settings(app).keys()
    typed = {text.key for text in app.text_input}
    hints = get_type_hints(PROBES[name])
    for field in fields(PROBES[name]):
        key = f"{name}-{field.name.replace('_', '-')}"
        assert (key in drawn) != hidden(PROBES[name], field), f"{key} has no widget"
        if key in typed and hints[field.name] in (str, str | None):
            assert field.name in FREE_TEXT, f"may {key} be a path? Judge it, then list it"
        mark = path_settings(PROBES[name]).get(field.name)
        if mark is not None and not hidden(PROBES[name], field):
            assert app.selectbox(key=key).options == list(mark.words)


def test_what_is_about_a_file_is_hidden_with_it() -> None:
    from widgets import hidden

    kind = PROBES["invert"]
    assert {f.name for f in fields(kind) if hidden(kind, f)} == {"image", "direction", "amount"}


def test_shipped_checkpoints_are_offered_first(tiny: dict[str, str]) -> None:
    app = opened()
    shipped = [folder.name for folder, _ in ganlens.list_checkpoints()]
    offered = app.sidebar.selectbox[0].options
    assert sorted(offered[: len(shipped)]) == sorted(shipped)
    assert offered[0] == "pixelfaces"  # its data is embedded: it can be probed at once
    assert tiny["checkpoint"] in offered
    embedded = ["pixelfaces", "digits", "mnist10k"]  # pixelfaces-pairs has no train split to probe
    assert app.sidebar.selectbox[1].options == [tiny["data"], *embedded, "none"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "<script>\0"])
def test_an_address_opens_no_path(name: str) -> None:
    app = opened(checkpoint=name, data=name)
    assert not app.exception
    assert not app.error
    assert name not in app.sidebar.selectbox[0].options
    assert app.query_params["checkpoint"] in app.sidebar.selectbox[0].options
    assert app.query_params["data"] in app.sidebar.selectbox[1].options
    assert any("no checkpoint of the name" in warning.value for warning in app.warning)


@pytest.mark.parametrize("seed", ["-1", "99999999999999999999999", "\u0663"])
def test_a_seed_that_is_none_falls_back(seed: str, tiny: dict[str, str]) -> None:
    app = opened("sample", seed=seed, **tiny)
    assert not app.exception
    assert app.number_input(key="seed").value == 0


def test_seed_and_walk_keep_the_address(tiny: dict[str, str]) -> None:
    app = opened("sample", seed="12", **tiny)
    assert app.number_input(key="seed").value == 12
    app.number_input(key="seed").set_value(41).run()
    assert app.query_params["seed"] == "41"
    assert any("Seeds 41 to 104" in caption.value for caption in app.caption)
    app.number_input(key="from").set_value(5).run()
    app.number_input(key="steps").set_value(3).run()
    assert not app.exception
    commands = [block.value for block in app.code if block.language == "bash"]
    assert "--seed 41" in commands[0]
    assert re.search(r"--seeds 5 1 --per-leg 3", commands[1])


def test_a_probe_runs_and_is_remembered(tiny: dict[str, str]) -> None:
    app = opened("interpolate", **tiny)
    assert any("Press Run" in caption.value for caption in app.caption)
    app.number_input(key="interpolate-per-leg").set_value(3).run()
    app.text_input(key="interpolate-seeds").set_value("7, 8, 9").run()
    app.button(key="interpolate-run").click().run()
    assert not app.exception
    assert not app.error
    titles = [heading.value for heading in app.subheader]
    assert any("walk" in title.lower() for title in titles)
    command = next(block.value for block in app.code if block.language == "bash")
    assert "--seeds 7 8 9 --per-leg 3" in command
    app.number_input(key="interpolate-per-leg").set_value(4).run()
    assert any("settings have changed" in warning.value for warning in app.warning)
    app.number_input(key="interpolate-per-leg").set_value(3).run()
    assert not app.warning, "the result of these settings is kept"


def test_reset_puts_every_setting_back(tiny: dict[str, str]) -> None:
    address = {"top-images-units": "3, 1", "top-images-k": "4", "top-images-split": "test"}
    app = opened("top-images", **tiny, **address)
    assert app.text_input(key="top-images-units").value == "3, 1"
    app.number_input(key="top-images-images").set_value(50).run()
    app.button(key="top-images-reset").click().run()
    assert not app.exception
    assert app.text_input(key="top-images-units").value == ""
    assert app.selectbox(key="top-images-split").value == "train"
    probe = PROBES["top-images"]()
    assert app.number_input(key="top-images-k").value == probe.k
    assert app.number_input(key="top-images-images").value == probe.images


def test_what_cannot_be_done_leaves_nothing_to_stop(tiny: dict[str, str]) -> None:
    app = opened("top-images", **tiny)
    app.text_input(key="top-images-units").set_value("9999").run()
    app.button(key="top-images-run").click().run()
    assert "unit 9999 is not known" in said(app)
    assert not [one for one in app.button if one.label == "Stop"]


def test_a_bad_setting_is_one_line(tiny: dict[str, str]) -> None:
    app = opened("interpolate", **tiny)
    app.text_input(key="interpolate-seeds").set_value("7, x").run()
    assert [plain(error.value) for error in app.error] == [
        "seeds '7, x' cannot be read: give int values, apart by commas"
    ]
    app.text_input(key="interpolate-seeds").set_value("7").run()
    assert "goes nowhere" in app.error[0].value
    assert not app.exception


def test_reset_brings_every_kind_of_widget_back(tiny: dict[str, str]) -> None:
    app = opened("linear-probe", **tiny)
    before = settings(app)
    for key, value in (("n-train", 60), ("n-test", 50), ("validation", 0.5)):
        app.number_input(key=f"linear-probe-{key}").set_value(value)
    app.text_input(key="linear-probe-c-grid").set_value("3")
    app.toggle(key="linear-probe-mirror").set_value(True)
    app.selectbox(key="linear-probe-scaling").set_value("norm").run()
    assert sum(settings(app)[key] != value for key, value in before.items()) == 6
    app.button(key="linear-probe-reset").click().run()
    assert settings(app) == before
    assert not app.exception


def test_without_data_a_probe_says_what_it_needs(tiny: dict[str, str]) -> None:
    app = opened("fid", checkpoint=tiny["checkpoint"], data="none")
    assert "give a data set" in app.info[0].value
    assert not app.exception


def test_the_overview_says_which_images_stand_beside_it(
    tiny: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(3):
        images.write_png(photos / f"{i}.png", np.full((30, 20, 3), 60 * i, np.uint8))
    (photos / "notes_of_*mine*.txt").write_text("no picture")
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--data", str(photos)])
    texts = [plain(one.value) for one in opened(**tiny | {"data": str(photos)}).markdown]
    (data,) = [one for one in texts if one.startswith("3 images of")]
    assert str(photos) in data
    assert "\n- 1 file is no picture and not read: 1 .txt" in data
    assert "\n- 3 of 3 not square: cropped to the centre" in data
    without = opened(checkpoint=tiny["checkpoint"], data="none")
    assert not any("real images beside" in one.value for one in without.subheader)


def test_a_damaged_checkpoint_is_one_line(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "roots" / "cut"
    folder.mkdir(parents=True)
    content = (tiny_checkpoint / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["explorer.py", "--root", str(folder.parent)])
    app = opened(checkpoint="roots/cut")
    assert not app.error
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    app = app.run()
    assert not app.exception
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value


def test_the_overview_draws_of_a_curve_what_a_run_writes(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_checkpoint, tmp_path / "odd" / "tiny")
    monkeypatch.setattr(sys, "argv", ["explorer.py", "--root", str(tmp_path / "odd")])
    score = {"step": 1, "epoch": 1, "fd": 2.0, "coverage": None}
    score |= dict.fromkeys(("precision", "recall", "density"), 0.5)
    odd = ({"fd": 1.0}, *(score | {key: "x"} for key in score), score | {"epoch": None})
    for rows, drawn in ((odd, False), ((*odd, score), True)):
        lines = [json.dumps(row) for row in rows]
        (tmp_path / "odd" / "tiny" / "metrics.jsonl").write_text("\n".join(lines))
        app = opened(checkpoint="odd/tiny", data="none")
        assert not app.exception
        assert ("Training" in [header.value for header in app.header]) == drawn


def test_names_from_files_stay_text() -> None:
    import show

    hostile = "![x](http://evil.example/x.png) <b>*a*</b> :smile: $x$"
    safe = show.escape(f"`{hostile}` {hostile}")
    code, text = safe.rsplit("`", 1)
    assert code == f"`{hostile}", "code spans are shown as they are"
    for character in "![]()<>*:$":
        assert not re.search(rf"(?<!\\){re.escape(character)}", text)


def test_pictures_are_png_at_whole_number_scale() -> None:
    def script() -> None:
        import numpy as np
        import show

        from ganlens.panels import ImagePanel

        pixels = np.arange(10 * 300 * 3, dtype=np.uint8).reshape(10, 300, 3)
        show.image(ImagePanel("Wide", "Caption.", pixels, scale=4), "wide")

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    assert app.image[0].value[0].endswith(".png")


@pytest.mark.parametrize("rows", [[], [["a", 1], ["b", None]], [["a", 1.5], [2, "x"]]])
def test_tables_take_any_cells(rows: Any) -> None:
    def script(rows: list) -> None:  # type: ignore[type-arg]
        import show

        from ganlens.panels import TablePanel

        show.table(TablePanel("T", "Caption.", ["value", "value"], rows), "t")

    app = AppTest.from_function(script, default_timeout=60, args=(rows,)).run()
    assert not app.exception
    assert app.dataframe[0].value.shape == (len(rows), 2)


def test_a_table_of_sentences_wraps_them() -> None:
    def script() -> None:
        import show

        from ganlens.panels import TablePanel

        show.table(TablePanel("T", "Caption.", ["n", "why"], [[1.23456, "*wide* " * 9]]), "t")

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    assert not app.dataframe, "it would cut them off"
    assert plain(app.table[0].value.iloc[0, 0]) == "1.235"
    assert app.table[0].value.iloc[0, 1].startswith(r"\*wide\*"), "text, not Markdown"


def test_undefined_cells_are_dashes_and_whole_numbers_stay_whole() -> None:
    def script() -> None:
        import show

        from ganlens.panels import TablePanel

        rows = [["a", 12345, 1.5, None], ["b", None, None, None]]
        show.table(TablePanel("T", "Caption.", ["name", "n", "score", "why"], rows), "t")
        show.pairs({"kid": None, "kid_reason": "too few images"})

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    assert app.dataframe[0].proto.placeholder == "\N{EN DASH}", "Streamlit's own is None"
    frame = app.dataframe[0].value
    assert str(frame["n"].dtype).lower() == "int64"
    assert frame["n"][0] == 12345
    assert frame["n"].isna()[1]
    assert frame["score"].isna()[1]
    assert list(frame["why"]) == ["\N{EN DASH}"] * 2
    assert app.table[0].value["value"].tolist() == ["\N{EN DASH} \\(too few images\\)"]


def test_the_python_lines_draw_the_picture(
    started: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import show

    subject = ganlens.load(started[0], "cpu")
    recipe = Recipe.of(subject, Seeds((4, 5)), columns=2, enlargement=3)
    monkeypatch.chdir(tmp_path)
    exec(show.recipe_code(str(started[0]), recipe), {})
    np.testing.assert_array_equal(images.read_frames("picture.png")[0], render(subject, recipe))
    assert Recipe.from_json(images.read_recipe("picture.png")) == recipe


def test_shelf_is_bounded() -> None:
    from store import Shelf

    shelf = Shelf(2)
    for key in "abc":
        shelf.put(key, key)
    assert shelf.get("a") is None
    assert shelf.get("b") == "b"
    shelf.put("d", "d")
    assert shelf.get("c") is None, "the one that was looked at last stays"
    assert shelf.get("b") == "b"


def test_a_probe_gets_networks_of_its_own(started: tuple[Path, Path]) -> None:
    from store import own_copy

    subject = ganlens.load(started[0])
    copy = own_copy(subject)
    next(copy.generator.parameters()).data.zero_()
    z = subject.latents([0])
    assert not np.array_equal(subject.generate(z).numpy(), copy.generate(z).numpy())


def test_a_kept_picture_is_shown_for_its_own_checkpoint_only(started: tuple[Path, Path]) -> None:
    from store import picture, samples

    subject, other = ganlens.load(started[0], "cpu"), ganlens.load("pixelfaces", "cpu")
    recipe = Recipe.of(subject, Seeds((7,)))
    np.testing.assert_array_equal(picture(subject, recipe), render(subject, recipe))
    with pytest.raises(GanlensError, match="needs checkpoint 'tiny'"):
        picture(other, recipe)
    bare = subject.untrained(0)
    with pytest.raises(GanlensError, match="in no file"):
        picture(bare, Recipe.of(bare, Seeds((7,))))
    with pytest.raises(GanlensError, match="in no file"):
        samples(bare, (7,))


def test_one_processor_is_left_free_however_often_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import machine

    given: list[int] = []
    monkeypatch.setattr(machine.torch, "set_num_threads", given.append)
    monkeypatch.setattr(machine.torch, "get_num_threads", lambda: given[-1])
    for threads, left in ((8, 7), (2, 1), (1, 1)):
        monkeypatch.setattr(machine, "THREADS", threads)
        machine.leave_room()
        machine.leave_room()
        assert given[-2:] == [left, left]


def test_a_board_is_drawn_as_one_batch_with_the_same_bits(
    started: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from store import samples

    subject, seeds = ganlens.load(started[0], "cpu"), range(40, 51)
    one_by_one = [render(subject, Recipe.of(subject, Seeds((seed,)))) for seed in seeds]
    calls: list[int] = []
    generate = subject.generate
    monkeypatch.setattr(
        subject, "generate", lambda z, *rest: (calls.append(len(z)), generate(z, *rest))[1]
    )
    for _ in range(2):
        np.testing.assert_array_equal(images.as_rgb(samples(subject, seeds)), one_by_one)
    assert calls == [len(seeds)], "once, in one batch"


def test_a_concept_is_learned_and_its_extremes_drawn_once(
    tiny: dict[str, str], started: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import page_concepts

    calls: list[str] = []
    extremes, learn = page_concepts._extremes, page_concepts.fit_concept_steps
    monkeypatch.setattr(
        page_concepts, "_extremes", lambda *given: (calls.append("drawn"), extremes(*given))[1]
    )
    monkeypatch.setattr(page_concepts, "fit_concept_steps", partial(learn, pool=200))
    digest = ganlens.load(started[0], "cpu").provenance["hash"]
    app = opened(**tiny)
    app.session_state[f"concept-marks-{digest}"] = {s: ("yes", "no")[s % 2] for s in range(12)}
    switched(app, "concepts")
    next(button for button in app.button if button.label == "Learn it").click().run()
    assert not app.exception
    assert not app.error
    pictures = [picture.value for picture in app.image]
    assert len(pictures) == 3, "the most of it, the least of it, and moved along it"
    app.number_input(key="concept-first").set_value(48).run()
    assert not app.exception
    assert [picture.value for picture in app.image] == pictures
    assert calls == ["drawn"]


def test_panel_kinds_are_all_drawn() -> None:
    """A fifth kind of panel would need a place in ``show.panel``."""
    from ganlens.panels import FigurePanel, Panel

    assert set(get_args(Panel)) == {ImagePanel, AnimationPanel, FigurePanel, TablePanel}


def test_films_play_and_can_be_held_still_and_downloaded() -> None:
    def script() -> None:
        import numpy as np
        import show

        from ganlens.panels import AnimationPanel

        frames = np.arange(3 * 8 * 8 * 3, dtype=np.uint8).reshape(3, 8, 8, 3)
        show.panel(AnimationPanel("A film", "Caption.", frames, alt="three frames"), "film")

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    body = app.get("html")[0].proto.body
    assert 'alt="three frames"' in body
    assert "image/webp" in body
    assert 'type="checkbox"' in body
    assert len(app.get("download_button")) == 2
    assert app.caption[0].value == "Caption."


def test_a_dropped_picture_is_drawn_again(
    tiny: dict[str, str], started: tuple[Path, Path], tmp_path: Path
) -> None:
    subject = ganlens.load(started[0], "cpu")
    recipe = Recipe.of(subject, Seeds((1, 2, 3)), columns=3)
    path = images.write_png(tmp_path / "p.png", render(subject, recipe), recipe.to_json())
    app = opened("replay", checkpoint=tiny["checkpoint"])
    app.file_uploader[0].set_value(("p.png", path.read_bytes(), "image/png")).run()
    assert not app.exception
    assert [one.value for one in app.success] == ["Identical, to the pixel."]
    spoiled = {**recipe.to_json(), "hash": "0" * 64}
    images.write_png(path, render(subject, recipe), spoiled)
    app.file_uploader[0].set_value(("p.png", path.read_bytes(), "image/png")).run()
    assert "which is not among those offered here" in app.error[0].value
