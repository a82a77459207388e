"""Few labels, features in a file, and the controls that are made on request."""

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from fake_subject import TINY, FakeSubject, fake_subject
from sklearn.svm import LinearSVC
from test_linear import image_set

from ganlens import svm
from ganlens.errors import GanlensError
from ganlens.panels import FigurePanel, TablePanel
from ganlens.probes.linear import LinearProbe, extract
from ganlens.probes.linear.few import few_labels
from ganlens.probes.linear.supervised import train_supervised
from ganlens.probes.linear.targets import Target, find_targets
from ganlens.progress import finish

QUICK = {"c_grid": (1.0,), "controls": False}


class Few(NamedTuple):
    cost: np.ndarray
    accuracy: np.ndarray


def few_of(x: np.ndarray, y: np.ndarray, grid: tuple[float, ...] = (1.0,), **k: object) -> Few:
    target = Target("t", tuple("abc"), y[:-200], y[-200:])
    settings = {"draws": 4, "validation": 100, "scaling": "standard", "seed": 0, **k}
    return Few(*finish(few_labels(x[:-200], x[-200:], [target], (5, 20), grid, **settings)))


def blobs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 600)
    return (np.eye(3)[y] @ rng.normal(0, 0.5, (3, 30)) + rng.normal(size=(600, 30))).astype("f4"), y


def test_few_labels_are_what_linear_svc_makes_of_the_same_draw() -> None:
    x, y = blobs()
    found = few_of(x, y)
    assert found.accuracy.shape == (2, 1, 4)
    how, stream = svm.scaling(x[:400]), np.random.default_rng([0, 0, 0])
    scaled = (x - how.shift.numpy()) * how.factor.numpy()
    for r in range(4):
        rows = np.concatenate(
            [stream.choice(np.flatnonzero(y[:300] == c), 5, replace=False) for c in range(3)]
        )
        model = LinearSVC(C=1.0, dual=False).fit(scaled[rows], y[rows])
        share = model.score(scaled[400:], y[400:])
        assert found.accuracy[0, 0, r] == pytest.approx(share, abs=0.006)


def test_more_labels_help_and_draws_differ() -> None:
    found = few_of(*blobs())
    assert found.accuracy[1].mean() > found.accuracy[0].mean() + 0.03
    assert found.accuracy[0].std() > 0


def test_the_cost_of_few_labels_never_sees_the_test_images() -> None:
    x, y = blobs()
    shuffled = y.copy()
    shuffled[-200:] = np.roll(y[-200:], 1)
    grid = (0.1, 1.0, 10.0)
    honest, wrong = few_of(x, y, grid), few_of(x, shuffled, grid)
    np.testing.assert_array_equal(honest.cost, wrong.cost)
    assert wrong.accuracy.mean() < 0.45 < honest.accuracy.mean()
    # Nor are the rows on which C is chosen drawn from: other labels there change no fit.
    moved = y.copy()
    moved[300:400] = (y[300:400] + 1) % 3
    np.testing.assert_array_equal(few_of(x, moved).accuracy, few_of(x, y).accuracy)


def test_the_learning_curve_is_in_summary_and_panels() -> None:
    probe = LinearProbe(labels_per_class=(2, 20), draws=3, **QUICK)
    result = probe.run(fake_subject(), image_set())
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    for i, count in enumerate(("2", "20")):
        row = summary["labels_per_class"][count]["all layers"]
        assert row["accuracy"] == pytest.approx(result.few_accuracy[0, i, 0].mean())
        assert row["standard_deviation"] == pytest.approx(result.few_accuracy[0, i, 0].std(ddof=1))
    listed, chart = result.panels()[-2:]
    assert isinstance(listed, TablePanel)
    assert [row[0] for row in listed.rows] == [2, 20]
    few = summary["labels_per_class"]["20"]["all layers"]
    assert listed.rows[1] == (20, 100 * few["accuracy"], 100 * few["standard_deviation"])
    assert listed.columns == ("labels per class", "all layers (%)", "± all layers (%)")
    assert "of 3 draws. C was chosen on 10 others" in listed.caption
    assert isinstance(chart, FigurePanel)
    (line,) = chart.figure.data
    np.testing.assert_array_equal(line.x, [2, 20])
    np.testing.assert_allclose(line.error_y.array[1], 100 * few["standard_deviation"])
    assert chart.figure.layout.yaxis.title.text == "test accuracy (%)"


def test_a_single_draw_has_no_deviation() -> None:
    result = LinearProbe(labels_per_class=(3,), draws=1, **QUICK).run(fake_subject(), image_set())
    row = result.summary()["labels_per_class"]["3"]["all layers"]
    assert row["standard_deviation"] is None
    assert result.panels()[-2].rows[0][2] is None


def test_the_authors_scaling_is_by_one_factor() -> None:
    result = LinearProbe(scaling="norm", **QUICK).run(fake_subject(), image_set(labelled=False))
    assert "one factor" in result.summary()["scaling"]
    assert dict(zip(result.targets, result.accuracy[0], strict=True))["side"] > 0.9


