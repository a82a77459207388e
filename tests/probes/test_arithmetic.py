"""Vector arithmetic: concepts, the probes that read them, the exemplars, the result, its controls.

The generator here draws two things that can be told apart by eye: how bright the picture is
(coordinate 0) and which half is brighter (coordinate 1), so the right answers are known.
"""

import json

import numpy as np
import pytest
import torch
from fake_subject import FakeSubject, fake_subject
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.preprocessing import StandardScaler
from torch import nn

from ganlens.data.imageset import ImageSet
from ganlens.errors import GanlensError
from ganlens.images import to_uint8
from ganlens.models.prior import Prior
from ganlens.panels import ImagePanel, TablePanel
from ganlens.probes.arithmetic import Arithmetic
from ganlens.probes.base import Needs
from ganlens.probes.concepts import AttributeValue, expected, parse, split_formula
from ganlens.probes.exemplars import pick
from ganlens.probes.linear_models import fit_linear_models, lead
from ganlens.recipe import Recipe, render

LIGHT, SIDE = "light=bright", "side=left"
WANTED = {
    "a": "light=bright & side=left",
    "b": "light=dark & side=left",
    "c": "light=dark & side=right",
}


class TwoThings(nn.Module):
    image_shape = (3, 16, 16)

    def __init__(self) -> None:
        super().__init__()
        self.prior = Prior("normal", 6)
        half = torch.ones(3, 16, 16)
        half[:, :, 8:] = -1
        self.register_buffer("halves", half)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        light, side = z[:, 0, None, None, None], z[:, 1, None, None, None]
        return torch.tanh(0.4 * light + 0.4 * side * self.halves)


def two_things() -> FakeSubject:
    return FakeSubject(TwoThings(), fake_subject().discriminator)


def data_set(attributes: bool = True, classes: int = 0, n: int = 400) -> ImageSet:
    z = Prior("normal", 6).sample(range(50_000, 50_000 + n))
    light, side = z[:, 0].numpy(), z[:, 1].numpy()
    labels = np.digitize(light, [-0.5, 0.5][: classes - 1]) if classes else None
    columns = {
        "light": np.where(light > 0, "bright", "dark"),
        "side": np.where(side > 0, "left", "right"),
        "amount": light.astype(np.float64),
        "shop name": np.where(light > 0, "A & B", "C"),
    }
    bounds = {"train": (0, n * 3 // 4), "test": (n * 3 // 4, n)}
    return ImageSet(
        spec="two things",
        images=to_uint8(TwoThings()(z)),
        labels=labels,
        class_names=tuple("abc"[:classes]),
        attributes=columns if attributes else {},
        names=np.array([f"{i}.png" for i in range(n)]),
        split="all",
        bounds=bounds,
        split_source="declared",
        fingerprint=f"{attributes}-{classes}-{n}",
        fingerprints={"train": f"train-{attributes}-{classes}-{n}", "test": "2" * 64},
        values={k: tuple(np.unique(v)) for k, v in columns.items() if v.dtype.kind == "U"},
    )


SMALL = {"pool": 200, "probe_images": 300, "feature_pool": 2}


@pytest.fixture(scope="module")
def result():
    return Arithmetic(**WANTED, **SMALL).run(two_things(), data_set())


def test_the_exemplars_show_their_concepts(result):
    z = Prior("normal", 6).sample(result.seeds.ravel()).view(3, 3, 6)
    assert (z[0, :, 0] > 0).all()
    assert (z[0, :, 1] > 0).all()
    assert (z[1, :, 0] < 0).all()
    assert (z[1, :, 1] > 0).all()
    assert (z[2, :, 0] < 0).all()
    assert (z[2, :, 1] < 0).all()


def test_the_result_has_what_sets_a_apart_and_what_c_has(result):
    assert result.expected == ("light=bright", "side=right")
    assert result.latents[4][0] > 0 > result.latents[4][1]
    assert result["success_rate_of_9"] == 1.0
    assert 0.1 < result.base_rate < 0.4
    assert result.control_hits.all()


def test_the_latents_are_the_papers_formula(result):
    z = Prior("normal", 6).sample(result.seeds.ravel()).view(3, 3, 6).mean(1)
    np.testing.assert_allclose(result.latents[4], z[0] - z[1] + z[2], atol=1e-5)
    noise = result.latents - result.latents[4]
    assert np.abs(noise[4]).max() == 0
    around = np.delete(noise, 4, axis=0)
    assert 0.38 < np.abs(around).max() <= 0.25 / 3**-0.5 + 1e-6
    assert len(np.unique(around.round(6), axis=0)) == 8
    assert result.norms["the result"] == pytest.approx(np.linalg.norm(result.latents[4]), rel=1e-5)


def test_held_out_accuracies_are_reported_and_high(result):
    known = {(one.linear, one.name): one for one in result.classifiers}
    assert set(known) == {(linear, name) for linear in (True, False) for name in ("light", "side")}
    for (linear, name), one in known.items():
        assert one.accuracy > 0.9 > one.majority, name
        assert (one.n_fit, one.n_held_out) == (300 if linear else None, 100)
    assert result.summary()["probe_accuracy_held_out"]["light"] == known[True, "light"].accuracy
    assert (
        result.summary()["classifier_accuracy_held_out"]["light"] == known[False, "light"].accuracy
    )
    table = next(one for one in result.panels() if "What chooses" in one.title)
    assert list(table.rows[0][:2]) == ["chooses", "light"]
    assert table.rows[0][3] == pytest.approx(100 * known[True, "light"].accuracy)


def test_pictures_replay_and_the_summary_is_json(result):
    subject = two_things()
    pictures = [panel for panel in result.panels() if isinstance(panel, ImagePanel)]
    assert len(pictures) == 3
    for panel in pictures:
        recipe = Recipe.from_json(json.dumps(panel.recipe))
        assert np.array_equal(render(subject, recipe), panel.image)
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["a"] == WANTED["a"]
    assert summary["hash"] == "f" * 64
    numbers, classifiers = (one for one in result.panels() if isinstance(one, TablePanel))
    rows = dict(numbers.rows)
    shown = rows["share of the 9 pictures with all expected values (%)"]
    assert shown == 100 * result["success_rate_of_9"]
    assert rows["length of the result (|z|)"] == summary["norms"]["the result"]
    assert rows["samples of 200 that show A"] == summary["samples_showing_a_b_c"][0]
    assert "each the mean of 3 latents" in pictures[0].caption
    linear = dict(zip(classifiers.columns, classifiers.rows[0], strict=True))
    name = linear["attribute"]
    assert linear["accuracy (%)"] == 100 * summary["probe_accuracy_held_out"][name]


def test_auto_finds_two_attributes_and_succeeds():
    found = Arithmetic(**SMALL).run(two_things(), data_set())
    assert len(found.concepts) == 3
    assert len(found.expected) == 2
    assert found["success_rate_of_9"] > 0.8


def test_auto_with_three_classes_says_that_nothing_is_expected():
    found = Arithmetic(**SMALL).run(two_things(), data_set(attributes=False, classes=3))
    assert {c.split("=")[0] for c in found.concepts} == {"class"}
    assert found.expected == ()
    summary = found.summary()
    assert summary["success_rate_of_9"] is None
    assert summary["reasons"]["success_rate_of_9"]
    assert found.panels()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (data_set(attributes=False, classes=2), "2 classes and no attributes"),
        (data_set(attributes=False), "no attributes and no classes"),
        (None, "labelled data and a discriminator"),
    ],
)
def test_auto_with_too_little_says_what_is_needed(data, says):
    with pytest.raises(GanlensError, match=says):
        Arithmetic(**SMALL).run(two_things(), data)


