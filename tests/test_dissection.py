"""Dissection: planted units are found; areas and overlaps are those of the definitions."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.probes.dissection import Dissect
from ganlens.probes.dissection.agreement import (
    permuted_threshold,
    thresholds,
    unit_aucs,
    unit_ious,
)
from ganlens.subject import load


def test_areas_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    levels = np.round(rng.normal(size=(60, 5)), 1)  # with ties
    truths = rng.random((60, 3)) < 0.4
    wanted = [[roc_auc_score(truths[:, k], levels[:, c]) for k in range(3)] for c in range(5)]
    np.testing.assert_allclose(unit_aucs(levels, truths), wanted)


def test_shuffled_labels_bound_what_chance_gives():
    rng = np.random.default_rng(0)
    truths = rng.random((200, 4)) < 0.5
    over = 0
    for seed in range(20):
        levels = np.random.default_rng(seed).normal(size=(200, 10))
        bound = permuted_threshold(levels, truths, 40, seed)
        over += bool((np.abs(unit_aucs(levels, truths) - 0.5) > bound).any())
    assert over <= 4  # 1 expected; 5 or more has probability 0.003
    planted = rng.normal(size=(200, 10))
    planted[:, 3] += 2 * truths[:, 1]
    found = np.abs(unit_aucs(planted, truths) - 0.5) > permuted_threshold(planted, truths, 40, 0)
    assert found[3, 1]


def test_thresholds_leave_the_share_that_was_asked_for():
    maps = torch.rand(20, 3, 10, 10, generator=torch.Generator().manual_seed(0))
    above = (maps > thresholds(maps, 0.05)[None, :, None, None]).float().mean((0, 2, 3))
    torch.testing.assert_close(above, torch.full((3,), 0.05), atol=1e-3, rtol=0)


def test_the_overlap_with_a_mask_is_its_closed_form():
    masks = np.zeros((2, 4, 4), dtype=bool)
    masks[:, :2] = True  # 8 of 16 positions
    maps = torch.zeros(2, 3, 4, 4)
    maps[:, 0, :2] = 1  # the mask itself
    maps[:, 1, 1:3] = 1  # half inside, half outside: 4 / 12
    found = unit_ious(maps, torch.full((3,), 0.5), masks)
    np.testing.assert_allclose(found, [1, 1 / 3, 0])


@pytest.fixture(scope="module")
def result(tiny_checkpoint, attribute_images):
    data = open_data(str(attribute_images))
    return Dissect(samples=80, shuffles=20).run(load(tiny_checkpoint, "cpu"), data)


def test_it_compares_every_unit_with_every_value_and_the_untrained_network(result):
    units, concepts = result.aucs.shape
    assert units == 4
    assert concepts == len(result.concepts) >= 1
    assert result.untrained.shape == result.aucs.shape
    assert np.isfinite(result.aucs).all()
    assert result.tops.shape[0] == len(result.top_units)
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["units"] == 4
    assert len(result.panels()) == 4


def test_what_is_not_there_is_listed(tiny_checkpoint, attribute_images):
    subject, data = load(tiny_checkpoint, "cpu"), open_data(str(attribute_images))
    with pytest.raises(GanlensError, match="'top' is not known: choose from"):
        Dissect(layer="top", samples=20, shuffles=20).run(subject, data)
    with pytest.raises(GanlensError, match="give --data"):
        Dissect().run(subject)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"samples": 5}, "samples 5"), ({"shuffles": 3}, "shuffles 3"), ({"share": 1.0}, "share 1")],
)
def test_bad_settings_fail_before_anything_runs(settings, says):
    with pytest.raises(GanlensError, match=says):
        Dissect(**settings)
