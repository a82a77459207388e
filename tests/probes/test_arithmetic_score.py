"""Arithmetic scored over many draws: a generator whose attributes are its latents scores high."""

import json

import numpy as np
import pytest
import torch
from test_arithmetic import SMALL, TwoThings, data_set, two_things

from ganlens.errors import GanlensError
from ganlens.panels import ImagePanel
from ganlens.probes.arithmetic import ArithmeticScore
from ganlens.probes.arithmetic.trial import Trial, sums
from ganlens.probes.concepts import share
from ganlens.recipe import Recipe, render

FORMULA = "light=bright & side=left - light=dark & side=left + light=dark & side=right"  # one line


@pytest.fixture(scope="module")
def result():
    probe = ArithmeticScore(formulas=(FORMULA,), counts=(3, 1), draws=60, shortlist=8, **SMALL)
    return probe.run(two_things(), data_set())


def test_means_succeed_where_random_samples_do_not(result):
    (one,) = result.formulas
    assert one.goal == "light=bright & side=right"
    assert result.counts.tolist() == [1, 3]
    assert one.plain[1]["success"][0] > 0.95
    assert one.plain[1]["success"][0] >= one.plain[0]["success"][0]
    assert one.random["success"][0] < 0.5
    assert one.shortlists == one.shown == (8, 8, 8)
    low, high = one.plain[1]["success"][1:]
    assert low < one.plain[1]["success"][0] <= high
    assert result.summary()["success_3"] == one.plain[1]["success"][0]
    assert result.summary()["success_8"] is None


def test_random_exemplars_that_merely_show_the_concept_stand_beside_the_plainest(result):
    (one,) = result.formulas
    assert len(one.merely) == len(one.plain)
    assert min(one.showing) >= 8
    assert one.random["success"][0] < one.merely[1]["success"][0] <= 1
    summary = result.summary()
    assert summary["success_3_any_that_show"] == one.merely[1]["success"][0]
    means = summary["formulas"][one.text]["means_of"]["3"]
    assert means["any_that_show"]["success"] == list(one.merely[1]["success"])
    names = [row[1] for row in result.panels()[1].rows]
    assert names[:4] == ["single exemplars", "means of 3", "single exemplars, any that show it",
                         "means of 3, any that show it"]  # fmt: skip


def test_any_that_show_are_drawn_from_all_of_them_and_only_from_them():
    lists = [np.arange(10), np.arange(10, 20), np.arange(20, 30)]
    showing = [np.arange(100, 200), np.arange(200, 300), np.arange(300, 302)]
    trial = Trial(two_things(), None, (), lists, showing, (0, 0), 50, torch.zeros(1))
    picks = trial.picks(2, of_any=True)
    assert picks.shape == (50, 3, 2)
    assert len(np.unique(picks[:, 0])) > 50
    assert (picks // 100 == np.array([1, 2, 3])[:, None]).all()
    assert trial.picks(3).max() < 30  # the plainest are drawn from their shortlists, as before
    assert trial.score_of_any(3) is None  # two samples show C


def test_the_random_control_is_plausible_by_construction(result):
    (one,) = result.formulas
    assert one.random["plausible"] == pytest.approx(0.95, abs=0.01)
    assert one.random["success_and_plausible"][0] <= one.random["success"][0]


def test_the_pictures_replay_and_the_summary_is_json(result):
    (panel,) = (panel for panel in result.panels() if isinstance(panel, ImagePanel))
    again = render(two_things(), Recipe.from_json(json.dumps(panel.recipe)))
    assert np.array_equal(again, panel.image)
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["formulas"][result.formulas[0].text]["means_of"]["3"]["success"][0] > 0.95
    curve, table, _, _ = result.panels()
    assert "over 60 draws" in curve.caption
    assert curve.figure.layout.yaxis.title.text == "share of draws that succeed (%)"
    means = next(row for row in table.rows if row[1] == "means of 3")
    assert dict(zip(table.columns, means, strict=True))["success (%)"] == 100 * summary["success_3"]


def test_formulas_are_chosen_where_none_is_given_each_moving_another_attribute():
    found = ArithmeticScore(counts=(3,), draws=20, shortlist=5, **SMALL).run(
        two_things(), data_set()
    )
    moved = [one.wanted[0].name for one in found.formulas]
    assert len(set(moved)) == len(moved) >= 2


def test_the_same_settings_give_the_same_rates():
    probe = ArithmeticScore(formulas=(FORMULA,), counts=(1,), draws=30, shortlist=5, **SMALL)
    first, second = (probe.run(two_things(), data_set()).summary() for _ in range(2))
    assert first == second


def test_sums_are_those_of_the_paper_whatever_is_summed():
    picks = np.array([[[1, 2], [3, 3], [5, 1]], [[4, 4], [1, 2], [2, 3]]])
    found = sums(lambda seeds: torch.tensor(seeds, dtype=torch.float32)[:, None] ** 2, picks)
    assert found.tolist() == [[2.5 - 9 + 13], [16 - 2.5 + 6.5]]


def test_an_interval_is_wilsons():
    p, low, high = share(np.array([True] * 8 + [False] * 2))
    assert p == 0.8
    z = 1.959964
    middle, half = (0.8 + z * z / 20) / (1 + z * z / 10), None
    half = z / (1 + z * z / 10) * (0.8 * 0.2 / 10 + z * z / 400) ** 0.5
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=1e-6)
    assert share(np.ones(5, bool))[0] == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"formulas": ("light=bright",)}, "must be A - B"),
        ({"counts": ()}, "counts has 0 values: give at least 1"),
        ({"counts": (0, 3)}, "counts 0 is too small"),
        ({"draws": 0}, "draws 0"),
        ({"shortlist": 5, "counts": (8,)}, "at least 8"),
        ({"pool": 0}, "pool 0"),
        ({"pool": 20}, "pool of 20 is too small"),
    ],
)
def test_bad_settings_fail_before_anything_runs(settings, says):
    with pytest.raises(GanlensError, match=says):
        ArithmeticScore(**settings)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("light=a - light=bright + side=left", "'a' is not known: choose from bright, dark"),
        ("light=bright - side=left + light=dark", "has no expected value"),
    ],
)
def test_a_formula_that_cannot_be_scored_says_why(formula, says):
    probe = ArithmeticScore(formulas=(formula,), counts=(3,), draws=5, shortlist=5, **SMALL)
    with pytest.raises(GanlensError, match=says):
        probe.run(two_things(), data_set())


def test_too_few_samples_of_a_concept_are_admitted():
    probe = ArithmeticScore((FORMULA,), (3,), draws=5, shortlist=10, **{**SMALL, "pool": 12})
    result = probe.run(two_things(), data_set())
    assert min(result.formulas[0].shown) < 10
    captions = [panel.caption for panel in result.panels() if isinstance(panel, ImagePanel)]
    assert "Only " in captions[0]


def test_it_needs_labels_and_a_discriminator():
    with pytest.raises(GanlensError, match="give --data"):
        ArithmeticScore().run(two_things(), None)
    assert isinstance(TwoThings(), torch.nn.Module)