def test_mirrored_features_cannot_tell_left_from_right() -> None:
    """Every set of features, the controls too, sees an image and its mirror image as one."""
    data = image_set(labelled=False)
    images = data.images.copy()
    images[data.attributes["side"] == "left", :, 8:] += 100  # lit on one side, or on the other
    data = replace(data, images=images)
    plain, mirrored = (
        LinearProbe(mirror=m, c_grid=(1.0,), kmeans_k=4).run(fake_subject(), data)
        for m in (False, True)
    )
    side, tone = plain.targets.index("side"), plain.targets.index("tone")
    assert plain.accuracy[:, side].min() > 0.8
    assert mirrored.accuracy[:, side].max() < 0.7
    assert mirrored.accuracy[0, tone] > 0.85
    assert mirrored.summary()["mirror"] is True


@pytest.mark.parametrize("half", [False, True])
def test_features_in_a_file_give_the_same_result(
    half: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    probe = LinearProbe(half=half, **QUICK)
    inside = LinearProbe(**QUICK).run(fake_subject(), image_set())
    kinds, empty = [], extract._empty

    def spy(*arguments: object) -> np.ndarray:
        kinds.append(empty(*arguments))
        return kinds[-1]

    monkeypatch.setattr(extract, "_empty", spy)
    monkeypatch.setattr(extract, "IN_MEMORY", 0)
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path))
    outside = probe.run(fake_subject(), image_set())
    assert all(isinstance(array, np.memmap) for array in kinds)
    assert {array.dtype for array in kinds} == {np.dtype(np.float16 if half else np.float32)}
    assert list(tmp_path.iterdir()) == []  # the file has no name
    np.testing.assert_allclose(outside.accuracy, inside.accuracy, atol=0.03 if half else 0)


def test_no_room_and_no_range_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    part = image_set().part("test")
    with pytest.raises(GanlensError, match="do not fit float16: set half to false"):
        extract.extract(lambda x: x.flatten(1) * 1e6, part, half=True)
    (tmp_path / "file").touch()
    monkeypatch.setattr(extract, "IN_MEMORY", 0)
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path / "file"))
    with pytest.raises(GanlensError, match="no room for features"):
        extract.extract(lambda x: x.flatten(1), part)


def test_k_means_and_supervised_are_rows_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path))
    probe = LinearProbe(kmeans_k=6, supervised_epochs=12, c_grid=(1.0,))
    result = probe.run(fake_subject(), image_set(labelled=False))
    assert result.features[-4:] == ("untrained", "pixels", "k-means", "supervised")
    assert result.sizes[-2] == 4 * 6
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["accuracy_supervised"] == pytest.approx(result.accuracy[-1].mean())
    assert summary["controls"]["k-means"]["k"] == 6
    assert summary["controls"]["k-means"]["c"] == dict.fromkeys(result.targets, 1.0)
    # Of the images on which C is chosen the network has not seen the labels.
    learned, held = summary["controls"]["supervised"]["n_train"], round(0.2 * summary["n_train"])
    assert learned == summary["n_train"] - held
    heads = summary["controls"]["supervised"]["accuracy_of_its_own_head"]
    assert heads["side"] > 0.9
    assert set(heads) == set(result.targets)
    table = result.panels()[0]
    for row in table.rows:
        cells = dict(zip(table.columns, row, strict=True))
        known = summary["targets"][cells["target"]]
        assert cells["k-means (%)"] == 100 * known["k_means"]
        assert cells["supervised (%)"] == 100 * known["supervised"]


def test_the_supervised_network_is_trained_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path))
    data, fake = image_set(), fake_subject()
    train, test = data.part("train"), data.part("test")
    targets = find_targets(train, test, "side")

    def trained(epochs: int = 2, fake: FakeSubject = fake) -> tuple[int, torch.Tensor]:
        steps, seen = train_supervised(fake, train, test, targets, epochs, 0), []
        found, settings = finish(steps, seen.append)
        assert settings["epochs"] == epochs
        network = found.discriminator
        assert not any(p.requires_grad for p in network.parameters())
        assert not network.training
        return len(seen), found.features(train.batch(slice(0, 4)))

    (first, a), (second, b) = trained(), trained()
    assert (first, second) == (2, 0)  # the second time it comes from the cache
    assert torch.equal(a, b)
    assert not torch.allclose(a, fake.untrained(0, train.batch([0, 1])).features(train.batch([0])))
    assert trained(epochs=3)[0] == 3
    wider = fake_subject(replace(TINY, width=6))
    assert trained(fake=type(fake)(wider.generator, wider.discriminator, config=wider.config))[0]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"labels_per_class": (100,)},
            r"labels_per_class 100 is more than the \d+ images of class",
        ),
        ({"labels_per_class": (0,)}, "labels_per_class 0 is too small: give at least 1"),
        ({"labels_per_class": (5,), "draws": 0}, "draws 0 is too small: give at least 1"),
        ({"kmeans_k": -1}, "kmeans_k -1 is too small"),
        ({"supervised_epochs": -1}, "supervised_epochs -1 is too small"),
        ({"scaling": "minmax"}, "scaling 'minmax' is not known: choose from standard, norm"),
    ],
)
def test_bad_settings_are_one_line(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(GanlensError, match=problem):
        LinearProbe(**settings).run(fake_subject(), image_set())  # type: ignore[arg-type]
