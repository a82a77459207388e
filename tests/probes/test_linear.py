"""The linear probe: what it predicts, from what, with which C, and what it says of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_subject import TINY, FakeSubject, fake_subject, hooks
from sklearn.svm import LinearSVC

from ganlens import svm
from ganlens.data import ImageSet, open_data
from ganlens.errors import GanlensError
from ganlens.panels import FigurePanel, TablePanel
from ganlens.probes.linear import LinearProbe, LinearProbeResult
from ganlens.probes.linear.extract import extract
from ganlens.probes.linear.fitting import (
    accuracy,
    balanced_accuracy,
    choose_cost,
    confusion,
    majority,
)
from ganlens.probes.linear.targets import Target, find_targets

SHARED = Path(__file__).parents[2].parent / "shared"


def image_set(n: int = 240, labelled: bool = True) -> ImageSet:
    """Images whose brightness tells "tone" apart, whose left half tells "side", nothing "coin"."""
    rng = np.random.default_rng(0)
    tone, side = rng.integers(0, 3, n), rng.integers(0, 2, n)
    images = rng.integers(0, 60, (n, 16, 16, 3)) + 40 * tone[:, None, None, None]
    images[:, :, :8] += 100 * side[:, None, None, None]
    return ImageSet(
        spec="tones",
        images=images.astype(np.uint8),
        labels=tone if labelled else None,
        class_names=("dark", "grey", "light") if labelled else (),
        attributes={
            "tone": np.array(["dark", "grey", "light"])[tone],
            "side": np.array(["left", "right"])[side],
            "coin": np.array(["heads", "tails"])[rng.integers(0, 2, n)],
            "tilt": rng.normal(size=n),
        },
        names=np.arange(n).astype(str),
        split="all",
        bounds={"train": (0, n * 2 // 3), "test": (n * 2 // 3, n)},
        split_source="declared",
        fingerprint="all",
        fingerprints={"all": "all", "train": "tr", "test": "te"},
    )


@pytest.fixture(scope="module")
def result() -> LinearProbeResult:
    return LinearProbe(target="auto").run(fake_subject(), image_set(labelled=False))


def test_it_learns_what_is_there_and_nothing_from_a_coin(result: LinearProbeResult) -> None:
    assert result.targets == ("tone", "side", "coin")  # every categorical attribute, no number
    scores = dict(zip(result.targets, result.accuracy[0], strict=True))
    assert scores["tone"] > 0.85
    assert scores["side"] > 0.95
    assert 0.3 < scores["coin"] < 0.7


def test_every_layer_and_control_is_judged(result: LinearProbeResult) -> None:
    layers = fake_subject().discriminator.feature_layers
    assert result.features == ("all layers", *layers, "untrained", "pixels")
    assert result.accuracy.shape == result.balanced.shape == (len(layers) + 3, 3)
    assert result.sizes[0] == result.sizes[1 : 1 + len(layers)].sum()
    assert result.sizes[-1] == 16 * 16 * 3
    assert (result.accuracy[:, 1] > 0.8).all()  # which side is lit: each set of features says it


def test_confusion_counts_the_test_images(result: LinearProbeResult) -> None:
    for i, counts in enumerate(result.confusion):
        assert counts.sum() == 80 == result.known[i]
        assert np.trace(counts) / 80 == pytest.approx(result.accuracy[0, i])


def test_the_summary_is_json_and_comparable(result: LinearProbeResult) -> None:
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["n_train"] == 160
    assert summary["n_test"] == 80
    assert summary["targets"]["tone"]["n_classes"] == 3
    assert {"hash", "data_fingerprint", "seed", "c_grid", "scaling", "pool", "split"} <= {*summary}
    assert summary["network_precision"] == "32-true"
    assert summary["accuracy"] == pytest.approx(result.accuracy[0].mean())
    assert summary["largest_duality_gap"] <= 1e-3


def test_networks_run_in_the_precision_that_is_recorded() -> None:
    part, function = image_set(), fake_subject().features
    plain = extract(function, part)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(extract(function, part), plain)


def test_the_panels_hold_a_table_the_layers_and_the_hardest_target(
    result: LinearProbeResult,
) -> None:
    table, layers, matrix = result.panels()
    assert isinstance(table, TablePanel)
    assert [row[0] for row in table.rows] == ["tone", "side", "coin"]
    tone = dict(zip(table.columns, table.rows[0], strict=True))
    assert tone["accuracy (%)"] == 100 * result["targets"]["tone"]["accuracy"]
    assert tone["pixels (%)"] == 100 * result["targets"]["tone"]["pixels"]
    assert "80 test images" in table.caption
    assert "160 of 160 train images" in table.caption
    assert isinstance(layers, FigurePanel)
    heights = dict(zip(layers.figure.data[0].x, layers.figure.data[0].y, strict=True))
    assert len(heights) == len(result.features)
    assert heights["pixels<br>(768)"] == pytest.approx(100 * result["accuracy_pixels"])
    assert layers.figure.layout.yaxis.title.text == "test accuracy (%)"
    assert isinstance(matrix, FigurePanel)
    assert "coin" in matrix.title
    assert np.sum(matrix.figure.data[0].text) == result["targets"]["coin"]["n_test"] == 80


def test_labels_come_first_and_an_attribute_can_be_asked_for() -> None:
    data = image_set()
    train, test = data.part("train"), data.part("test")
    assert [t.name for t in find_targets(train, test, "auto")] == ["class"]
    assert [t.name for t in find_targets(train, test, "side")] == ["side"]
    assert find_targets(train, test, "auto")[0].classes == ("dark", "grey", "light")


def test_the_test_split_never_enters_the_fit() -> None:
    """Shuffled test labels: training must not see them, so the guesses stay what they were."""
    data, probe = image_set(), LinearProbe(controls=False, c_grid=(1.0,))
    honest = probe.run(fake_subject(), data)
    assert data.labels is not None
    labels = data.labels.copy()
    labels[160:] = np.roll(labels[160:], 1)
    shuffled = probe.run(fake_subject(), replace(data, labels=labels))
    assert honest.accuracy[0, 0] > 0.95
    assert shuffled.accuracy[0, 0] < 0.6
    assert (honest.confusion[0].sum(0) == shuffled.confusion[0].sum(0)).all()  # the same guesses


@pytest.mark.parametrize("seed", range(6))
def test_cost_is_chosen_on_the_validation_rows(seed: int) -> None:
    rng, grid = np.random.default_rng(seed), (30.0, 0.3, 3.0)
    labels = rng.integers(0, 2, 300)
    x = rng.normal(size=(300, 60)).astype(np.float32)
    x[:, :3] += labels[:, None]  # few useful features among noise: a large C overfits
    target = Target("t", ("a", "b"), labels, labels)
    how = svm.scaling(x[:200])
    scaled = (x - how.shift.numpy()) * how.factor.numpy()
    models = {c: LinearSVC(C=c, dual=False).fit(scaled[:200], labels[:200]) for c in grid}
    right = {c: models[c].score(scaled[200:], labels[200:]) for c in grid}
    best = min(c for c in grid if right[c] == max(right.values()))
    assert choose_cost(x, [target], grid, 100)[0] == best
    same = Target("t", ("a", "b"), labels, labels)
    easy = np.repeat(labels[:, None], 4, axis=1).astype(np.float32)
    assert choose_cost(easy, [same], (10.0, 1.0, 3.0), 100)[0] == 1.0  # of equals the smallest


def test_measures_on_small_examples() -> None:
    truth, guess = np.array([0, 0, 0, 1, -1]), np.array([0, 0, 0, 0, 1])
    assert accuracy(truth, guess) == 0.75  # the unknown one does not count
    assert balanced_accuracy(truth, guess) == 0.5
    np.testing.assert_array_equal(confusion(truth, guess, 2), [[3, 0], [1, 0]])
    assert majority(Target("t", ("a", "b"), np.array([1, 1, 0]), truth)) == 0.25
    assert accuracy(np.array([-1]), np.array([0])) == 0


def test_unknown_attribute_values_are_left_out() -> None:
    data = image_set(labelled=False)
    side = data.attributes["side"].copy()
    side[::4] = ""
    data = replace(data, attributes={"side": side})
    found = LinearProbe(controls=False, c_grid=(1.0,)).run(fake_subject(), data)
    assert found.classes == (("left", "right"),)
    assert found.known[0] == 60
    assert found.accuracy[0, 0] > 0.95


def test_a_subject_that_cannot_be_built_untrained_is_probed_without() -> None:
    class Foreign(FakeSubject):
        def untrained(self, seed: int = 0, images: torch.Tensor | None = None) -> FakeSubject:
            raise GanlensError("foreign does not say how to build it untrained")

    fake = fake_subject(TINY)
    found = LinearProbe(c_grid=(1.0,)).run(Foreign(fake.generator, fake.discriminator), image_set())
    summary = found.summary()
    assert summary["accuracy_untrained"] is None
    assert "does not say" in summary["reasons"]["accuracy_untrained"]
    assert summary["reasons"]["accuracy_k_means"] == "the setting kmeans_k is 0"
    assert found.panels()[0].rows[0][5] is None


def test_the_same_seed_gives_the_same_result_and_leaves_nothing_behind() -> None:
    fake, probe = fake_subject(), LinearProbe(n_train=60, n_test=40, controls=False, c_grid=(1.0,))
    a, b = probe.run(fake, image_set()), probe.run(fake, image_set())
    np.testing.assert_array_equal(a.accuracy, b.accuracy)
    assert (a.about["n_train"], a.about["n_test"]) == (60, 40)
    assert hooks(fake.generator, fake.discriminator) == 0
    assert not fake.discriminator.training


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"target": "tilt"}, "target 'tilt' is numeric: choose from auto, class, tone"),
        ({"target": "hat"}, "target 'hat' is not known"),
        ({"c_grid": ()}, "c_grid has 0 values: give at least 1"),
        ({"c_grid": (1.0, float("inf"))}, "c_grid inf is out of range"),
        ({"pool": 0}, "pool 0 is too small: give at least 1"),
        ({"pool": 1000}, "pool 1000 is out of range"),
        ({"seed": -1}, "seed -1"),
        ({"c_grid": (1e300,)}, "c_grid 1e.300 is out of range: give 1e-10 to 1,000,000"),
        ({"validation": 1.0}, "validation 1.0"),
        ({"validation": 0.999}, "validation 0.999 is out of range: give 0.05 to 0.5"),
        ({"scaling": "none"}, "scaling 'none' is not known: choose from standard, norm"),
        ({"labels_per_class": (2, 2)}, "names a number twice"),
        ({"n_train": 0}, "n_train 0 is too small: give at least 1"),
        ({"n_train": 5}, "5 train images are too few"),
    ],
)
def test_bad_settings_are_one_line(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(GanlensError, match=problem):
        LinearProbe(**settings).run(fake_subject(), image_set())


def test_an_attribute_called_class_is_offered_once() -> None:
    data = image_set()
    data = replace(data, attributes={**data.attributes, "class": data.attributes["tone"]})
    with pytest.raises(GanlensError, match=r"choose from auto, class, tone, side, coin$"):
        LinearProbe(target="hat").run(fake_subject(), data)


def test_what_is_missing_is_said() -> None:
    bare = replace(image_set(labelled=False), attributes={})
    with pytest.raises(GanlensError, match="no labels and no categorical attributes"):
        LinearProbe().run(fake_subject(), bare)
    with pytest.raises(GanlensError, match="needs data"):
        LinearProbe().run(fake_subject())
    one = replace(image_set(labelled=False), attributes={"a": np.array(["x"] * 240)})
    with pytest.raises(GanlensError, match="one value"):
        LinearProbe().run(fake_subject(), one)
    blind = fake_subject()
    del blind.networks["discriminator"]
    with pytest.raises(GanlensError, match="no discriminator"):
        LinearProbe().run(blind, image_set())


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data")
def test_real_faces_are_read_above_chance() -> None:
    data = open_data(str(SHARED / "data" / "pixelfaces.zip"), size=16)
    found = LinearProbe(n_train=300, n_test=300, c_grid=(1.0,), controls=False).run(
        fake_subject(), data
    )
    scores = dict(zip(found.targets, found.accuracy[0] - found.majority, strict=True))
    assert len(scores) == 9
    assert scores["background"] > 0.5
    assert scores["shirt"] > 0.4
