import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image, PngImagePlugin

import ganlens
from ganlens import cli, images
from ganlens import replay as replays
from ganlens.attributes import CLASSIFIERS
from ganlens.cache import cached
from ganlens.classifier import ClassifierSettings, save_classifier, train_classifier
from ganlens.cli import commands, explore, main, terminal
from ganlens.cli import probe as probe_command
from ganlens.cli.files import write_panels
from ganlens.cli.flags import call, one_line
from ganlens.cli.pictures import read_picture
from ganlens.directions import Direction
from ganlens.errors import GanlensError
from ganlens.features import DataImages, FeatureStore, PixelExtractor, features_of
from ganlens.panels import AnimationPanel, FigurePanel, ImagePanel, TablePanel
from ganlens.probes import PROBES
from ganlens.probes.base import Probe
from ganlens.probes.table import ProbeTable
from ganlens.progress import finish
from ganlens.report import Finding, headline
from ganlens.report.headline import fill


def run(*words: object) -> int:
    return main([str(word) for word in words])


def only_line(text: str) -> str:
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    return text


# --- the table and the help ---


def test_the_table_names_every_probe() -> None:
    assert [name for name in commands() if name in PROBES] == list(PROBES)
    assert set(cli.TARGETS) <= set(PROBES)
    for name, kind in PROBES.items():
        assert kind.help == commands()[name].help
        assert callable(cli.target(name))


def test_a_line_of_help_is_read_without_importing_the_probe() -> None:
    fresh = ProbeTable({"turn": "turn.probe:Turn"})
    assert fresh.help("turn") == PROBES["turn"].help
    assert isinstance(fresh._known["turn"], str)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    for name, command in commands().items():
        assert re.search(rf"^  {name} +{re.escape(command.help)}$", out, re.M)


@pytest.mark.parametrize("name", commands())
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--help") == 0
    captured = capsys.readouterr()
    assert f"usage: ganlens {name}" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize("name", PROBES)
def test_no_setting_hides_behind_a_common_flag(name: str) -> None:
    common = dataclasses.fields(probe_command.Common)
    settings = {field.name for field in dataclasses.fields(PROBES[name])}
    assert not settings & {field.name for field in common}


def other(value: Any) -> tuple[list[str], Any] | None:
    """Return words after a flag that give another value than the default, and that value."""
    if isinstance(value, bool):
        return [], not value
    if isinstance(value, int):
        return [str(value + 1)], value + 1
    if isinstance(value, float):
        return [str(value / 2 + 0.1)], value / 2 + 0.1
    return None


@pytest.mark.parametrize("name", PROBES)
def test_every_setting_is_a_flag_that_arrives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Probe] = []
    monkeypatch.setattr(probe_command, "run", lambda _n, probe, *_: seen.append(probe) or 0)
    monkeypatch.setattr(PROBES[name], "__post_init__", lambda _self: None, raising=False)
    tried = 0
    for field in dataclasses.fields(PROBES[name]):
        if found := other(getattr(PROBES[name](), field.name)):
            words, value = found
            flag = field.name.replace("_", "-")
            flag = f"no-{flag}" if value is False else flag
            assert run(name, "somewhere", f"--{flag}", *words) == 0
            assert getattr(seen[-1], field.name) == value
            tried += 1
    assert tried


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"ganlens \d+\.\d+\.\d+\n", capsys.readouterr().out)


