"""A recipe may come from anybody: no path that its settings name is opened, or told of."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import ganlens
from ganlens import images
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.paths import path_settings
from ganlens.probes import PROBES
from ganlens.probes.base import Probe
from ganlens.progress import finish
from ganlens.replay import PanelRecipe, redraw

ATTACKED = [(name, setting) for name in PROBES for setting in path_settings(PROBES[name])]
FREE = [
    (name, field.name)
    for name in PROBES
    for field in fields(PROBES[name])  # type: ignore[arg-type]
    if field.name not in path_settings(PROBES[name])
    and get_type_hints(PROBES[name])[field.name] in (str, str | None, tuple[str, ...])
]
FORMS = [
    "{}",
    "../../../../../../..{}",
    "file://{}",
    "~/../..{}",
    "././/{}",
    "\\\\server\\share\\secret.png",
    "//server/share/secret.png",
    "C:\\secret.png",
    "{}\x00.png",
    " {}",
    "{},{}",
    "{}.safetensors:smile",
    "secret.png",
    "nowhere",
    "..",
]
_watched: list[set[str]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in ("open", "os.listdir", "os.scandir") and arguments:
        _watched[-1].add(str(arguments[0]))


sys.addaudithook(_watch)  # once: a hook stays as long as the process


@contextmanager
def opened() -> Iterator[set[str]]:
    """Collect what is opened or listed."""
    _watched.append(set())
    try:
        yield _watched[-1]
    finally:
        _watched.pop()


def recipe_of(name: str, settings: dict[str, Any], **given: Any) -> PanelRecipe:
    return PanelRecipe("tiny", "h", "ema", name, settings, "title", **given)


def valued(name: str, setting: str, text: str) -> Any:
    """Return text as the setting's kind has it: several values of a tuple."""
    hint = str(get_type_hints(PROBES[name])[setting])
    return [text] if hint.startswith("tuple") else text


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.png"
    images.write_png(path, np.full((16, 16, 3), 200, np.uint8))
    return path


@pytest.mark.parametrize(("name", "setting"), ATTACKED)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_path_is_refused_by_name_alone(
    name: str, setting: str, form: str, secret: Path
) -> None:
    said = []
    for place in (secret, secret.with_name("absent.png"), secret.parent):
        value = valued(name, setting, form.format(*[place] * 2))
        with opened() as seen, pytest.raises(GanlensError) as caught:
            recipe_of(name, {setting: value}).build()
        assert not [one for one in seen if "secret" in one or "absent" in one]
        said.append(str(caught.value))
    assert set(said) == {
        f"the recipe's {setting} is a path, and a recipe opens none: name the file yourself, with"
        f" ganlens replay PICTURE --files {setting}=FILE"
    }


@pytest.mark.parametrize("value", [["x.png"], {"path": "x.png"}, 3, True, [["x.png"]], 0.5])
@pytest.mark.parametrize(("name", "setting"), ATTACKED)
def test_a_value_of_another_kind_is_refused_too(name: str, setting: str, value: Any) -> None:
    with pytest.raises(GanlensError, match="is a path, and a recipe opens none"):
        recipe_of(name, {setting: value}).build()


def test_an_earlier_name_hides_no_path() -> None:
    for settings in ({"judge": "/x"}, {"classifier": "none", "judge": "/x"}):
        with pytest.raises(GanlensError, match="the recipe's classifier is a path"):
            recipe_of("maximize", settings).build()


@pytest.mark.parametrize(("name", "setting"), FREE)
def test_free_text_of_a_recipe_opens_nothing(
    name: str, setting: str, secret: Path, attribute_images: Path, tiny_checkpoint: Path
) -> None:
    """Text that is not marked as a path is one of the data's words, or a layer: it is looked up."""
    subject = ganlens.load(tiny_checkpoint, "cpu")
    data = ganlens.open_data(str(attribute_images), size=16, channels=3)
    value = valued(name, setting, str(secret))
    with opened() as seen, pytest.raises(GanlensError):
        finish(recipe_of(name, {setting: value}).build().steps(subject, data))
    assert str(secret) not in seen


@dataclass(frozen=True)
class OfYourOwn(Probe):
    """A probe that was added."""

    title = "Added"
    picture: Path | None = None
    note_file: str = ""


def test_a_probe_that_is_added_is_covered_by_its_annotations(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setitem(PROBES, "added", OfYourOwn)  # type: ignore[arg-type]
    for setting in ("picture", "note_file"):
        with pytest.raises(GanlensError, match=f"the recipe's {setting} is a path"):
            recipe_of("added", {setting: str(secret)}).build()


@pytest.fixture
def latents(tmp_path: Path) -> Path:
    path = tmp_path / "corners.npy"
    np.save(path, np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32))
    return path


def test_the_user_names_the_file_again_and_the_picture_is_identical(
    secret: Path,
    tiny_checkpoint: Path,
    tiny_images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = ["--n", "3", "--evaluations", "2", "--restarts", "1", "--device", "cpu"]
    words = ["--data", str(tiny_images), "--image", str(secret), *few]
    assert main(["invert", str(tiny_checkpoint), *words, "--out", str(tmp_path / "w")]) == 0
    pictures = [p for p in (tmp_path / "w").glob("*.png") if "settings" in images.read_recipe(p)]
    assert pictures
    replay = ["replay", *map(str, pictures), "--checkpoint", str(tiny_checkpoint)]
    replay += ["--device", "cpu"]
    capsys.readouterr()
    assert main(replay) == 2
    assert "--files image=FILE" in capsys.readouterr().err
    moved = secret.rename(tmp_path / "moved.png")
    assert main([*replay, "--files", f"image={moved}"]) == 0
    assert capsys.readouterr().out.count(": identical") == len(pictures)
    for bad, says in (("moved.png", "give SETTING=FILE"), ("boxes=x", "choose from image")):
        assert main([*replay, "--files", bad]) == 2
        assert says in capsys.readouterr().err


def test_several_files_for_one_are_refused(tiny_checkpoint: Path, latents: Path) -> None:
    subject = ganlens.load(tiny_checkpoint, "cpu")
    recipe = recipe_of("interpolate", {"latents_file": "x.npy"})
    with pytest.raises(GanlensError, match="must be a path"):
        recipe.build({"latents_file": [latents, latents]})
    with pytest.raises(GanlensError, match="is a path, and a recipe opens none"):
        redraw(subject, recipe_of("interpolate", {"latents_file": str(latents)}), ganlens.open_data)
