"""The conditions probe on generators whose faults are planted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from planted_conditions import (
    HUES,
    LEVELS,
    SHADES,
    Painter,
    Plan,
    exact,
    given,
    hues_and_shades,
    levels,
    obeys,
    painted,
)
from torch import Tensor

from ganlens.data import ImageSet, open_data
from ganlens.errors import GanlensError
from ganlens.models.conditions import Classes, Condition, Table, Text
from ganlens.probes.conditions import Conditions, ConditionsResult, panels
from ganlens.probes.conditions import probe as room
from ganlens.probes.conditions.readable import readable
from ganlens.probes.conditions.remarks import _ring
from ganlens.probes.conditions.result import Confusion
from ganlens.recipe import Recipe, draw
from ganlens.subject import Subject

SMALL: dict[str, Any] = {"n": 400, "unseen": 60, "latents": 12, "control": False}
BOTH = {"hue": HUES, "shade": SHADES}


@pytest.fixture(scope="module")
def attributes(attribute_images: Path) -> ImageSet:
    return open_data(str(attribute_images))


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    """240 images of the four levels of grey, as the painter draws them, in a folder for each."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("levels")
    for level, name in enumerate(LEVELS):
        for split in ("train", "test"):
            (folder / split / name).mkdir(parents=True)
        for i in range(60):
            pixels = rng.integers(0, 40, (16, 16, 3)) + 50 * level
            Image.fromarray(pixels.astype(np.uint8)).save(
                folder / ("test" if i % 3 else "train") / name / f"{i}.png"
            )
    return open_data(str(folder))


