"""``ganlens sample`` of every kind of model; conditions and source pictures in every command."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import three_families  # noqa: F401 (it puts them into MODELS)
import torch
from torch import nn

import ganlens
from ganlens import images
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.latents import Seeds
from ganlens.packing import pack
from ganlens.recipe import Layout, Pictures, Recipe, arranged, render
from ganlens.replay import PanelRecipe, read, redraw
from ganlens.subject import Subject

TRAINING = [
    "--epochs",
    "1",
    "--batch-size",
    "32",
    "--extractor",
    "pixels",
    "--precision",
    "float32",
]


def run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def light_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second domain: 40 light images."""
    path = tmp_path_factory.mktemp("light") / "light.npz"
    rng = np.random.default_rng(1)
    np.savez(path, images=rng.integers(150, 256, (40, 16, 16, 3)).astype(np.uint8))
    return path


@pytest.fixture(scope="module")
def models(
    tiny_images: Path, light_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """A run of each of the three families."""
    folder, found = tmp_path_factory.mktemp("models"), {}
    for name in ("conditional", "autoencoder", "translator"):
        found[name] = folder / name
        others = ["--others", light_images] if name == "translator" else []
        words = ["--data", tiny_images, *others, "--out", found[name], *TRAINING]
        assert run("train", "--family", f"toy-{name}", *words) == 0
    return found


def drawn(picture: Path) -> Recipe:
    recipe = read(images.read_recipe(picture))
    assert isinstance(recipe, Recipe)
    return recipe


def refused(capsys: Any, *words: str) -> None:
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("ganlens: ")
    assert all(word in line for word in words), line


# --- conditions ---


def test_each_seed_is_told_what_it_draws(models: dict[str, Path], tmp_path: Path) -> None:
    picture, place = tmp_path / "a.png", models["conditional"]
    assert run("sample", place, "--n", 6, "--seed", 3, "--enlarge", 1, "--out", picture) == 0
    subject, recipe = ganlens.load(place, "cpu"), drawn(picture)
    assert subject.condition is not None
    rows = subject.condition.sample(range(3, 9))
    assert recipe.condition == tuple(subject.condition.name(row) for row in rows)
    x = images.to_uint8(subject.sample(range(3, 9)))
    assert np.array_equal(images.read_frames(picture)[0], images.grid(x))


@pytest.mark.parametrize(
    ("words", "n", "told", "columns"),
    [
        (["--condition", "2"], 4, "2", None),
        (["--condition", "0", "1", "2"], 3, "012", None),
        (["--condition", "0", "--condition", "1", "2"], 6, "001122", 2),
        (["--condition", "1", "0", "--columns", "4"], 7, "1111000", 4),
    ],
)
def test_one_condition_for_all_for_each_row_or_each_sample(
    models: dict[str, Path], tmp_path: Path, words: list[str], n: int, told: str,
    columns: int | None,
) -> None:  # fmt: skip
    picture, place = tmp_path / "a.png", models["conditional"]
    assert run("sample", place, "--n", n, *words, "--out", picture) == 0
    recipe = drawn(picture)
    assert recipe.condition == tuple(told)
    assert recipe.layout.columns == columns
    assert run("replay", picture, "--checkpoint", place) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--condition", "9"], ("class '9' is not known", "choose from 0, 1, 2")),
        (["--n", "9", "--condition", "0", "1"], ("2 conditions fit no 9 samples", "for each row")),
        (["--source", "digits"], ("takes no pictures",)),
        (["--network", "a_to_b"], ("translator 'a_to_b' is not known",)),
        (["--seed", "-1"], ("seed -1",)),
        (["--out", "samples.jpeg"], ("samples.jpeg", ".png", ".npz")),
        (["--out", "a.npz", "--enlarge", "2"], ("--enlarge lays out a picture",)),
        (["--out", "folder", "--columns", "2"], ("--columns lays out a picture",)),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    models: dict[str, Path], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch,
    words: list[str], said: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run("sample", models["conditional"], *words) == 2
    refused(capsys, *said)
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_a_condition_takes_none(models: dict[str, Path], capsys: Any) -> None:
    assert run("sample", models["autoencoder"], "--condition", "2") == 2
    refused(capsys, "takes no condition")


# --- translations and reconstructions ---


def test_translations_stand_beside_their_pictures(
    models: dict[str, Path], tiny_images: Path, tmp_path: Path
) -> None:
    picture, place = tmp_path / "a.png", models["translator"]
    words = ["--n", 4, "--seed", 1, "--columns", 2, "--enlarge", 1, "--out", picture]
    assert run("sample", place, *words) == 0
    recipe = drawn(picture)
    held = ganlens.open_data(str(tiny_images), "test", size=16)
    assert recipe.latents == Pictures(str(tiny_images), (1, 2, 3, 4), "test", held.fingerprint)
    assert recipe.layout.sources
    x = held.batch([1, 2, 3, 4])
    both = torch.stack([x, ganlens.load(place, "cpu").translate(x)], 1).flatten(0, 1)
    shown = images.read_frames(picture)[0]
    assert np.array_equal(shown, images.grid(images.to_uint8(both), 4))
    assert run("replay", picture, "--checkpoint", place) == 0


def test_no_more_translations_than_pictures(
    models: dict[str, Path], tmp_path: Path, capsys: Any
) -> None:
    picture, place = tmp_path / "a.png", models["translator"]
    assert run("sample", place, "--out", picture) == 0
    held = len(ganlens.load(place, "cpu").sources)
    assert drawn(picture).latents.count == held
    assert f"{held} translations" in capsys.readouterr().out
    assert run("sample", place, "--seed", held, "--out", tmp_path / "b.png") == 2
    refused(capsys, f"--seed {held} is out of range", f"0 to {held - 1}")


def test_the_way_back_takes_pictures_of_the_second_set(
    models: dict[str, Path], light_images: Path, tmp_path: Path, capsys: Any
) -> None:
    picture, place = tmp_path / "a.png", models["translator"]
    back = ["sample", place, "--network", "b_to_a", "--n", 3, "--enlarge", 1, "--out", picture]
    assert run(*back) == 0
    recipe = drawn(picture)
    assert isinstance(recipe.latents, Pictures)
    assert (recipe.latents.spec, recipe.latents.split) == (str(light_images), "test")
    assert run(*back, "--source", light_images, "--force") == 0
    recipe = drawn(picture)
    assert isinstance(recipe.latents, Pictures)
    assert (recipe.latents.network, recipe.latents.split) == ("b_to_a", "all")
    x = ganlens.open_data(str(light_images), size=16).batch(range(3))
    made = ganlens.load(place, "cpu").translate(x, network="b_to_a")
    tiles = arranged(images.to_uint8(x), images.to_uint8(made))
    assert np.array_equal(images.read_frames(picture)[0], images.grid(tiles, 4))
    assert run(*back[:3], "critic_b", "--out", tmp_path / "b.png") == 2
    refused(capsys, "'critic_b' is not known", "a_to_b, b_to_a")


def test_reconstructions_stand_beside_their_pictures(
    models: dict[str, Path], tiny_images: Path, tmp_path: Path
) -> None:
    picture, place = tmp_path / "a.png", models["autoencoder"]
    words = ["--source", tiny_images, "--n", 2, "--enlarge", 1, "--out", picture]
    assert run("sample", place, *words) == 0
    subject = ganlens.load(place, "cpu")
    x = ganlens.open_data(str(tiny_images), size=16).batch([0, 1])
    tiles = arranged(images.to_uint8(x), images.to_uint8(subject.generate(subject.encode(x))))
    assert np.array_equal(images.read_frames(picture)[0], images.grid(tiles, 4))
    assert run("replay", picture, "--checkpoint", place) == 0
    plain = tmp_path / "b.png"
    assert run("sample", place, "--n", 2, "--enlarge", 1, "--out", plain) == 0
    assert not drawn(plain).layout.sources


def test_pictures_are_found_from_another_folder(
    models: dict[str, Path], tiny_images: Path, tmp_path: Path, capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    picture, place = tmp_path / "a.png", models["autoencoder"]
    monkeypatch.chdir(tiny_images.parent)
    assert run("sample", place, "--source", tiny_images.name, "--n", 2, "--out", picture) == 0
    monkeypatch.chdir(tmp_path)
    assert run("replay", picture, "--checkpoint", place) == 2
    refused(capsys, tiny_images.name, "say where the pictures are with --sources")
    again = ["--checkpoint", place, "--source", tiny_images]
    assert run("replay", picture, *again) == 0
    assert run("draw", pack(drawn(picture)), *again, "--out", tmp_path / "b.png") == 0
    assert np.array_equal(images.read_frames(tmp_path / "b.png"), images.read_frames(picture))


# --- a folder, an npz ---


@pytest.mark.parametrize("name", ["conditional", "autoencoder", "translator"])
def test_a_folder_of_pictures_each_with_its_recipe(
    models: dict[str, Path], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "samples"
    assert run("sample", models[name], "--n", 3, "--seed", 2, "--out", folder) == 0
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["000002.png", "000003.png", "000004.png"]
    subject = ganlens.load(models[name], "cpu")
    expected = images.to_uint8(subject.sample(range(2, 5)))
    assert np.array_equal(np.concatenate([images.read_frames(f) for f in files]), expected)
    assert run("replay", *files, "--checkpoint", models[name]) == 0
    assert len(ganlens.open_data(str(folder), size=16)) == 3
    assert run("sample", models[name], "--n", 3, "--out", folder) == 2


@pytest.mark.parametrize("name", ["conditional", "autoencoder", "translator"])
def test_an_npz_that_is_data(models: dict[str, Path], tmp_path: Path, name: str) -> None:
    file, numbers = tmp_path / "samples.npz", tmp_path / "samples.json"
    assert run("sample", models[name], "--n", 5, "--out", file, "--json", numbers) == 0
    subject = ganlens.load(models[name], "cpu")
    expected = images.to_uint8(subject.sample(range(5)))
    with np.load(file, allow_pickle=False) as held:
        assert np.array_equal(held["images"], expected)
        assert held["images"].dtype == np.uint8
        assert held["seeds"].tolist() == [0, 1, 2, 3, 4]
        assert ("conditions" in held.files) == (name == "conditional")
        if name == "conditional":
            rows = subject.condition.sample(range(5))  # type: ignore[union-attr]
            said = [subject.condition.name(row) for row in rows]  # type: ignore[union-attr]
            assert held["conditions"].tolist() == said
    assert np.array_equal(np.sort(ganlens.open_data(str(file)).images, 0), np.sort(expected, 0))
    assert json.loads(numbers.read_text())["seeds"] == [0, 4]
    assert run("sample", models[name], "--out", file) == 2


def test_a_folder_of_one_condition(models: dict[str, Path], tmp_path: Path) -> None:
    words = ["--n", 2, "--condition", 1, "--enlarge", 3, "--out", tmp_path / "a"]
    assert run("sample", models["conditional"], *words) == 0
    assert drawn(tmp_path / "a" / "000001.png").condition == ("1",)
    assert images.read_frames(tmp_path / "a" / "000001.png").shape == (1, 48, 48, 3)


# --- probes that are told a condition ---


def document(place: Path, tmp_path: Path, *words: object) -> dict[str, Any]:
    out = tmp_path / "numbers.json"
    assert run(*words[:1], place, *words[1:], "--json", out, "--force") == 0
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_a_probe_is_told_and_says_so(
    models: dict[str, Path], tiny_images: Path, tmp_path: Path, capsys: Any
) -> None:
    words = ("fid", "--data", tiny_images, "--extractor", "pixels", "--n", 12)
    place = models["conditional"]
    one = document(place, tmp_path, *words, "--condition", "1")
    assert "conditional, condition 1" in capsys.readouterr().out
    every = document(place, tmp_path, *words)
    assert one["checkpoint"]["condition"] == "1"
    assert "condition" not in every["checkpoint"]
    assert one["summary"]["value"] != every["summary"]["value"]
    assert run("fid", place, "--data", tiny_images, "--condition", "5") == 2
    refused(capsys, "class '5' is not known", "0, 1, 2")


def test_fid_of_two_places_is_told(
    models: dict[str, Path], tiny_images: Path, tmp_path: Path, capsys: Any
) -> None:
    pair = ("fid", models["autoencoder"], "--extractor", "pixels", "--n", 12)
    found = document(models["conditional"], tmp_path, *pair, "--condition", "2")
    assert found["generated"]["condition"] == "2"
    assert run("fid", tiny_images, models["conditional"], "--condition", "2") == 2
    refused(capsys, "is no checkpoint and takes no --condition")


def test_a_probe_is_given_pictures_and_says_so(
    models: dict[str, Path], tiny_images: Path, light_images: Path, tmp_path: Path
) -> None:
    words = ("fid", "--data", tiny_images, "--extractor", "pixels", "--n", 12)
    place = models["translator"]
    one = document(place, tmp_path, *words, "--source", light_images)
    assert one["checkpoint"]["sources"]["spec"] == str(light_images)
    assert one["summary"]["value"] != document(place, tmp_path, *words)["summary"]["value"]


def test_a_panel_is_replayed_under_its_condition(
    models: dict[str, Path], tiny_images: Path, tmp_path: Path, capsys: Any
) -> None:
    place, out = models["conditional"], tmp_path / "panels"
    words = ["--data", tiny_images, "--space", "pixels", "--n", 12, "--out", out]
    assert run("neighbors", place, *words, "--condition", "1") == 0
    pictures = sorted(out.glob("*.png"))
    recipe = read(images.read_recipe(pictures[0]))
    assert isinstance(recipe, PanelRecipe)
    assert recipe.condition == "1"
    assert run("replay", *pictures, "--checkpoint", place) == 0
    told = ganlens.load(place, "cpu").with_condition("2")
    plain = PanelRecipe.from_json({**recipe.to_json(), "condition": ""})
    with pytest.raises(GanlensError, match="drawn without a condition"):
        redraw(told, plain, lambda spec: ganlens.open_data(spec))


def test_a_panel_is_replayed_with_its_source_pictures(
    models: dict[str, Path], tiny_images: Path, light_images: Path, tmp_path: Path
) -> None:
    place, out = models["translator"], tmp_path / "panels"
    words = ["--data", tiny_images, "--space", "pixels", "--n", 12, "--out", out]
    assert run("neighbors", place, *words, "--source", light_images) == 0
    pictures = sorted(out.glob("*.png"))
    recipe = read(images.read_recipe(pictures[0]))
    assert isinstance(recipe, PanelRecipe)
    assert recipe.sources["spec"] == str(light_images)
    assert run("replay", *pictures, "--checkpoint", place) == 0


def test_an_older_panel_recipe_is_read() -> None:
    old = {"version": 1, "kind": "panel", "checkpoint": "x", "hash": "", "weights": "ema",
           "probe": "filters", "settings": {}, "panel": "p", "data": None, "fingerprint": "",
           "scale": 1}  # fmt: skip
    recipe = PanelRecipe.from_json(old)
    assert (recipe.condition, recipe.sources) == ("", {})
    with pytest.raises(GanlensError, match="sources"):
        PanelRecipe.from_json({**old, "sources": {"spec": 3}})


def test_report_and_check_are_told(
    models: dict[str, Path], tiny_images: Path, tmp_path: Path, capsys: Any
) -> None:
    place, out = models["conditional"], tmp_path / "report"
    words = ["--data", tiny_images, "--probes", "neighbors", "--condition", "2"]
    assert run("report", place, *words, "--out", out) == 0
    found = json.loads((out / "findings.json").read_text())
    assert found["checkpoint"]["condition"] == "2"
    assert "--condition 2" in found["findings"][0]["command"]
    assert run("check", place, "--condition", "9") == 2
    refused(capsys, "class '9' is not known")
    assert run("check", models["translator"], "--source", tiny_images) in (0, 1)


def test_list_names_networks_with_their_roles(models: dict[str, Path], capsys: Any) -> None:
    assert run("list", models["translator"].parent) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("a_to_b", "(translator)", "decoder", "(generator)"))
    assert "classes" in shown


# --- networks made elsewhere ---


class Painter(nn.Module):
    """Images to images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).tanh()


class Labelled(nn.Module):
    """Latents and labels to images."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.draw = nn.Embedding(5, 8), nn.Linear(8, 3 * 16 * 16)

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.draw(z + self.embed(labels)).tanh().view(-1, 3, 16, 16)


def test_an_image_to_image_network_becomes_a_translator(tiny_images: Path) -> None:
    subject = Subject.from_modules(Painter(), image_shape=(3, 16, 16))
    assert subject.roles == {"translator": "translator"}
    with pytest.raises(GanlensError, match="--sources SPEC"):
        subject.sample([0])
    subject.sources = ganlens.open_data(str(tiny_images), size=16)
    recipe = Recipe.of_samples(subject, range(4), sources=True)
    assert isinstance(recipe.latents, Pictures)
    again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
    assert np.array_equal(render(subject, again), render(subject, recipe))


def test_a_conditional_network_draws_by_words() -> None:
    subject = Subject.from_modules(Labelled(), latent_dim=8, classes=5)
    z = subject.latents(range(4))
    assert torch.equal(subject.generate(z, "3"), subject.generate(z, [3, 3, 3, 3]))
    assert torch.equal(subject.with_condition("3").sample(range(4)), subject.generate(z, "3"))
    recipe = Recipe.of_samples(subject, range(4), "3")
    assert recipe.condition == ("3",)
    with pytest.raises(GanlensError, match="class '7' is not known"):
        subject.generate(z, "7")


# --- the layout ---


def test_old_layouts_say_nothing_of_sources() -> None:
    assert Layout(3).to_json() == {"columns": 3, "padding": 2, "enlargement": 1}
    assert Layout(sources=True).to_json()["sources"] is True
    with pytest.raises(GanlensError, match="sources 1 must be true or false"):
        Layout(sources=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("columns", "count", "amounts", "across"),
    [(None, 9, 1, 6), (4, 9, 1, 8), (4, 2, 1, 4), (5, 3, 5, 6), (10, 3, 5, 12), (1, 3, 5, 6)],
)
def test_sources_are_not_counted_as_columns(
    columns: int | None, count: int, amounts: int, across: int
) -> None:
    assert Layout(columns, sources=True).across(count, amounts) == across


def test_pictures_of_two_sizes_stand_in_one_grid() -> None:
    given = np.zeros((2, 4, 4, 1), np.uint8)
    made = np.full((4, 9, 9, 3), 7, np.uint8)
    tiles = arranged(given, made)
    assert tiles.shape == (6, 9, 9, 3)
    assert (tiles[[1, 2, 4, 5]] == 7).all()
    assert (tiles[0, :8, :8] == 0).all(), "twice as large, as whole pixels"
    assert (tiles[0, 8] == 255).all()


def test_latents_have_no_source_pictures() -> None:
    with pytest.raises(GanlensError, match="draws latents, which have none"):
        Recipe("x", "", Seeds((1,)), layout=Layout(sources=True))