# --- errors ---


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["smaple"], "did you mean 'sample'"),
        (["--verison"], "option '--verison' is not known"),
        (["xyzzy"], "choose from demo"),
        (["sample"], "CHECKPOINT"),
        (["train"], "--data SPEC"),
        (["train", "--data", "digits", "--out", "y", "--device", "cuda:x"], "device 'cuda:x'"),
        (["sample", "x" * 5000], "File name too long"),
        (["sample", "x", "--sede", "3"], "did you mean --seed"),
        (["sample", "x", "--seed", "three"], "invalid"),
        (["sample", "x", "--weights", "best"], "--weights"),
        (["sample", "no-such-checkpoint"], "no-such-checkpoint"),
        (["sample", "x", "--n", "0"], "--n 0"),
        (["sample", "x", "--n", "1000000000000"], "give 1 to 10,000"),
        (["linear-probe", "x"], "add --data SPEC"),
        (["interpolate", "x", "--data", "digits"], "looks at no data"),
        (["replay", "no-such.png"], "no-such.png"),
        (["list", "no-such-folder"], "no-such-folder"),
        (["report", "x", "--out", "y", "--probes", "fidd"], "choose from interpolate"),
        (["explore", "--root", "no-such-folder"], "no-such-folder"),
        (["explore", "--port", "99999"], "--port 99999"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert says in only_line(captured.err)
    assert captured.err.startswith("ganlens: ")
    assert captured.out == ""


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "target", broken)
    with pytest.raises(ZeroDivisionError):
        main(["list"])


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "x", "--out", "{file}/x.png"],
        ["sample", "x", "--json", "{file}/x.json"],
        ["interpolate", "x", "--out", "{file}/x"],
        ["report", "x", "--out", "{file}"],
        ["demo", "--out", "{file}"],
        ["demo", "--json", "{file}/x.json", "--out", "{folder}/demo"],
        ["train", "--data", "digits", "--out", "{file}/x"],
        ["train", "--data", "digits", "--out", "{folder}/run", "--json", "{file}/x.json"],
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    assert main([word.format(file=file, folder=tmp_path) for word in words]) == 2
    assert str(file) in only_line(capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "precious"


def test_a_folder_that_forbids_writing_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert run("sample", "x", "--out", tmp_path / "x.png") == 2
    assert f"{tmp_path} forbids it" in only_line(capsys.readouterr().err)


def test_no_file_of_a_report_replaces_another_one(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "arrays.npz").write_text("precious")
    assert run("report", tiny_checkpoint, "--out", tmp_path, "--probes", "interpolate") == 2
    assert "--force" in only_line(capsys.readouterr().err)
    assert (tmp_path / "arrays.npz").read_text() == "precious"


def test_ctrl_c_is_one_word_and_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "target", interrupted)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "\nganlens: stopped\n"