def asked(
    subject: Subject, data: ImageSet, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> ConditionsResult:
    targets = more.pop("targets", None) or (BOTH if data.labels is None else {"class": LEVELS})
    numbers = more.pop("numbers", None)
    monkeypatch.setattr(room, "attribute_classifier", given(exact(targets, numbers)))
    return Conditions(**{**SMALL, **more}).run(subject, data)


def of_classes(
    plan: Plan, classes: ImageSet, patch: pytest.MonkeyPatch, **more: Any
) -> dict[str, Any]:
    return asked(painted(levels(), plan), classes, patch, **more).summary()


def test_one_that_obeys_is_found_to(classes: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    found = of_classes(obeys, classes, monkeypatch)
    assert found["accuracy"] == found["accuracy_real"] == 1
    low, high = found["accuracy_interval"]
    assert (low, high) == pytest.approx((400 / (400 + 1.959964**2), 1))  # Wilson, all right
    assert found["accuracy_n"] == 400
    assert found["accuracy_unseen"] is None
    assert found["reasons"]["accuracy_unseen"].startswith("training had every class")
    assert found["reasons"]["accuracy_untrained"] == "the control is switched off"
    assert np.array_equal(found["confusion"]["class"]["counts"], 100 * np.eye(4))
    assert 0.15 < found["accuracy_shuffled"] < 0.35  # four classes: a quarter by chance
    assert found["condition"] == "each class equally often"
    json.dumps(found, allow_nan=False)


def test_one_that_obeys_nine_times_of_ten_is_within_the_interval(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mostly(rows: Tensor, luck: Tensor) -> Tensor:
        return torch.where(luck[:, None] < 0.9, rows, (rows + 1) % 4)

    found = of_classes(mostly, classes, monkeypatch, n=1000)
    low, high = found["accuracy_interval"]
    assert low < 0.9 < high
    assert high - low < 0.05


def test_one_that_ignores_its_label_is_at_chance(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ignores(rows: Tensor, luck: Tensor) -> Tensor:
        return (luck[:, None] * 4).long()

    found = of_classes(ignores, classes, monkeypatch, n=1000)
    low, high = found["accuracy_interval"]
    assert low < 0.25 < high
    assert found["condition_share_pixels"] == pytest.approx(0, abs=1e-9)
    assert found["latent_share_pixels"] == pytest.approx(1)
    assert {one["flip"] for one in found["between_conditions"]} == {None}
    assert "no latent is read" in found["between_conditions"][0]["reasons"]["flip"]


def test_two_classes_that_are_swapped_are_named(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(rows: Tensor, luck: Tensor) -> Tensor:
        return torch.tensor([0, 2, 1, 3])[rows]

    result = asked(painted(levels(), swapped), classes, monkeypatch)
    counts = result.confusions[0].counts
    assert np.array_equal(counts, 100 * np.eye(4, dtype=int)[[0, 2, 1, 3]])
    assert result["accuracy"] == 0.5
    distances = {one.name: one for one in result.distances}
    for name, one in distances.items():
        assert one.value_at_floor_n is not None
        assert one.floor is not None
        far = one.value_at_floor_n > 1000  # means 50 grey levels apart in 6 features
        assert far == (name in ("two", "three")), name
        assert one.floor < 200
    table = next(p for p in result.panels() if p.title == "Value by value")
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert rows["two"]["or else"] == "three"
    assert rows["two"]["read (%)"] == 0
    assert rows["two"]["of these read (%)"] == 100
    assert rows["one"]["or else"] == ""


def test_an_attribute_that_is_ignored_is_found_and_the_other_is_not_blamed(
    attributes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(rows: Tensor, luck: Tensor) -> Tensor:
        return torch.stack([rows[:, 0], (luck < 0.5).long()], 1)

    found = asked(painted(hues_and_shades(), half), attributes, monkeypatch).summary()
    assert found["by_target"]["hue"]["accuracy"] == 1
    low, high = found["by_target"]["shade"]["interval"]
    assert low < 0.5 < high
    assert found["accuracy_interval"][0] < 0.5 < found["accuracy_interval"][1]
    assert found["by_target"]["shade"]["real"]["accuracy"] == 1


def test_one_that_fails_only_what_it_never_saw_is_told_apart(
    attributes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(rows: Tensor, luck: Tensor) -> Tensor:  # blue and light becomes blue and dark
        never = (rows == torch.tensor([0, 1])).all(1) & (luck < 0.8)
        return torch.where(never[:, None], torch.tensor([0, 0]), rows)

    condition = hues_and_shades(without=("blue", "light"))
    found = asked(painted(condition, fails), attributes, monkeypatch, unseen=300).summary()
    assert found["accuracy"] == 1
    low, high = found["accuracy_unseen_interval"]
    assert low < 0.2 < high
    assert found["accuracy_unseen_n"] == 300
    assert found["by_target"]["hue"]["unseen"]["accuracy"] == 1
    assert found["accuracy_unseen_real"] == 1
    n_real = found["accuracy_unseen_real_n"]
    assert n_real == 25  # a quarter of the 100 held-out images
    assert found["combinations"] == {"possible": 4, "in_training": 3, "unseen_asked_for": 1}


def test_truncation_that_helps_is_seen(classes: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    def extremes(rows: Tensor, luck: Tensor) -> Tensor:  # fails for |z| above 1.15
        return torch.where((luck - 0.5).abs()[:, None] < 0.375, rows, (rows + 1) % 4)

    found = of_classes(extremes, classes, monkeypatch, latents=60, thresholds=(2.0, 1.0))
    rows = found["truncation"]
    assert [row["threshold"] for row in rows] == [1.0, 2.0, None]
    assert rows[0]["accuracy"] == 1
    assert rows[-1]["accuracy"] < 0.9
    assert rows[0]["diversity"] < rows[-1]["diversity"]
    assert rows[0]["n"] == 240


def test_a_walk_flips_where_the_generator_does(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = of_classes(obeys, classes, monkeypatch, positions=5, pairs=1)
    (walk,) = found["between_conditions"]
    assert walk["pair"] == "one to two"
    assert walk["flip"] == 0.625  # rows of halves are still read as the first: argmax
    assert walk["one_change"] == 1
    assert walk["neither_in_the_middle"] == 0
    assert found["between_conditions"] != []
    assert of_classes(obeys, classes, monkeypatch, pairs=0)["between_conditions"] == []


def test_a_walk_between_attributes_changes_one_of_them(
    attributes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks = asked(painted(hues_and_shades()), attributes, monkeypatch).walks
    assert [one.name for one in walks] == ["hue: blue to red", "shade: dark to light"]
    assert all(one.clean == 1 for one in walks)


def test_the_picture_is_drawn_again_by_its_recipe(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = painted(levels())
    shown = asked(subject, classes, monkeypatch).shown
    assert shown.rows == LEVELS
    again = draw(subject, Recipe.from_json(shown.recipe))
    assert again.shape == (4 * 8, 3, 16, 16)
    assert torch.equal(again[:8], subject.generate(subject.latents(range(8)), "one"))


def test_what_the_classifier_does_not_read_is_said(
    attributes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = asked(painted(hues_and_shades()), attributes, monkeypatch, targets={"hue": HUES})
    assert result["not_read"] == ["shade"]
    assert list(result["by_target"]) == ["hue"]
    assert "does not read shade" in result.panels()[-1].caption


def test_numbers_are_correlated(attributes: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganlens.models.conditions import Attribute, Attributes

    rng = np.random.default_rng(0)
    hues = np.array(HUES)[rng.integers(0, 2, 50)]
    made = Attributes.of({"hue": hues, "noise": rng.random(50)}, {"hue": HUES})
    assert isinstance(made.attributes[1], Attribute)

    class Bright(torch.nn.Module):
        condition_dim, image_shape = 3, (3, 16, 16)
        prior = painted(made).prior

        def forward(self, z: Tensor, rows: Tensor) -> Tensor:
            grey = (rows[:, 2] * 20 + 60).view(-1, 1, 1, 1).expand(-1, 3, 16, 16).clone()
            grey[:, 2] += 50 * rows[:, 0].view(-1, 1, 1)
            return grey / 127.5 - 1

    known = {"checkpoint": "bright", "hash": None, "weights": "raw"}
    subject = Subject({"generator": Bright()}, known, condition=made)
    scale = {"noise": (60.0, 20.0)}
    found = asked(subject, attributes, monkeypatch, targets={"hue": HUES}, numbers=scale)
    assert found["correlation_noise"] == pytest.approx(1, abs=0.01)
    assert found["accuracy"] == 1


def test_the_classes_of_a_numbered_model_are_taken_in_order(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = asked(painted(Classes.numbered(4)), classes, monkeypatch)
    assert result["accuracy"] == 1
    assert result.confusions[0].rows == ("0 (one)", "1 (two)", "2 (three)", "3 (four)")
    assert "by number only" in result["notes"][0]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (None, "needs a generator that is given classes or attributes"),
        (Text(Table(((1,),), (2,)), ("smile",)), "this one is given text"),
    ],
)
def test_a_model_without_such_a_condition_is_refused(
    condition: Condition | None, said: str, classes: ImageSet
) -> None:
    subject = painted(levels())
    subject.condition = condition
    with pytest.raises(GanlensError, match=said):
        Conditions().run(subject, classes)


def test_a_model_that_was_given_one_condition_is_refused(classes: ImageSet) -> None:
    with pytest.raises(GanlensError, match=r"was given one \(two\): leave --condition out"):
        Conditions().run(painted(levels()).with_condition("two"), classes)


def test_words_that_nobody_shares_are_refused(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = painted(levels(("cat", "dog", "hen", "owl")))
    with pytest.raises(GanlensError, match=r"reads class, and the model is asked for cat, dog"):
        asked(subject, classes, monkeypatch)


def test_data_without_the_labels_are_refused(attributes: ImageSet, classes: ImageSet) -> None:
    with pytest.raises(GanlensError, match="reads hue, shade, and the model is asked for one, two"):
        Conditions().run(painted(levels()), attributes)
    with pytest.raises(GanlensError, match="no labels of 'class'"):
        readable(levels(), {"class": LEVELS}, (), attributes)
    with pytest.raises(GanlensError, match=r"calls no class as the model does \(cat, dog\)"):
        readable(levels(("cat", "dog")), {"class": ("cat", "dog")}, (), classes)


@pytest.mark.parametrize(
    "settings",
    [
        {"n": 9}, {"unseen": 0}, {"latents": 3}, {"conditions": 1}, {"thresholds": (0.0,)},
        {"pairs": -1}, {"positions": 2}, {"seed": -1}, {"batch_size": 0}, {"seed": 2**63 - 10},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(GanlensError):
        Conditions(**settings)


def test_the_batch_size_changes_nothing(classes: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (of_classes(obeys, classes, monkeypatch, batch_size=b) for b in (7, 64))
    assert one == other


def test_of_many_classes_the_least_obeyed_are_shown() -> None:
    counts = np.full((100, 103), 0)
    counts[np.arange(100), np.arange(100)] = 10
    counts[60:, 102] = 10
    names = tuple(map(str, range(103)))
    one = Confusion("class", names[:100], names, counts, counts)
    matrix = panels._matrix(one)
    assert matrix.figure.data[0].y == tuple(map(str, range(60, 100)))
    assert matrix.figure.data[0].x[-1] == "any other"
    assert np.all(np.asarray(matrix.figure.data[0].z)[:, -1] == 50)
    assert "the 40 least obeyed are shown" in matrix.caption
    said = one.to_json()
    assert said["rows_of"] == 100
    assert len(said["asked"]) == 50
    assert {"60", "99"} <= set(said["asked"])


def test_fewer_samples_than_classes_is_said(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = (*LEVELS, *(f"no {i}" for i in range(10)))
    result = asked(painted(levels(names)), classes, monkeypatch, n=10)
    assert any("only the first 10 were asked for" in note for note in result["notes"])
    assert len(result["not_read"]) == 10


def test_labels_that_were_mixed_up_are_remarked(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(rows: Tensor, luck: Tensor) -> Tensor:
        return torch.where(luck[:, None] < 0.9, torch.tensor([0, 2, 1, 3])[rows], rows)

    (note,) = of_classes(swapped, classes, monkeypatch)["notes"]
    assert "of class, two as three, three as two (" in note
    assert "Were labels mixed up" in note


@pytest.mark.parametrize(
    ("shares", "ring"),
    [
        ([[0, 9, 0], [9, 0, 0], [0, 0, 9]], {0: 1, 1: 0}),
        ([[0, 9, 0], [0, 0, 9], [9, 0, 0]], {0: 1, 1: 2, 2: 0}),
        ([[0, 50, 0], [0, 9, 0], [0, 9, 0]], {}),  # all are read as one, and most asked for another
        ([[0, 9, 0], [0, 0, 9], [0, 0, 9]], {}),
        ([[9, 0, 0], [0, 9, 0], [0, 0, 9]], {}),
        ([[0, 2, 0], [2, 0, 0], [0, 0, 2]], {}),  # too few to tell
        ([[4, 5, 0], [5, 4, 0], [0, 0, 9]], {}),
        ([[0, 9, 0], [9, 0, 0], [0, 0, 0]], {0: 1, 1: 0}),
    ],
)
def test_only_a_ring_of_values_is_a_mix_up(shares: list[list[int]], ring: dict[int, int]) -> None:
    square = np.array(shares)
    assert _ring(square, square.sum(1)) == ring


@pytest.mark.parametrize("seed", range(5))
def test_chance_is_no_mix_up(seed: int, classes: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    def ignores(rows: Tensor, luck: Tensor) -> Tensor:
        return (luck[:, None] * 4).long()

    assert of_classes(ignores, classes, monkeypatch, n=80, seed=seed)["notes"] == []
    assert of_classes(obeys, classes, monkeypatch, n=80, seed=seed)["notes"] == []


def test_samples_of_another_range_are_remarked(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Inverted(Painter):
        def forward(self, z: Tensor, rows: Tensor) -> Tensor:
            return -super().forward(z, rows)

    class Half(Painter):  # in [0, 1]: darker pictures than grey there are none
        def forward(self, z: Tensor, rows: Tensor) -> Tensor:
            return (super().forward(z, rows) + 1) / 2

    known = {"checkpoint": "painter", "hash": None, "weights": "raw"}
    condition = levels()
    for kind in (Inverted, Half):
        subject = Subject({"generator": kind(condition)}, known, condition=condition)
        result = asked(subject, classes, monkeypatch)
        assert any("of another range, or of inverted" in one for one in result["notes"]), kind


def test_a_single_class_has_no_shares(classes: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    result = asked(painted(levels(("one",))), classes, monkeypatch)
    assert result.crossed is None
    assert result["reasons"]["condition_share_pixels"] == "it takes at least 2 conditions"
    assert result["accuracy"] == 1
    assert result.walks == ()
    assert result.panels()


def test_a_weak_classifier_is_remarked(
    attributes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = exact(BOTH)
    read = blind.model.forward
    monkeypatch.setattr(blind.model, "forward", lambda x: read(x - x.mean((1, 2, 3))[0]))
    monkeypatch.setattr(room, "attribute_classifier", given(blind))
    result = Conditions(**SMALL).run(painted(hues_and_shades()), attributes)
    assert result["accuracy_real"] < 0.9
    assert any("% of held-out images rightly" in note for note in result["notes"])


def test_one_picture_for_all_is_survived(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(rows: Tensor, luck: Tensor) -> Tensor:
        return torch.zeros_like(rows)

    result = asked(painted(levels(), dead, noise=0), classes, monkeypatch)
    assert result["accuracy"] == 0.25
    assert result["reasons"]["condition_share_pixels"] == "the pictures are all alike"
    assert result["truncation"][-1]["diversity"] == 0
    assert result.panels()
    json.dumps(result.summary(), allow_nan=False)


def test_one_picture_for_each_class_has_no_latent(
    classes: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = asked(painted(levels(), noise=0), classes, monkeypatch).summary()
    assert found["accuracy"] == 1
    assert found["condition_share_pixels"] == pytest.approx(1)
    assert found["condition_share_features"] == pytest.approx(1)
    assert found["truncation"][-1]["diversity"] == pytest.approx(0)