def test_given_seeds_need_nothing_but_a_generator():
    probe = Arithmetic(seeds_a=(1, 2), seeds_b=(3, 4), seeds_c=(5, 6))
    assert probe.needs() == Needs(frozenset({"generator"}))
    both = frozenset({"generator", "discriminator"})
    assert Arithmetic().needs() == Needs(both, "required", labels=True)
    found = probe.run(FakeSubject(TwoThings(), None))
    assert found.exemplars.shape == (9, 16, 16, 3)
    assert found["success_rate_of_9"] is None
    json.dumps(found.summary(), allow_nan=False)
    assert len(found.panels()) == 4


def test_pixel_control_is_the_same_sum_of_pictures(result):
    x = result.exemplars.reshape(3, 4, 16, 16, 3)[:, :3].astype(float) / 127.5 - 1
    means = x.mean(1)
    expected_pixels = np.clip(means[0] - means[1] + means[2], -1, 1)
    assert np.abs((expected_pixels + 1) * 127.5 - result.control[3]).max() <= 2


def test_expressions_are_taken_apart():
    data = data_set()
    assert parse("light=bright & side = left", data) == (
        AttributeValue("light", "bright", "light=bright"),
        AttributeValue("side", "left", "side = left"),
    )
    assert parse('"shop name"="A & B"', data)[0].value == "A & B"
    assert parse("amount>0.2", data) == (AttributeValue("amount>0.2", "yes", "amount>0.2"),)
    either = "light=bright | side=left"
    assert parse(either, data) == (AttributeValue(either, "yes", either),)
    with pytest.raises(GanlensError, match="choose from"):
        parse("light=purple", data)


def test_questions_and_numbers_work_as_concepts():
    probe = Arithmetic("amount>0.3 & side=left", "amount<-0.3 & side=left",
                       "amount<-0.3 & side=right", **SMALL)  # fmt: skip
    found = probe.run(two_things(), data_set())
    assert found.latents[4][0] > 0 > found.latents[4][1]