def test_python_m_ganlens_and_a_reader_that_leaves() -> None:
    words = [sys.executable, "-m", "ganlens"]
    done = subprocess.run([*words, "fidd"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'fid'" in only_line(done.stderr)
    read, write = os.pipe()
    os.close(read)
    # Unbuffered, so that the first line already meets the closed pipe.
    gone = subprocess.run([*words, "--help"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (gone.returncode, gone.stderr) == (141, b"")


def test_a_framed_message_becomes_one_line() -> None:
    def command(seeds: tuple[int, ...] = (), flip: bool = False) -> None:
        """Do."""

    with pytest.raises(GanlensError, match=r"--fli.* did you mean --flip\?; see x --help$"):
        call(command, "x", ["--fli"])
    assert one_line("", "x") == "these options do not fit x; see x --help"


FRAMES = {
    "utf-8": "╭─ Value error ─────╮\n│ --n is\x1b[1m wrong \x1b[0m  │\n│ at all.           │\n"
    "│ ───────────────── │\n│ Perhaps you meant │\n│     --m INT       │\n"
    "╰───────────────────╯\n",
    "ascii": " Value error        \n ------------------ \n  --n is wrong      \n"
    "  at all.           \n  ------------------\n  Perhaps you meant \n"
    "      --m INT       \n                    \n",
}


@pytest.mark.parametrize("encoding", FRAMES)
def test_frames_of_both_kinds_are_taken_off(encoding: str) -> None:
    expected = "--n is wrong at all; did you mean --m?; see x --help"
    assert one_line(FRAMES[encoding], "x") == expected


# --- sample and replay ---


def test_a_sample_carries_its_recipe_and_is_replayed(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, again = tmp_path / "deep" / "grid.png", tmp_path / "again.png"
    assert run("sample", tiny_checkpoint, "--n", 5, "--seed", 3, "--out", picture) == 0
    assert f"wrote {picture}" in capsys.readouterr().out
    assert images.read_recipe(picture)["latents"]["seeds"] == [3, 4, 5, 6, 7]
    assert run("replay", picture, "--checkpoint", tiny_checkpoint, "--out", again) == 0
    assert "identical" in capsys.readouterr().out
    assert again.read_bytes() == picture.read_bytes()


def test_a_seed_means_the_same_sample_at_any_n(tiny_checkpoint: Path, tmp_path: Path) -> None:
    options = ["--enlarge", 1, "--columns", 1]
    run("sample", tiny_checkpoint, "--n", 1, "--seed", 2, "--out", tmp_path / "one.png", *options)
    run("sample", tiny_checkpoint, "--n", 3, "--out", tmp_path / "three.png", *options)
    one, three = (read_picture(tmp_path / f"{name}.png") for name in ("one", "three"))
    np.testing.assert_array_equal(one, three[-16:])


def test_an_existing_picture_is_replaced_only_by_force(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "grid.png"
    picture.write_text("precious")
    assert run("sample", tiny_checkpoint, "--n", 1, "--out", picture) == 2
    assert "--force" in only_line(capsys.readouterr().err)
    assert picture.read_text() == "precious"
    assert run("sample", tiny_checkpoint, "--n", 1, "--out", picture, "--force") == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_replay_says_what_differs(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "grid.png"
    run("sample", tiny_checkpoint, "--n", 1, "--enlarge", 1, "--out", picture)
    recipe, pixels = images.read_recipe(picture), read_picture(picture).copy()
    pixels[3, 4] ^= 255
    images.write_png(picture, pixels, recipe)
    capsys.readouterr()
    assert run("replay", picture, "--checkpoint", tiny_checkpoint, "--json", "-") == 1
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["identical"] is False
    assert found["pictures"][0]["pixels_differing"] == 1
    assert "1 of 256 pixels differ" in captured.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--enlarge", "0"], "enlargement 0"),
        (["--n", "10000", "--enlarge", "32"], "57,536 x 57,536 pixels is too large"),
    ],
)
def test_a_sheet_that_cannot_be_is_refused(
    options: list[str], says: str, tiny_checkpoint: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert run("sample", tiny_checkpoint, "--out", tmp_path / "grid.png", *options) == 2
    assert says in only_line(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_other_sizes_differ() -> None:
    verdict = replays.compare(np.zeros((2, 3, 3), np.uint8), np.zeros((4, 3, 3), np.uint8))
    assert verdict == {"identical": False, "verdict": "differs in size: 3x2 is now 3x4"}


# --- probes ---


def test_a_probe_prints_a_table_and_writes_its_panels(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, numbers = tmp_path / "panels", tmp_path / "numbers.json"
    words = ["interpolate", tiny_checkpoint, "--seeds", 0, 1, "--per-leg", 3]
    assert run(*words, "--out", out, "--json", numbers) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "tiny" in printed.out
    content = json.loads(numbers.read_text("utf-8"))
    assert content["probe"] == "interpolate"
    assert content["settings"]["seeds"] == [0, 1]
    assert content["checkpoint"]["hash"] in printed.out
    written = [Path(line[6:]) for line in printed.out.splitlines() if line.startswith("wrote ")]
    assert written
    assert all(path.is_file() for path in written)
    pictures = [path for path in written if path.suffix in (".png", ".webp")]
    assert {path.suffix for path in pictures} == {".png", ".webp"}
    for picture in pictures:
        assert run("replay", picture, "--checkpoint", tiny_checkpoint) == 0, picture
    assert pictures


def test_json_on_stdout_stands_alone(
    tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["interpolate", tiny_checkpoint, "--seeds", 0, 1, "--per-leg", 3]
    assert run(*words, "--json", "-") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["summary"]["n_pictures"] == 3
    assert "n pictures" in printed.err


def test_a_folder_with_files_is_kept(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert run("interpolate", tiny_checkpoint, "--out", tmp_path) == 2
    assert "--force" in only_line(capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_panels_become_files_that_need_no_network(tmp_path: Path) -> None:
    frames = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    panels = [
        ImagePanel("A picture!", "", np.zeros((4, 5, 3), np.uint8), scale=3),
        FigurePanel("A figure", "How to <read> it", go.Figure(go.Scatter(y=[1, 2]))),
        TablePanel("A table", "", ("name", "value"), [("a, b", 1.5), ("c", None)]),
        AnimationPanel("A film", "", frames, 40, recipe={"layout": {"enlargement": 1}}),
    ]
    picture, figure, table, film = write_panels(tmp_path, panels)
    assert picture.name == "01-a-picture.png"
    assert read_picture(picture).shape == (12, 15, 3)
    assert table.read_text() == 'name,value\n"a, b",1.5\nc,\n'
    page = figure.read_text("utf-8")
    assert "How to &lt;read&gt; it" in page
    assert re.findall(r'src="([^"]+)"', page) == ["plotly.min.js"]
    assert film.name == "04-a-film.webp"
    assert np.array_equal(images.read_frames(film)[:, ::2, ::2], frames)
    recipe = images.read_recipe(film)
    assert recipe == {"layout": {"enlargement": 2}}, "a replay gives the file's pixels"
    assert (tmp_path / "plotly.min.js").stat().st_size > 1_000_000


def test_a_damaged_recipe_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(images.RECIPE_KEY, '{"latents": ')
    Image.new("RGB", (2, 2)).save(tmp_path / "x.png", pnginfo=info)
    assert run("replay", tmp_path / "x.png") == 2
    assert "is damaged" in only_line(capsys.readouterr().err)


# --- list, report, explore ---


def test_list_names_what_can_be_typed(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("list", tiny_checkpoint.parent, "--json", "-") == 0
    printed = capsys.readouterr()
    (entry,) = json.loads(printed.out)["checkpoints"]
    assert entry["checkpoint"] == str(tiny_checkpoint)
    assert entry["family"] == "dcgan"
    assert "16 px colour" in printed.err
    assert run("list", tmp_path) == 2
    assert "no checkpoint in or below" in only_line(capsys.readouterr().err)


def test_the_cache_is_listed_and_cleared(
    tiny_images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path / "cache"))
    assert run("cache") == 0
    assert "0 entries" in capsys.readouterr().out
    data = ganlens.open_data(str(tiny_images))
    before = np.array(data.images)
    download = tmp_path / "cache/torchvision/CIFAR10/file"
    download.parent.mkdir(parents=True)
    download.write_bytes(bytes(5000))
    assert run("cache", "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)["kept"]
    assert [(f["what"], f["images"], f["size"]) for f in found] == [
        (str(tiny_images), 120, 16),
        ("torchvision:CIFAR10", None, None),
    ]
    extractor, source = PixelExtractor(4), DataImages.whole(data)
    steps = features_of(extractor, source, store=FeatureStore(), precision="32-true")
    next(steps)
    busy = len(cached(tmp_path / "cache"))
    steps.close()
    found = [item for item in cached(tmp_path / "cache") if item.kind == "features"]
    assert busy == 2, "what is being made is left alone"
    assert [(f.what, f.images) for f in found] == [
        (f"pixels-4x4 of images of {tiny_images}, 32-true (interrupted, of 120)", 64)
    ]
    finish(features_of(extractor, source, store=FeatureStore(), precision="32-true"))
    (item,) = [item for item in cached(tmp_path / "cache") if item.kind == "features"]
    assert (item.what, item.images) == (f"pixels-4x4 of images of {tiny_images}, 32-true", 120)
    trained = finish(train_classifier(data, ClassifierSettings(epochs=1)))
    save_classifier(tmp_path / "cache" / CLASSIFIERS / "tiny", trained)
    (item,) = [item for item in cached(tmp_path / "cache") if item.kind == "classifier"]
    assert (item.what, item.size) == ("class", 16)
    assert run("cache", "--clear", "--older-than", "1", "--downloads") == 0
    assert "0 entries" in capsys.readouterr().out
    assert run("cache", "--clear") == 0
    assert download.is_file()
    assert [item.kind for item in cached(tmp_path / "cache")] == ["download"]
    assert np.array_equal(data.images, before), "whoever has it open keeps it"
    assert np.array_equal(ganlens.open_data(str(tiny_images)).images, before)
    assert run("cache", "--clear", "--downloads") == 0
    assert not download.exists()
    assert run("cache", "--downloads") == 2
    assert "add --clear" in only_line(capsys.readouterr().err)


def test_a_report_leaves_out_what_cannot_run_and_says_why(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["report", tiny_checkpoint, "--out", tmp_path / "r", "--probes", "interpolate", "fid"]
    assert run(*words) == 0
    printed = capsys.readouterr().out
    assert "left out: needs images" in printed
    assert f"wrote {tmp_path / 'r' / 'report.html'}" in printed
    findings = json.loads((tmp_path / "r" / "findings.json").read_text("utf-8"))["findings"]
    assert [finding["probe"] for finding in findings] == ["interpolate", "fid"]
    assert run(*words) == 2
    assert "--force" in only_line(capsys.readouterr().err)


def test_headlines_name_what_summaries_hold(
    places: dict[str, Path], tiny_images: Path, attribute_images: Path
) -> None:
    subjects = {place: ganlens.load(place) for place in set(places.values())}
    labelled, attributed = (ganlens.open_data(str(p)) for p in (tiny_images, attribute_images))
    small = {
        "arithmetic": {"pool": 60},
        "arithmetic-score": {"pool": 60, "draws": 5},
        "turn": {"pool": 60, "exemplars": 5, "samples": 4, "positions": 3},
        "activations": {"samples": 16},
        "top-images": {"images": 100},
        "guided-backprop": {"images": 60, "measured": 4},
        "maximize": {"iterations": 2, "channels": 1, "n": 40},
        "health": {"n": 16, "jacobians": 1, "batches": 1},
        "artifacts": {"samples": 40},
        "conditions": {"n": 40, "unseen": 10, "latents": 4, "pairs": 1},
        "codes": {"n": 60, "reader_samples": 100, "samples": 4, "controls": 20},
        "fid": {"extractor": "pixels", "n": 12},
        "neighbors": {"n": 12},
        "linear-probe": {"n_train": 60, "c_grid": (0.1,)},
        "useful": {"n": 20, "n_train": 40, "n_test": 20, "training_steps": 1, "repeats": 2},
        "forget": {"pool": 60, "samples": 12, "search_steps": 3, "draws": 1},
        "dissect": {"samples": 60, "shuffles": 20},
    }
    with_attributes = (
        "arithmetic-score", "turn", "directions", "artifacts", "forget", "dissect", "conditions",
        "useful",
    )  # fmt: skip
    for name, kind in PROBES.items():
        templates = kind.headline
        probe = kind(**small.get(name, {}))
        data = attributed if name in with_attributes else labelled
        subject = subjects[places[name]]
        result = probe.run(subject, data if probe.needs().data != "no" else None)
        known = {key: 0 if value is None else value for key, value in result.summary().items()}
        assert all(fill(template, known) for template in templates), name
        first = fill(templates[0], result.summary())
        assert headline(Finding(name, probe, result)).startswith(first)
        assert headline(Finding(name, probe, reason="needs more")) == "left out: needs more"
    assert fill("{a} and {b}", {"a": 1, "b": None}) == fill("{c[d]}", {"c": 1}) == ""
    assert fill("{a:.1%} of {b[c]}", {"a": 0.5, "b": {"c": 1234}}) == "50.0% of 1,234"


def test_explore_starts_the_shipped_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(explore, "become", lambda words: started.append(words) or 0)
    assert run("explore", "--root", tmp_path, "--data", "digits", "--no-browser") == 0
    (words,) = started
    assert words[:4] == [sys.executable, "-c", explore.START, "run"]
    assert Path(words[4]).is_file()
    assert "--server.headless=true" in words
    assert words[-5:] == ["--", "--root", str(tmp_path), "--data", "digits"]
    (tmp_path / "own_family.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert run("explore", "--no-browser", "--module", "own_family:Own", "--trust") == 0
    assert started[1][-4:] == ["--", "--module", "own_family:Own", "--trust"]
    capsys.readouterr()
    monkeypatch.setattr(explore, "shipped_folder", lambda _kind: tmp_path)
    assert run("explore") == 2
    assert "explorer is not at" in only_line(capsys.readouterr().err)


def test_ctrl_c_while_the_explorer_starts_is_no_traceback(tmp_path: Path) -> None:
    """It comes at a moment that is the same each time: where Streamlit is imported."""
    place = tmp_path / "streamlit" / "web"
    place.mkdir(parents=True)
    for folder in (place.parent, place):
        (folder / "__init__.py").touch()
    (place / "cli.py").write_text("raise KeyboardInterrupt")
    process = subprocess.run(
        [sys.executable, "-c", explore.START],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
    )
    assert process.returncode == 130
    assert process.stdout == process.stderr == b""


def test_json_refuses_what_is_not_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        terminal.write_json(str(tmp_path / "x.json"), {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_samples_move_along_a_saved_direction(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = ganlens.load(tiny_checkpoint, "cpu")
    unit = np.eye(subject.prior.dim, dtype=np.float32)[2]
    known = {key: subject.provenance[key] for key in ("checkpoint", "hash", "weights")}
    found = [Direction("up", "by hand", unit, provenance=known)]
    kept = ganlens.save_directions(tmp_path / "d.safetensors", found)
    words = [
        "sample",
        tiny_checkpoint,
        "--n",
        2,
        "--direction",
        f"{kept}:up",
        "--amounts",
        -2,
        0,
        1,
    ]
    assert run(*words, "--out", tmp_path / "a.png", "--truncate", 1) == 0
    assert "each moved along up by -2, 0, 1 sigma" in capsys.readouterr().out
    recipe = images.read_recipe(tmp_path / "a.png")
    assert [edit["kind"] for edit in recipe["edits"]] == ["truncate", "move"]
    assert recipe["layout"]["columns"] == 3
    assert run("replay", tmp_path / "a.png", "--checkpoint", tiny_checkpoint) == 0
    for words, says in (
        (["--direction", f"{kept}:down"], "direction 'down' is not known: choose from up"),
        (["--direction", kept, "--at-layer"], "has no offset of a layer"),
        (["--direction", tmp_path / "none.safetensors"], "none.safetensors"),
        (["--truncate", 0], "threshold 0 must be above 0"),
    ):
        capsys.readouterr()
        assert run("sample", tiny_checkpoint, *words, "--out", tmp_path / "b.png") == 2
        assert says in only_line(capsys.readouterr().err)


def test_none_is_written_as_the_help_writes_it() -> None:
    def function(n: int | None = 3) -> int:
        return 0 if n is None else n

    assert [call(function, "it", ["--n", word]) for word in ("none", "None", "5")] == [0, 0, 5]
