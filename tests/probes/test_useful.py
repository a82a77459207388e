"""Useful: closed forms of its intervals, and generators whose use is planted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from planted_samples import CORNERS, condition, planted, squares

from ganlens.classifier.by_steps import train_for_steps
from ganlens.classifier.targets import Truth
from ganlens.classifier.train import ClassifierSettings, Descent
from ganlens.data import ImageSet, open_data
from ganlens.errors import GanlensError
from ganlens.images import to_uint8
from ganlens.models.conditions import Attributes
from ganlens.panels import ImagePanel, TablePanel
from ganlens.probes.useful import Useful, UsefulResult
from ganlens.probes.useful.arms import arms, usual
from ganlens.probes.useful.draws import few_of_each
from ganlens.probes.useful.intervals import Interval, interval, share_interval, verdict
from ganlens.probes.useful.materials import materials
from ganlens.probes.useful.training import scored
from ganlens.progress import finish
from ganlens.recipe import Recipe, draw
from ganlens.report import missing, run_probes
from ganlens.subject import Subject, load

QUICK: dict[str, Any] = {
    "repeats": 3, "n": 150, "n_train": 300, "training_steps": 30, "batch_size": 16,
    "ratios": (2.0,), "few": 0, "flips": False, "controls": False,
}  # fmt: skip
TINY = {**QUICK, "repeats": 2, "n": 20, "n_train": 40, "n_test": 24, "training_steps": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    return open_data(str(squares(tmp_path_factory.mktemp("squares") / "squares.npz", 800)))


def run(plan: str, data: ImageSet, **changes: Any) -> UsefulResult:
    found: UsefulResult = Useful(**{**QUICK, **changes}).run(planted(plan), data)
    return found


# --- intervals ---


def test_the_interval_is_student_s() -> None:
    """Of 1, 2, 3: s = 1, t(0.975, 2) = 4.302653; of 5 repeats t is 2.776445."""
    found = interval(np.array([1.0, 2.0, 3.0]))
    assert found.mean == 2
    assert found.high - 2 == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)
    assert 2 - found.low == pytest.approx(found.high - 2)
    five = interval(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
    assert five.high == pytest.approx(2.776445 * np.sqrt(2.5 / 5), rel=1e-6)
    assert interval(np.full(4, 0.25)).ends == (0.25, 0.25)
    assert np.isnan(interval(np.array([1.0])).ends).all()
    cut = share_interval(np.array([0.9, 1.0]))
    assert cut.high == 1
    assert cut.low == pytest.approx(0.95 - 12.706205 * 0.05, rel=1e-5)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rows = np.random.default_rng(0).normal(3, 2, (2000, 5))
    found = [interval(row) for row in rows]
    assert np.mean([one.low <= 3 <= one.high for one in found]) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.01, 0.03), "helps"),
        ((-0.03, -0.01), "hurts"),
        ((-0.01, 0.03), "no difference that 7 repeats can show"),
        ((0.0, 0.03), "no difference that 7 repeats can show"),
        ((0.0, 0.0), "no difference that 7 repeats can show"),
        ((np.nan, np.nan), ""),
    ],
)
def test_verdicts_follow_from_intervals(ends: tuple[float, float], said: str) -> None:
    assert verdict(Interval(0.01, *ends), 7) == said


def test_differences_are_paired(data: ImageSet) -> None:
    """Repeats that differ by much and arms that differ by little, always the same way."""
    found = Useful(**TINY).run(planted(), data)
    keys = [one.key for one in found.arms]
    accuracy = np.tile([0.2, 0.8], (len(keys), 1))
    accuracy[keys.index("all_samples_2")] += [0.01, 0.012]
    paired = replace(found, accuracy=accuracy)
    difference = paired.difference_of("all_samples_2")
    assert difference is not None
    assert difference.mean == pytest.approx(0.011)
    assert difference.high - 0.011 == pytest.approx(12.706205 * 0.001, rel=1e-5)  # s / sqrt(2)
    assert paired.verdict_of("all_samples_2") == "no difference that 2 repeats can show"
    accuracy[keys.index("all_samples_2")] = [0.21, 0.8101]
    assert replace(found, accuracy=accuracy)["all_samples_verdict"] == "helps"
    assert paired.difference_of("all") is None


# --- planted causes ---


def test_samples_like_real_images_train_as_well_as_those(data: ImageSet) -> None:
    found = run("right", data)
    assert found["real"] > 0.9
    assert abs(found["gan_train_difference"]) < 0.05
    assert found["gan_test"] > 0.9
    assert found["arms"]["gan_train"]["samples"] == found["arms"]["real"]["real_images"] == 150


def test_shuffled_labels_are_chance_where_the_samples_are_right(data: ImageSet) -> None:
    found = run("right", data, controls=True, ratios=())
    assert found["gan_train"] > 0.9
    assert found["shuffled"] < 0.6
    assert found["shuffled_verdict"] == "hurts"


def test_a_generator_that_ignores_the_label_trains_to_chance(data: ImageSet) -> None:
    """An arm of chance is the worse, the better a real one is: so is that of shuffled labels."""
    found = run("any", data, controls=True, ratios=())
    assert found["gan_test"] == pytest.approx(0.25, abs=0.15)
    assert found["gan_train"] < 0.6
    assert found["gan_train_verdict"] == "hurts"
    assert found["gan_test_verdict"] == "samples are read worse"
    assert found["shuffled"] < 0.6
    assert found["shuffled_verdict"] == "hurts"
    assert found["untrained"] is None
    assert "does not say how to build it" in found["reasons"]["untrained"]


def test_wrong_labels_hurt_beside_real_images_too(data: ImageSet) -> None:
    found = run("next", data, few=5, few_ratios=(4.0,))
    assert found["gan_train"] < 0.1
    assert found["all_samples_verdict"] == "hurts"
    assert found["few_samples_verdict"] == "hurts"


def test_half_of_the_classes_are_missed_by_name(data: ImageSet) -> None:
    found = run("half", data, ratios=())
    assert found["gan_train_verdict"] == "hurts"
    assert found["classes"] == list(CORNERS)
    assert found["by_class"]["gan_test"] == pytest.approx([1, 1, 0, 0], abs=0.1)
    assert min(found["by_class"]["all"]) > 0.8


def test_perfect_samples_help_where_real_images_are_few(data: ImageSet) -> None:
    found = run("right", data, repeats=4, few=1, few_ratios=(1.0, 20.0), ratios=())
    arm = found["arms"]["few_samples_20"]
    assert arm["verdict"] == "helps"
    assert arm["difference"] > 0.1
    assert (arm["real_images"], arm["samples"]) == (4, 80)
    assert found["few_ratio"] == 1  # what the headline is about is fixed, whatever was found


# --- what an arm learns from ---


def test_arms_and_what_they_are_compared_with() -> None:
    found = arms(whole=False, few=True, ratios=(0.5, 2), few_ratios=(1,), flips=True,
                 controls=("shuffled",))  # fmt: skip
    assert {one.key: one.against for one in found} == {
        "real": "", "all": "", "gan_train": "real", "gan_test": "all", "all_samples_0.5": "all",
        "all_samples_2": "all", "all_flips": "all", "few": "", "few_samples_1": "few",
        "few_flips": "few", "shuffled": "real",
    }  # fmt: skip
    whole = arms(whole=True, few=False, ratios=(), few_ratios=(1,), flips=False, controls=())
    assert {one.key: one.against for one in whole} == {
        "all": "", "gan_train": "all", "gan_test": "all",
    }  # fmt: skip
    assert [usual(given) for given in ((0.5, 1, 2), (2, 0.5), (3,), ())] == [1, 0.5, 3, None]


def test_where_all_images_are_taken_both_references_are_one(data: ImageSet) -> None:
    found = Useful(**{**TINY, "n": 9999}).run(planted(), data)
    assert "real" not in found["arms"]
    assert found["real"] == found["all"]
    assert found["n"] == found["n_train"] == 40
    assert found["n_train_available"] > 40


def test_few_that_are_all_are_left_out(data: ImageSet) -> None:
    found = Useful(**{**TINY, "few": 40}).run(planted(), data)
    assert "few" not in found["arms"]
    assert found["reasons"]["few"] == "no class has more than 40 train images"
    assert found["few_samples_verdict"] is None


def test_few_of_each_gives_every_class_its_number() -> None:
    answers = np.random.default_rng(0).integers(0, 3, (200, 1))
    places = few_of_each(answers, 4)
    assert np.bincount(answers[places, 0]).tolist() == [4, 4, 4]
    assert (np.diff(places) > 0).all()
    several = np.random.default_rng(1).integers(0, 4, (200, 2))
    chosen = several[few_of_each(several, 3)]
    assert min(np.bincount(column).min() for column in chosen.T) == 3
    assert len(chosen) <= 2 * 4 * 3
    rare = np.array([[0], [0], [1], [0]])
    assert few_of_each(rare, 2).tolist() == [0, 1, 2]
    assert len(few_of_each(rare, 0)) == 0


def test_shares_of_right_answers_by_class() -> None:
    guesses = np.array([[0, 1], [0, 1], [1, 1], [1, 0]])
    answers = np.array([[0, 1], [1, 1], [1, 1], [1, 1]])
    found = scored(guesses, answers, {"a": ("x", "y"), "b": ("u", "v")})
    np.testing.assert_allclose(found.accuracies, [0.75, 0.75])
    np.testing.assert_allclose(found.by_class, [1, 2 / 3, np.nan, 0.75])
    assert found.accuracy == 0.75


def test_images_come_equally_often_and_steps_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[int]()
    step = Descent.step

    def watched(self: Descent, images: np.ndarray, truth: Truth) -> tuple[float, float]:
        seen.append(len(images))
        rows.extend(images[:, 0, 0, 0].tolist())
        assert (truth.answers[:, 0].numpy() == images[:, 0, 0, 0] % 2).all()
        return step(self, images, truth)

    monkeypatch.setattr(Descent, "step", watched)
    rows = list[int]()
    x = np.tile(np.arange(7, dtype=np.uint8)[:, None, None, None], (1, 16, 16, 1))
    truth = Truth({"a": ("x", "y")}, {}, torch.arange(7)[:, None] % 2, torch.zeros(7, 0))
    model = finish(train_for_steps(x, truth, ClassifierSettings(batch_size=4), 5))
    assert seen == [4] * 5
    assert set(rows[:7]) == set(rows[7:14]) == set(range(7))
    assert not model.training
    again = finish(train_for_steps(x, truth, ClassifierSettings(batch_size=4), 5))
    other = finish(train_for_steps(x, truth, ClassifierSettings(batch_size=4, seed=1), 5))
    weights = [next(iter(one.parameters())) for one in (model, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_training_that_diverges_is_one_line() -> None:
    x = np.random.default_rng(0).integers(0, 255, (8, 16, 16, 1), np.uint8)
    truth = Truth({"a": ("x", "y")}, {}, torch.arange(8)[:, None] % 2, torch.zeros(8, 0))
    with pytest.raises(GanlensError, match="not finite in step"):
        finish(train_for_steps(x, truth, ClassifierSettings(batch_size=8, lr=1e30), 9))


def test_real_images_and_samples_have_the_same_conditions(data: ImageSet) -> None:
    from ganlens.probes.useful.draws import Sizes
    from ganlens.probes.useful.draws import draw as draw_repeat

    found = materials(condition(), data, (), 60, 30, 0)
    stream = np.random.default_rng(0)
    made = finish(draw_repeat(planted(), found, Sizes(20, 90, 24, 30), 3, 7, stream, None, 2.0))
    assert (made.some.answers == made.samples.answers[:20]).all()
    assert (made.samples.answers[:30] == made.samples.answers[60:]).all()  # round and round
    assert (made.few_samples.answers == np.tile(made.few.answers, (2, 1))).all()
    assert (made.test_samples.answers == found.test.answers).all()
    assert sorted(made.shuffled.answers.ravel()) == sorted(made.some.answers.ravel())
    subject, labels = planted(), made.samples.answers[:, 0]
    expected = to_uint8(subject.generate(subject.latents(range(7, 97)), labels))
    assert (made.samples.images == expected).all()
    held_out = {image.tobytes() for image in data.part("test").images}
    assert not held_out & {image.tobytes() for image in found.train.images}
    assert {image.tobytes() for image in found.test.images} <= held_out


# --- what is said ---


def test_every_repeat_is_reported_and_the_same_again(data: ImageSet) -> None:
    result, again = (Useful(**TINY).run(planted(), data) for _ in range(2))
    assert result.summary() == again.summary()
    assert {len(arm["repeats"]) for arm in result["arms"].values()} == {2}
    assert Useful(**TINY, seed=1).run(planted(), data).summary() != result.summary()
    tables = {panel.title: panel for panel in result.panels() if isinstance(panel, TablePanel)}
    assert len(tables["Every repeat"].rows) == len(result.arms)
    assert len(tables["Class by class"].rows) == 4
    assert sum(row[1] for row in tables["Class by class"].rows) == result["n_test"] == 24
    assert "so that none wins by training longer" in result.panels()[0].caption


def test_the_samples_that_are_shown_can_be_drawn_again(data: ImageSet) -> None:
    result = Useful(**TINY).run(planted(), data)
    (picture,) = [panel for panel in result.panels() if isinstance(panel, ImagePanel)]
    assert result.shown is not None
    assert picture.recipe is not None
    again = to_uint8(draw(planted(), Recipe.from_json(picture.recipe)))
    assert (again == result.shown.pictures).all()


def test_progress_goes_forward_and_ends(data: ImageSet) -> None:
    seen = []
    finish(Useful(**TINY).steps(planted(), data), seen.append)
    counted = [one.done for one in seen if one.what.startswith("repeat")]
    assert counted == sorted(counted)
    assert max(counted) < seen[-1].total
    assert any("GAN-train" in one.what for one in seen)


# --- conditions and data of every kind ---


def test_attributes_are_targets_each(attribute_images: Path, tiny_conditional: Path) -> None:
    data, subject = open_data(str(attribute_images)), load(tiny_conditional, "cpu")
    both = Useful(**{**TINY, "few": 2, "controls": True}).run(subject, data)
    assert both["targets"] == ["hue", "shade"]
    assert both["classes"] == ["hue=blue", "hue=red", "shade=dark", "shade=light"]
    assert both["untrained"] is not None
    means = np.mean(list(both["arms"]["all"]["targets"].values()))
    assert both["all"] == pytest.approx(means)
    one = Useful(**TINY, targets=("shade",)).run(subject, data)
    assert one["classes"] == ["dark", "light"]
    with pytest.raises(GanlensError, match="target 'hat' is not known: choose from hue, shade"):
        Useful(**TINY, targets=("hat",)).run(subject, data)


def test_images_without_a_label_are_left_out_and_counted(data: ImageSet) -> None:
    labels = np.array(data.labels)
    labels[:10] = -1
    found = Useful(**TINY).run(planted(), replace(data, labels=labels))
    assert found["n_unlabelled"] == [10, 0]
    assert "10 images lack a label" in found.panels()[0].caption


def test_classes_by_number_are_taken_in_order_and_that_is_said(data: ImageSet) -> None:
    named = replace(data, class_names=("nw", "ne", "sw", "se"))
    found = run("right", named, ratios=())
    assert found["gan_test"] > 0.9
    assert "by number only" in found["notes"][0]
    assert "by number only" in found.panels()[0].caption
    with pytest.raises(GanlensError, match="has the class"):
        Useful(**TINY).run(planted(), replace(data, class_names=("0", "1", "2", "x", "y")))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "lacks the attribute 'hue'"),
        ({"hue": np.array(["blue"] * 400), "size": np.arange(400.0)}, "nothing to classify"),
        ({"hue": np.array(["blue"] * 400), "size": np.array(["s"] * 400)}, "is no number"),
        ({"hue": np.array(["", "green"] * 200), "size": np.arange(400.0)}, "give data with at lea"),
    ],
)
def test_attributes_that_do_not_fit_are_one_line(
    columns: dict[str, np.ndarray], said: str, attribute_images: Path
) -> None:
    told = {"hue": np.array(["blue", "red"]), "size": np.array([1.0, 2.0])}
    data = replace(open_data(str(attribute_images)), attributes=columns)
    with pytest.raises(GanlensError, match=said) as caught:
        materials(Attributes.of(told, {"hue": ("blue", "red")}), data, (), None, None, 0)
    assert "\n" not in str(caught.value)


def test_a_model_without_a_condition_is_left_out_with_a_reason(
    tiny_checkpoint: Path, data: ImageSet
) -> None:
    plain = load(tiny_checkpoint, "cpu")
    said = "needs a generator that is given classes or attributes"
    assert missing(Useful(), plain, data).startswith(said)
    with pytest.raises(GanlensError, match=f"useful {said}"):
        Useful().run(plain, data)
    fixed = planted().with_condition("2")
    assert "leave --condition out" in missing(Useful(), fixed, data)
    assert "give --data" in _said(planted(), None)
    assert "no classes" in _said(planted(), replace(data, labels=None, class_names=()))


def _said(subject: Subject, data: ImageSet | None) -> str:
    with pytest.raises(GanlensError) as caught:
        Useful(**TINY).run(subject, data)
    return str(caught.value)


def test_a_report_runs_it_where_it_is_asked_for(data: ImageSet) -> None:
    probes = {"useful": Useful(**TINY)}
    (left,) = run_probes(planted(), data, probes, on_request=False)
    assert left.result is None
    assert left.reason == (
        "trains many classifiers, which takes minutes: ask for it by --probes useful"
    )
    (found,) = run_probes(planted(), data, probes)
    assert found.result is not None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"repeats": 1}, "repeats 1"),
        ({"ratios": (1.0, 1.0)}, "twice"),
        ({"few_ratios": (0.0,)}, "few_ratios"),
        ({"batch_size": 1}, "batch_size 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(GanlensError, match=said):
        Useful(**settings)


def test_a_seed_too_high_for_all_samples_is_refused(data: ImageSet) -> None:
    with pytest.raises(GanlensError, match="seed"):
        Useful(**TINY, seed=2**63 - 2).run(planted(), data)