@pytest.mark.parametrize(
    ("a", "b", "c", "result"),
    [
        ("x=1 y=1", "x=0 y=1", "x=0 y=0", "x=1 y=0"),
        ("x=1", "x=0", "y=2", "x=1 y=2"),
        ("x=1", "x=2", "x=3", ""),
        ("x=1", "x=1", "x=3", "x=3"),
        ("x=1", "x=1", "y=0", "y=0"),
    ],
)
def test_what_is_expected_follows_from_the_concepts(a, b, c, result):
    sides = [[AttributeValue(*one.split("="), one) for one in side.split()] for side in (a, b, c)]
    assert " ".join(one.text for one in expected(*sides)) == result


def three_kinds(n=300, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=(0.7, 0.2, 0.1)).astype(str)
    x = np.eye(3)[y.astype(int)] * 3 + rng.normal(size=(n, 3))
    return x.astype(np.float32), y


def test_a_classifier_of_three_values_is_right_where_the_margin_is_positive():
    x, y = three_kinds()
    fitted = fit_linear_models((x[:200], x[200:]), {"kind": (y[:200], y[200:])}, {})
    classifier, margins = fitted.classifiers["kind"], fitted.margins(fitted.scores(x))["kind"]
    assert ((margins > 0).sum(1) == 1).all()
    read = np.array(classifier.classes)[margins.argmax(1)]
    assert (read[200:] == y[200:]).mean() == pytest.approx(classifier.accuracy)
    assert classifier.majority == (y[200:] == "0").mean()
    with pytest.raises(GanlensError, match="choose from 0, 1, 2"):
        classifier.index("7")
    with pytest.raises(GanlensError, match="one value"):
        fit_linear_models((x, x), {"kind": (np.full(300, "a"), y)}, {})


def test_linear_models_are_ridge_regressions_as_scikit_learn_fits_them():
    x, y = three_kinds()
    number = x[:, 0] * 2 - x[:, 1] + 5
    number[::9] = np.nan
    fitted = fit_linear_models((x, x), {"kind": (y, y)}, {"number": (number, number)})
    scores = fitted.scores(x)
    standard = StandardScaler().fit_transform(x)
    peer = RidgeClassifier(0.1 * len(y), class_weight="balanced").fit(standard, y)
    wanted = peer.decision_function(standard)
    np.testing.assert_allclose(scores[:, :3], wanted, atol=0.02)  # the intercept pays a little
    known = np.isfinite(number)
    regressor = Ridge(0.1 * len(y)).fit(standard[known], number[known]).predict(standard)
    np.testing.assert_allclose(fitted.numbers(scores)["number"], regressor, atol=0.05)
    assert fitted.regressors["number"].correlation > 0.99


def test_a_lead_is_over_the_best_of_the_others():
    scores = np.array([[1.0, 3.0, 2.0], [-1.0, 1.0, -5.0]])
    np.testing.assert_array_equal(lead(scores), [[-2.0, 1.0, -1.0], [-2.0, 2.0, -6.0]])


def test_a_formula_is_split_at_its_signs():
    formula = '"a - b"=x & t > -3 - b=y + c=z & t < -1'
    assert split_formula(formula) == ('"a - b"=x & t > -3', "b=y", "c=z & t < -1")
    for bad in ("a=1 - b=2", "a=1 + b=2 - c=3", "a=1 - + b=2", "a=1-b=2+c=3", " - b=2 + c=3"):
        with pytest.raises(GanlensError, match="must be A - B"):
            split_formula(bad)


def test_no_seed_serves_two_concepts():
    scores = [np.array([5.0, 4, 3, 2]), np.array([5.0, 4, 3, 2])]
    assert pick(scores, range(10, 14), 2) == [[10, 11], [12, 13]]


def test_too_few_samples_of_a_concept_are_admitted():
    subject = two_things()
    subject.generator.forward = lambda z: TwoThings.forward(subject.generator, z.abs())
    found = Arithmetic(**WANTED, **SMALL).run(subject, data_set())
    assert any("show C" in note for note in found.notes)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"a": "x=1"}, "all three"),
        ({"seeds_a": (1,)}, "same number"),
        ({"seeds_a": (1,), "seeds_b": (2,), "seeds_c": (-3,)}, "seed -3"),
        ({"exemplars": 0}, "exemplars 0"),
        ({"pool": 4}, "at least 9"),
        ({"spread": float("nan")}, "spread"),
    ],
)
def test_bad_settings_fail_before_anything_runs(settings, says):
    with pytest.raises(GanlensError, match=says):
        Arithmetic(**settings)


def test_settings_survive_json():
    probe = Arithmetic(seeds_a=(1,), seeds_b=(2,), seeds_c=(3,))
    assert Arithmetic(**json.loads(json.dumps(probe.settings()))) == probe
