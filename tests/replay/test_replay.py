"""Every picture a command writes is drawn again from what it carries, or says what is missing."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganlens import images
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.panels import enlarged
from ganlens.probes import PROBES
from ganlens.replay import PanelRecipe, read

COMMANDS = {
    "filters": [],
    "activations": ["--n", "4", "--source", "data"],
    "interpolate": ["--seeds", "0", "1", "2", "--per-leg", "3"],
    "neighbors": ["--n", "20", "--space", "pixels"],
}


def run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def written(
    tiny_checkpoint: Path, tiny_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    root = tmp_path_factory.mktemp("panels")
    for name, words in COMMANDS.items():
        data = ["--data", tiny_images] if name in ("neighbors", "activations") else []
        assert run(name, tiny_checkpoint, *data, *words, "--out", root / name) == 0
    return sorted(root.rglob("*.png"))


def test_all_pictures_replay(
    written: list[Path], tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {path.parent.name for path in written} == set(COMMANDS)
    assert run("replay", *written, "--checkpoint", tiny_checkpoint) == 0
    assert capsys.readouterr().out.count(": identical") == len(written)


@pytest.fixture
def panel(written: list[Path], tmp_path: Path) -> tuple[Path, dict]:
    """A copy of a picture of training images, and its recipe."""
    path = next(p for p in written if p.parent.name == "neighbors")
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    return copy, images.read_recipe(copy)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hash": "0" * 64}, "needs checkpoint 'tiny' with hash 000000000000"),
        ({"fingerprint": "0" * 64}, "the images have changed"),
        ({"data": "gone.zip"}, "or say where the images are with --data"),
        ({"panel": "Nothing"}, "picture of neighbors 'Nothing' is not known"),
        ({"probe": "psychic"}, "probe 'psychic' is not known"),
        ({"settings": {"depth": 3}}, "do not fit the probe 'neighbors'"),
        ({"settings": {"n": -1}}, "-1"),
        ({"settings": 3}, "must be named values"),
        ({"scale": 10**9}, "scale 1000000000"),
        ({"version": 99}, "version 99"),
        ({"colour": 1}, "key 'colour' is not known"),
        ({"data": 3}, "data 3"),
        ({"checkpoint": None}, "checkpoint None"),
    ],
)
def test_a_recipe_that_does_not_fit_says_what_is_missing(
    panel: tuple[Path, dict],
    tiny_checkpoint: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict,
    says: str,
) -> None:
    path, recipe = panel
    images.write_png(path, np.zeros((4, 4, 3), np.uint8), {**recipe, **change})
    assert run("replay", path, "--checkpoint", tiny_checkpoint) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert says in line


def test_a_picture_without_a_recipe_or_no_picture_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images.write_png(tmp_path / "bare.png", np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "text.png").write_text("hello")
    for name, says in (("bare.png", "carries no recipe"), ("text.png", "not a readable picture")):
        assert run("replay", tmp_path / name) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert says in line


def test_several_pictures_have_no_single_out(written: list[Path]) -> None:
    assert run("replay", *written[:2], "--out", "one.png") == 2


def test_both_kinds_survive_json_and_know_their_enlargement(panel: tuple[Path, dict]) -> None:
    recipe = PanelRecipe.from_json(panel[1])
    assert read(json.loads(json.dumps(recipe.to_json()))) == recipe
    assert enlarged(panel[1], 3)["scale"] == 3 * recipe.scale
    assert enlarged({"layout": {"enlargement": 2}}, 3)["layout"]["enlargement"] == 6
    assert enlarged(None, 3) is None
    with pytest.raises(GanlensError, match="is incomplete"):
        PanelRecipe.from_json({"version": 1, "checkpoint": "x"})


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("directions", {"judged": 40}, {"measured": 40}),
        (
            "maximize",
            {"judge": "none", "units": ["judge.block1.act:3", "logit"]},
            {"classifier": "none", "units": ("classifier.block1.act:3", "logit")},
        ),
        ("forget", {"kept": 0.5}, {"others_weight": 0.5}),
        ("fid", {"precision": "32-true"}, {"precision": "float32"}),
    ],
)
def test_settings_of_older_pictures_are_known_by_their_names(
    name: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    recipe = PanelRecipe("c", "h", "ema", name, old, "title")
    assert PanelRecipe.from_json(recipe.to_json()).build() == PROBES[name](**new)


def test_every_renamed_setting_is_one_that_is_gone_and_names_one_that_is_there() -> None:
    for name in PROBES:
        kind = PROBES[name]
        known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
        assert set(kind.renamed.values()) <= known, name
        assert not set(kind.renamed) & known, name
