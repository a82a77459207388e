"""The inversion probe: its statistics, its panels, one's own pictures."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from ganlens.data import ImageSet, open_data
from ganlens.directions import Direction, find_direction, save_directions
from ganlens.edits import Move
from ganlens.errors import GanlensError
from ganlens.images import to_uint8
from ganlens.panels import ImagePanel, TablePanel
from ganlens.probes.inversion import Inversion, InversionResult
from ganlens.probes.inversion.comparison import auc_interval, percentile, two_sample
from ganlens.probes.inversion.pictures import read_pictures
from ganlens.probes.inversion.probe import edit_recipe, examples
from ganlens.recipe import Recipe, draw, render
from ganlens.report.findings import strict
from ganlens.subject import Subject, load

QUICK: dict[str, Any] = {"n": 6, "evaluations": 4}
EYE = np.eye(8, dtype=np.float32)


@pytest.fixture(scope="module")
def subject(tiny_checkpoint: Path) -> Subject:
    return load(tiny_checkpoint, "cpu")


@pytest.fixture(scope="module")
def data(tiny_images: Path) -> ImageSet:
    return open_data(str(tiny_images))


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "me.png"
    Image.new("RGBA", (20, 30), (200, 10, 10, 255)).save(path)
    return path


@pytest.fixture(scope="module")
def result(subject: Subject, data: ImageSet, picture: Path) -> InversionResult:
    return Inversion(**QUICK, image=(picture,)).run(subject, data)


def test_every_kind_is_inverted_and_counted(result: InversionResult) -> None:
    summary = strict(result.summary())
    json.dumps(summary, allow_nan=False)
    assert [summary[k]["n"] for k in ("train", "held_out", "generated", "own")] == [6, 6, 6, 1]
    assert summary["own"]["names"] == ["me.png"]
    assert 0 <= summary["own"]["percentile_of_held_out"][0] <= 100
    assert summary["data_fingerprint"]
    assert summary["steps"] == 4
    assert set(summary["tests"]) == {"pixels", "features"}
    assert result.latents.shape == (19, 8)


def test_what_is_shown_replays(subject: Subject, result: InversionResult) -> None:
    panels = [p for p in result.panels() if isinstance(p, ImagePanel) and p.recipe]
    assert len(panels) == 2
    for panel in panels:
        recipe = Recipe.from_json(json.dumps(panel.recipe))
        assert np.array_equal(render(subject, recipe), panel.image)
    strip = Recipe.from_json(result.strip_recipe)
    assert np.array_equal(to_uint8(draw(subject, strip)), result.drawn)


def test_the_panels_name_what_they_hold(result: InversionResult) -> None:
    panels = {panel.title: panel for panel in result.panels()}
    own, tests, numbers = (
        panels[title]
        for title in ("Your own pictures", "Do training images invert better?", "Residuals")
    )
    assert isinstance(own, TablePanel)
    assert isinstance(tests, TablePanel)
    assert isinstance(numbers, TablePanel)
    summary = result.summary()
    (row,) = own.rows
    assert row[0] == "me.png"
    assert dict(zip(own.columns, row, strict=True))["pixels: percentile (%)"] == pytest.approx(
        summary["own"]["percentile_of_held_out"][0]
    )
    assert "200 or more" in tests.caption
    assert "With 6 of each" in tests.caption
    assert tests.rows[0][:4] == ("pixels", summary["auc_train_smaller"],
                                 *summary["tests"]["pixels"]["auc_95"])  # fmt: skip
    medians = {row[0]: row[4] for row in numbers.rows if row[1] == "pixels"}
    assert medians["held-out"] == summary["median_mse_held_out"]
    assert {row[2] for row in numbers.rows if row[0] == "train"} == {6}
    chart = panels["How well images invert, in features"].figure
    assert chart.layout.xaxis.title.text == "residual in features (variances over samples)"
    assert len(result.originals) == 3 * 3 + 1


@pytest.mark.parametrize(("low", "high", "ends"), [(0.02, 0.09, [-2, -1]), (1e-9, 0.3, [-7, 0])])
def test_the_axis_of_residuals_has_labels(
    result: InversionResult, low: float, high: float, ends: list[int]
) -> None:
    narrow = replace(result, pixel_mse=np.linspace(low, high, len(result.kinds)))
    (chart,) = (p for p in narrow.panels() if p.title == "How well images invert, in pixels")
    assert list(chart.figure.layout.xaxis.range) == ends, "labels are at powers of ten"


def test_settings_are_json_and_hide_no_path(picture: Path) -> None:
    probe = Inversion(image=(picture,))
    written = json.loads(json.dumps(probe.settings()))
    lists = {name: tuple(written[name]) for name in ("image", "amount")}
    assert Inversion(**{**written, **lists}) == probe


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"n": 2}, "n 2"),
        ({"split": "val"}, "split 'val'"),
        ({"evaluations": 0}, "evaluations 0"),
        ({"restarts": 0}, "restarts 0"),
        ({"feature_weight": -1.0}, "feature_weight"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_bad_settings_fail_before_anything_runs(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(GanlensError, match=says):
        Inversion(**settings)


def test_data_that_do_not_fit_are_refused(subject: Subject) -> None:
    with pytest.raises(GanlensError, match="--data"):
        Inversion().run(subject)
    with pytest.raises(GanlensError, match="size=16"):
        Inversion().run(subject, open_data("digits"))


def test_an_edit_moves_inverted_images(subject: Subject) -> None:
    z = subject.latents(range(6))
    vector = torch.zeros(8)
    vector[2] = 1
    recipe = edit_recipe(subject, z, Move.along(vector, (-1.0, 0.0, 1.0)))
    pictures = draw(subject, recipe).unflatten(0, (4, 3))
    assert torch.equal(pictures[:, 1], subject.generate(z[:4]))
    assert torch.equal(pictures[:, 2], subject.generate(z[:4] + vector))
    walk = draw(subject, edit_recipe(subject, z[:1]))
    assert torch.equal(walk[0], walk[-1])  # one image alone stays where it is


def test_a_direction_comes_from_its_file(subject: Subject, data: ImageSet, tmp_path: Path) -> None:
    known = {"hash": subject.provenance["hash"], "weights": subject.provenance["weights"]}
    made = [Direction(f"way {i}", "random", row, provenance=known) for i, row in enumerate(EYE[:2])]
    file = save_directions(tmp_path / "found.safetensors", made)
    result = Inversion(**QUICK, direction=Path(f"{file}:way 1"), amount=(0.0, 2.0)).run(
        subject, data
    )
    assert result.moved == ("way 1", (0.0, 2.0))
    panel = result.panels()[-1]
    assert isinstance(panel, ImagePanel)
    assert panel.title == "Inverted images moved along way 1"
    assert panel.recipe is not None
    edit = Recipe.from_json(panel.recipe).edits[0]
    assert isinstance(edit, Move)
    assert edit.vector == tuple(EYE[1].tolist())
    assert find_direction(file, subject).name == "way 0"
    with pytest.raises(GanlensError, match=r"direction 'up' is not known: choose from way 0, way"):
        Inversion(**QUICK, direction=Path(f"{file}:up")).run(subject, data)
    with pytest.raises(GanlensError, match="--direction FILE"):
        Inversion(amount=(1.0,))


def test_pictures_come_as_files_and_folders(picture: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.new("L", (8, 8), 77).save(tmp_path / f"{name}.png")
    pixels, names, preparation = read_pictures((picture, tmp_path), (3, 16, 16))
    assert pixels.shape == (3, 16, 16, 3)
    assert names == ("me.png", "a.png", "b.png")
    assert preparation.n == 3
    (tmp_path / "c.png").write_text("no image")
    with pytest.raises(GanlensError, match=r"c.png.*cannot be used"):
        read_pictures((tmp_path / "c.png",), (3, 16, 16))
    with pytest.raises(GanlensError, match=r"nowhere.png"):
        read_pictures((tmp_path / "nowhere.png",), (3, 16, 16))


def test_the_tests_see_a_shift_and_only_a_shift() -> None:
    rng = np.random.default_rng(0)
    train, held = rng.normal(-1, 1, 200), rng.normal(0, 1, 300)
    found = two_sample(train, held)
    pairs = (train[:, None] < held).mean()
    assert found["auc"] == pytest.approx(pairs)
    assert found["auc_95"][0] < stats.norm.cdf(1 / 2**0.5) < found["auc_95"][1]
    assert found["p_mann_whitney_train_smaller"] < 1e-6
    assert found["p_ks"] < 1e-6
    other = two_sample(held, train)
    assert other["auc"] == pytest.approx(1 - pairs)
    assert other["p_mann_whitney_train_smaller"] > 0.99
    same = two_sample(held, held)
    assert (same["auc"], same["ks"]) == (0.5, 0)


def test_the_interval_of_the_auc_covers_and_never_collapses() -> None:
    low, high = auc_interval(0.5, 100, 100)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert high - low == pytest.approx(2 * 1.96 * (1 / 1200 + 1 / 1200) ** 0.5, rel=0.05)
    low, high = auc_interval(1.0, 20, 20)
    assert 0.8 < low < 0.95
    assert high == 1
    rng = np.random.default_rng(1)
    truth, covered = stats.norm.cdf(0.7 / 2**0.5), 0
    for _ in range(400):
        one = two_sample(rng.normal(0, 1, 30), rng.normal(0.7, 1, 30))
        covered += one["auc_95"][0] <= truth <= one["auc_95"][1]
    assert 0.92 < covered / 400 <= 0.99


def test_percentiles_and_examples() -> None:
    null = np.array([1.0, 2.0, 3.0, 4.0])
    assert percentile(np.array([0.5, 2.0, 9.0]), null).tolist() == [0, 50, 100]
    kinds = np.array(["train"] * 5 + ["own"] * 2)
    residuals = np.array([5.0, 1.0, 3.0, 2.0, 4.0, 9.0, 8.0])
    assert examples(kinds, residuals).tolist() == [1, 2, 0, 5, 6]
